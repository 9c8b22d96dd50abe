"""
How a request proves to AWS who asks: Signature Version 4, and the file with the keys.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import configparser
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Dict
from urllib.parse import urlsplit

from cicd.errors import ConfigError

ALGORITHM = "AWS4-HMAC-SHA256"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
PROFILE = "default"


@dataclass(frozen=True)
class Credentials:
    """The keys of an account's user; *token* is there when they are temporary."""

    key: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def read(path: str) -> Credentials:
    """Return the credentials in the file *path*, as AWS's own tools write it; ConfigError without any."""
    parser = configparser.RawConfigParser()
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        given = parser[PROFILE]
        token = given.get("aws_session_token", "")
        return Credentials(given["aws_access_key_id"], given["aws_secret_access_key"], token)
    except (OSError, KeyError, UnicodeDecodeError, configparser.Error) as error:
        why = error.strerror if isinstance(error, OSError) else f"it lacks [{PROFILE}] with both keys"
        raise ConfigError(
            f"The credentials file {path} cannot be used: {why}.",
            "It has the form of ~/.aws/credentials, see docs/machines.md.",
        ) from None


def signed(
    credentials: Credentials, url: str, body: bytes, region: str, service: str, at: str
) -> Dict[str, str]:
    """Return the headers of a POST of *body*, a form, to *url*; *at* is now, such as 20261129T204500Z."""
    parts = urlsplit(url)
    headers = {"content-type": FORM, "host": parts.netloc, "x-amz-date": at}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(headers))
    lines = [f"{name}:{value}" for name, value in sorted(headers.items())]
    request = "\n".join(["POST", parts.path or "/", parts.query, *lines, "", names, _digest(body)])
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    text = "\n".join([ALGORITHM, at, scope, _digest(request.encode())])
    signature = hmac.new(_key(credentials.secret, scope), text.encode(), hashlib.sha256).hexdigest()
    proof = f"Credential={credentials.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": f"{ALGORITHM} {proof}"}


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
