"""Messages of Amazon SNS: that Amazon signed them, and that the configuration names their topic."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from gateway.alarms.values import Table, table

NOTIFICATION, SUBSCRIPTION, END = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    END: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
HASHES = {"1": SHA1, "2": SHA256}
_HOST = r"https://sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?"
CERTIFICATE = re.compile(rf"{_HOST}/SimpleNotificationService-[A-Za-z0-9]{{1,100}}\.pem")
CONFIRMATION = re.compile(rf"{_HOST}/[A-Za-z0-9._~/?&=%:+-]{{0,2000}}")
FETCH_SECONDS = 10
CERTIFICATES_KEPT = 20

Fetch = Callable[[str], Awaitable[bytes]]


class UntrustedError(Exception):
    """The message is not one of Amazon's about a topic that is named; the text says why."""


class UnreachableError(Exception):
    """Amazon did not answer."""


async def fetched(url: str) -> bytes:
    """Return what Amazon has at *url*; UnreachableError when it does not answer."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS)) as session,
            session.get(url, allow_redirects=False, raise_for_status=True) as answer,
        ):
            return b"".join([chunk async for chunk in answer.content.iter_any()])
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnreachableError(f"Amazon SNS does not answer ({type(error).__name__})") from None


def is_message(body: object) -> bool:
    """Return whether *body* says that SNS sent it."""
    said = table(body)
    return said.get("Type") in SIGNED and "TopicArn" in said


class Sns:
    """What the gateway asks of Amazon, through *fetch*; certificates are asked for once."""

    def __init__(self, fetch: Fetch = fetched) -> None:
        self._fetch = fetch
        self._certificates: dict[str, bytes] = {}

    async def verify(self, message: Table, topics: Collection[str]) -> None:
        """Raise UntrustedError unless Amazon signed *message*, and its topic is one of *topics*."""
        if message.get("TopicArn") not in topics:
            raise UntrustedError("its topic is not one of alarm.sns_topics")
        key = _key(await self._certificate(_url(message, "SigningCertURL", CERTIFICATE)))
        try:
            hash_ = HASHES[str(message.get("SignatureVersion"))]()
            signature = base64.b64decode(str(message.get("Signature")), validate=True)
            key.verify(signature, _signed_text(message), padding.PKCS1v15(), hash_)
        except (InvalidSignature, KeyError, ValueError):
            raise UntrustedError("the signature of Amazon SNS does not fit") from None

    async def confirm(self, message: Table) -> None:
        """Subscribe to the topic of a *message* that asks whether we want that, and was verified."""
        await self._fetch(_url(message, "SubscribeURL", CONFIRMATION))

    async def _certificate(self, url: str) -> bytes:
        if url not in self._certificates:
            if len(self._certificates) >= CERTIFICATES_KEPT:
                self._certificates.clear()
            self._certificates[url] = await self._fetch(url)
        return self._certificates[url]


def _url(message: Table, field: str, pattern: re.Pattern[str]) -> str:
    url = message.get(field)
    if not isinstance(url, str) or not pattern.fullmatch(url):
        raise UntrustedError(f"{field} does not lead to Amazon SNS")
    return url


def _key(certificate: bytes) -> rsa.RSAPublicKey:
    try:
        read = x509.load_pem_x509_certificate(certificate)
        key = read.public_key()
    except ValueError:
        raise UntrustedError("the certificate of Amazon SNS cannot be read") from None
    if read.not_valid_after_utc < datetime.now(UTC) or not isinstance(key, rsa.RSAPublicKey):
        raise UntrustedError("the certificate of Amazon SNS is not valid")
    return key


def _signed_text(message: Table) -> bytes:
    said = [(name, message[name]) for name in SIGNED[str(message["Type"])] if message.get(name) is not None]
    return "".join(f"{name}\n{value}\n" for name, value in said).encode("utf-8", "replace")
