"""Messages of Amazon SNS: only Amazon's, and only of topics that are named."""

import asyncio
import base64
import datetime
import json
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway import sns
from gateway.sns import Sns, UnreachableError, UntrustedError
from tests.gateway.gateways import Local
from tests.gateway.wire import TOKEN, eventually

TOPIC = "arn:aws:sns:eu-west-1:123456789012:greeter"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem"
SUBSCRIBE_URL = (
    f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
)
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
NOTIFICATION = {
    **json.loads((Path(__file__).parent / "bodies/cloudwatch.json").read_text()),
    "SigningCertURL": CERTIFICATE_URL,
}
SUBSCRIPTION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "Token": "2336412f37",
    "TopicArn": TOPIC,
    "Message": f"You have chosen to subscribe to the topic {TOPIC}.",
    "SubscribeURL": SUBSCRIBE_URL,
    "Timestamp": "2026-11-29T08:45:57.000Z",
    "SignatureVersion": "2",
    "SigningCertURL": CERTIFICATE_URL,
}


def certificate(key: rsa.RSAPrivateKey, days: int = 2) -> bytes:
    """Return a certificate of *key* that was made yesterday and ends *days* later."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1, hours=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begin)
    made = builder.not_valid_after(begin + datetime.timedelta(days=days)).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def signed(message: dict, key: rsa.RSAPrivateKey = KEY) -> dict:
    """Return *message* as the documentation of SNS says that it is signed."""
    fields = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in fields if name in message)
    kind = {"1": hashes.SHA1, "2": hashes.SHA256}[message["SignatureVersion"]]()
    made = key.sign(text.encode(), padding.PKCS1v15(), kind)
    return {**message, "Signature": base64.b64encode(made).decode()}


class Amazon:
    """What answers in place of Amazon; `asked` are the URLs."""

    def __init__(self, answer: bytes = b"") -> None:
        self.asked: list[str] = []
        self.answer = answer or certificate(KEY)
        self.is_up = True

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if not self.is_up:
            raise UnreachableError("Amazon SNS does not answer")
        return self.answer


def verify(message: dict, amazon: Amazon | None = None, topics: tuple[str, ...] = (TOPIC,)) -> None:
    asyncio.run(Sns((amazon or Amazon()).fetch).verify(message, topics))


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    "message", [NOTIFICATION, SUBSCRIPTION, {**SUBSCRIPTION, "Type": "UnsubscribeConfirmation"}]
)
def test_what_amazon_signed_is_taken_and_no_letter_of_it_may_be_another(message, version):
    good = signed({**message, "SignatureVersion": version})
    verify(good)

    for name in ("Message", "Timestamp", "MessageId"):
        with pytest.raises(UntrustedError, match="signature"):
            verify({**good, name: good[name] + "x"})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TopicArn": "arn:aws:sns:eu-west-1:999999999999:theirs"}, "topic is not one of"),
        (
            {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.example.org/a.pem"},
            "SigningCertURL does not",
        ),
        ({"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/a.pem"}, "SigningCertURL does not"),
        ({"SigningCertURL": "https://user@sns.eu-west-1.amazonaws.com/a.pem"}, "SigningCertURL does not"),
        ({"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/?Action=x.pem"}, "SigningCertURL does not"),
        ({"SigningCertURL": "https://s3.eu-west-1.amazonaws.com/a.pem"}, "SigningCertURL does not"),
        ({"SigningCertURL": None}, "SigningCertURL does not"),
        ({"SignatureVersion": "3"}, "signature"),
        ({"Signature": "not base64!"}, "signature"),
        ({"Signature": None}, "signature"),
        ({"Subject": None}, "signature"),
    ],
)
def test_what_is_not_of_amazon_about_our_topic_is_refused(changes, reason):
    amazon = Amazon()
    with pytest.raises(UntrustedError, match=reason):
        verify({**signed(NOTIFICATION), **changes}, amazon)

    assert set(amazon.asked) <= {CERTIFICATE_URL}, "nobody else is asked"


def test_a_signature_of_another_key_or_a_certificate_that_ended_is_refused():
    with pytest.raises(UntrustedError, match="signature"):
        verify(signed(NOTIFICATION, OTHER_KEY))
    with pytest.raises(UntrustedError, match="not valid"):
        verify(signed(NOTIFICATION), Amazon(certificate(KEY, days=1)))
    with pytest.raises(UntrustedError, match="cannot be read"):
        verify(signed(NOTIFICATION), Amazon(b"<html>"))


def test_a_certificate_is_asked_for_once():
    amazon, messages = Amazon(), [signed({**NOTIFICATION, "MessageId": str(n)}) for n in range(3)]
    asked = Sns(amazon.fetch)
    for message in messages:
        asyncio.run(asked.verify(message, [TOPIC]))

    assert amazon.asked == [CERTIFICATE_URL]


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Amazon:
    """Amazon as the gateway reaches it."""
    made = Amazon()
    monkeypatch.setattr(sns.Sns.__init__, "__defaults__", (made.fetch,))
    return made


def post(gateway: Local, message: dict, token: str = TOKEN) -> requests.Response:
    url = f"{gateway.url}/alarm/cloudwatch?token={token}&project=greeter"
    headers = {"Content-Type": "text/plain; charset=UTF-8"}
    return requests.post(url, data=json.dumps(message), headers=headers, timeout=10)


def test_an_alarm_of_cloudwatch_comes_through_a_subscription_that_the_gateway_confirmed(
    amazon, local, stackstorm
):
    with local.serving(sns_topics=(TOPIC,)):
        assert post(local, signed(SUBSCRIPTION)).json()["reason"] == f"subscribed to {TOPIC}"
        assert amazon.asked == [CERTIFICATE_URL, SUBSCRIBE_URL]
        assert post(local, signed(NOTIFICATION)).status_code == 202
        eventually(lambda: stackstorm.got)

    wanted = {"project": "greeter", "host": "i-bc8dcaa5", "check": "Network In > 2 MB", "status": "alarm"}
    assert [body for _, _, body in stackstorm.got] == [{**wanted, "source": "cloudwatch"}]


@pytest.mark.parametrize("message", [NOTIFICATION, SUBSCRIPTION])
def test_a_topic_that_is_not_named_is_neither_confirmed_nor_listened_to(amazon, local, stackstorm, message):
    with local.serving():
        assert post(local, signed(message)).status_code == 403
        assert post(local, signed(message), "wrong-token-of-nobody").status_code == 401

    assert amazon.asked == []
    assert not stackstorm.calls


def test_while_amazon_does_not_answer_it_is_told_to_send_again(amazon, local, stackstorm):
    amazon.is_up = False
    with local.serving(sns_topics=(TOPIC,)):
        assert post(local, signed(NOTIFICATION)).status_code == 503
        amazon.is_up = True
        assert post(local, signed(NOTIFICATION)).status_code == 202
        eventually(lambda: stackstorm.got)


def test_what_leads_to_nobody_is_no_answer_of_amazon():
    with pytest.raises(UnreachableError, match="Amazon SNS does not answer"):
        asyncio.run(sns.fetched("https://127.0.0.1:1/a.pem"))
