"""A password goes to a mail server only over a connection whose certificate is trusted."""

import datetime
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cicd.clients import mail
from cicd.errors import ReceiverBusy
from cicd.notice_targets import NoticeTarget
from tests.conftest import free_port

PASSWORD = "correct horse"


@dataclass
class Server:
    folder: Path
    port: int
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)

    def authenticated(self, server, session, envelope, mechanism, data) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    async def handle_DATA(self, server, session, envelope) -> str:
        self.subjects += [line for line in envelope.content.decode().splitlines() if "Subject" in line]
        return "250 OK"

    def target(self, password: str = PASSWORD) -> NoticeTarget:
        file = self.folder / "password"
        file.write_text(password)
        return NoticeTarget(
            "oncall",
            "mail",
            server=f"localhost:{self.port}",
            sender="cicd@example.com",
            recipients=("ann@example.com",),
            user="cicd",
            password_file=str(file),
        )


def certified() -> bytes:
    """Return a key and a certificate of localhost that it signed itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    made = Server(tmp_path, free_port())
    (tmp_path / "certificate.pem").write_bytes(certified())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate.pem")
    controller = Controller(
        made,
        hostname="localhost",
        port=made.port,
        tls_context=context,
        auth_required=True,
        authenticator=made.authenticated,
    )
    controller.start()
    yield made
    controller.stop()


def test_a_trusted_server_gets_login_and_mail(server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "certificate.pem"))
    mail.send(server.target(), ["greeter: locked by ann"], "", "1")

    assert server.logins == [(b"cicd", PASSWORD.encode())]
    assert server.subjects == ["Subject: greeter: locked by ann"]


def test_a_server_that_nobody_vouches_for_gets_no_password(server):
    with pytest.raises(ReceiverBusy, match="SSLCertVerificationError"):
        mail.send(server.target(), ["greeter: locked by ann"], "", "1")

    assert server.logins == []


def test_a_wrong_password_is_named_by_its_code_and_never_shown(server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "certificate.pem"))
    with pytest.raises(ReceiverBusy) as refused:
        mail.send(server.target("wrong horse"), ["greeter: locked by ann"], "", "1")

    assert "(535)" in refused.value.message
    assert "horse" not in refused.value.message
