"""Who is let in."""

import ipaddress

import pytest

from gateway.config import Caller, GitHub
from gateway.signature import is_signed, is_token
from tests.gateway.wire import COMMIT, SECRETS, TOKEN, call_back, callback, deliver, eventually, push, signed

FLIPPED = push().replace(b"greeter", b"greeteR", 1)


@pytest.mark.parametrize("secret", SECRETS)
def test_during_a_rotation_both_secrets_are_good(gateway, secret):
    answer = deliver(gateway, push(), X_Hub_Signature_256=signed(push(), secret))

    assert answer.status_code == 202


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signed(push())[:-1],
        signed(push()) + "0",
        signed(push()).upper(),
        signed(push()).removeprefix("sha256="),
        " " + signed(push())[1:],
        signed(push()).replace("sha256", "sha1"),
        signed(push(), "another-secret"),
        signed(push(), ""),
        signed(FLIPPED),
        "ä",
    ],
)
def test_only_the_signature_of_these_very_bytes_fits(signature):
    secrets = [secret.encode() for secret in SECRETS]

    assert not is_signed(push(), signature, secrets)
    assert not is_signed(push(), None, secrets)
    assert is_signed(push(), signed(push()), secrets)


@pytest.mark.parametrize(
    "given", ["", "the-token-of-jenkin", "the-token-of-jenkins2", "The-token-of-jenkins", "ä"]
)
def test_only_the_token_itself_fits(given):
    assert not is_token(given, TOKEN)
    assert is_token(TOKEN, TOKEN)


@pytest.mark.parametrize("signature", ["", signed(FLIPPED), "\xe4"])
def test_a_wrong_signature_is_refused_with_one_audit_line(gateway, stackstorm, signature):
    answer = deliver(gateway, push(), X_Hub_Signature_256=signature)

    assert answer.status_code == 401
    assert [(line["decision"], line["delivery"]) for line in gateway.audit] == [("refused", "d1")]
    assert not stackstorm.calls
    assert deliver(gateway, push()).json()["decision"] == "accepted"


@pytest.mark.parametrize("path", ["jenkins", "alarm/consul"])
def test_a_wrong_token_is_refused_with_one_audit_line(gateway, path):
    assert call_back(gateway, callback(), "the-toke", path).status_code == 401
    assert call_back(gateway, callback(), TOKEN, f"{path}?token=wrong").status_code == 202
    assert call_back(gateway, callback(), "", f"{path}?token={TOKEN}").status_code == 202
    assert gateway.audit[0]["decision"] == "refused"


def test_neither_secrets_nor_free_text_are_in_the_audit_lines(gateway):
    deliver(gateway, push(after=COMMIT), delivery="<% x %>")
    deliver(gateway, push(ref="refs/heads/{{ x }}"), delivery="d2")
    call_back(gateway, callback(), "", f"jenkins?token={TOKEN}")

    text = str(gateway.audit)
    assert not [word for word in (TOKEN, *SECRETS, "{{", "<%", "example.com") if word in text]
    fields = {"time", "source", "delivery", "decision", "reason", "repository", "commit"}
    assert all(set(line) == fields for line in gateway.audit)


@pytest.fixture
def vaulted(local, stackstorm):
    """A gateway where acme/vault has a secret of its own."""
    own = {"acme/vault": (b"vault-secret",)}
    with local.serving(github=GitHub(tuple(secret.encode() for secret in SECRETS), own)):
        yield local


@pytest.mark.parametrize(
    ("repository", "secret", "status"),
    [
        ("acme/vault", "vault-secret", 202),
        ("Acme/Vault", "vault-secret", 202),
        ("acme/vault", SECRETS[0], 401),
        ("acme/greeter", SECRETS[0], 202),
        ("acme/greeter", "vault-secret", 401),
    ],
)
@pytest.mark.parametrize("kind", ["push", "ping", "issues"])
def test_a_repositorys_own_secret_signs_for_it_alone(vaulted, stackstorm, repository, secret, status, kind):
    body = push(repository={"name": "x", "full_name": repository})
    answer = deliver(vaulted, body, kind=kind, X_Hub_Signature_256=signed(body, secret))

    assert answer.status_code == (200 if (status, kind) == (202, "ping") else status)
    assert len(vaulted.audit) == 1


def test_what_names_no_repository_is_not_signed_with_a_repositorys_own_secret(vaulted, stackstorm):
    answer = deliver(vaulted, b"[]", X_Hub_Signature_256=signed(b"[]", "vault-secret"))

    assert answer.status_code == 401
    assert not stackstorm.calls


def test_a_retired_secret_is_stale(local, stackstorm):
    with local.serving(github=GitHub((SECRETS[1].encode(),))):
        stale = deliver(local, push(), X_Hub_Signature_256=signed(push(), SECRETS[0]))
        fresh = deliver(local, push(), X_Hub_Signature_256=signed(push(), SECRETS[1]))
        eventually(lambda: stackstorm.got)

    assert (stale.status_code, fresh.status_code) == (401, 202)
    assert [line["decision"] for line in local.audit] == ["refused", "accepted"]
    assert len(stackstorm.calls) == 1


@pytest.mark.parametrize(("network", "status"), [("127.0.0.0/8", 202), ("192.0.2.0/24", 403)])
@pytest.mark.parametrize("path", ["jenkins", "alarm/consul"])
def test_a_token_counts_only_from_where_it_may_come(local, network, status, path):
    caller = Caller(TOKEN, (ipaddress.ip_network(network),))
    with local.serving(jenkins=caller, alarm=caller):
        assert call_back(local, callback(), path=path).status_code == status
    assert len(local.audit) == 1


def test_alarms_may_have_a_token_of_their_own(local):
    with local.serving(alarm=Caller("alarm-token")):
        assert call_back(local, callback(), TOKEN, "alarm/consul").status_code == 401
        assert call_back(local, callback(), "alarm-token", "alarm/consul").status_code == 202
        assert call_back(local, callback(), "alarm-token", "jenkins").status_code == 401
