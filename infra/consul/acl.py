"""The ACLs of a Consul, by its HTTP API."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from infra.consul.refusal import Refusal

SECONDS = 20
PATIENCE_SECONDS = 60.0
# What a server says that has just started.
SOON = ("No cluster leader", "legacy mode", "leader not found", "not yet ready")
OFF, UNKNOWN = "ACL support disabled", "ACL not found"


@dataclass(frozen=True)
class Answer:
    """How Consul answered, and with what."""

    code: int
    text: str
    value: Any = None


@dataclass(frozen=True)
class Acl:
    """Consul at *url*, which the authority in the file *ca_file* vouches for, if one is named."""

    url: str
    ca_file: Path | None = None

    def get(self, path: str, token: str) -> Any:
        return self.demand("GET", path, token)

    def put(self, path: str, token: str, body: dict[str, Any]) -> Any:
        return self.demand("PUT", path, token, body)

    def demand(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Any:
        """Return what Consul answers; Refusal says what it did instead."""
        answer = self.ask(method, path, token, body)
        if answer.code == 200:
            return answer.value
        if answer.code == 403:
            raise Refusal(
                f"Consul at {self.url} denies the management token in `files` to {method} {path}. Correct it."
            )
        raise Refusal(f"Consul at {self.url} answered {answer.code} to {method} {path}: {answer.text}")

    def ask(self, method: str, path: str, token: str, body: dict[str, Any] | None = None) -> Answer:
        """Return Consul's answer, whichever it is, once it has a leader."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._once(method, path, token, body)
            if OFF in answer.text:
                raise Refusal(
                    f"ACLs are off at {self.url}. Make the site with `tokens` in its data file first."
                )
            if not any(words in answer.text for words in SOON) or time.monotonic() > deadline:
                return answer
            time.sleep(0.5)

    def _once(self, method: str, path: str, token: str, body: dict[str, Any] | None) -> Answer:
        headers = {"X-Consul-Token": token} if token else {}
        with requests.Session() as session:
            # A proxy or an authority of the environment has no say in who gets the tokens.
            session.trust_env = False
            trusted: str | bool = str(self.ca_file) if self.ca_file else True
            try:
                answer = session.request(
                    *(method, f"{self.url}/v1/acl/{path}"),
                    headers=headers,
                    json=body,
                    verify=trusted,
                    timeout=SECONDS,
                    allow_redirects=False,
                )
            except requests.exceptions.SSLError:
                why = f"Check `tls.ca_file`, and that its certificate is for the address in {self.url}."
                raise Refusal(f"Consul at {self.url} has a certificate that is not trusted. {why}") from None
            except (requests.RequestException, OSError) as error:
                raise Refusal(self._silent(error)) from None
        return _read(answer)

    def _silent(self, error: Exception) -> str:
        return (
            f"Consul does not answer at {self.url} ({type(error).__name__}). "
            "Make the site first, or name with --url where a tunnel to it begins."
        )


def _read(answer: requests.Response) -> Answer:
    text = "".join(one if one.isprintable() else " " for one in answer.text[:300]).strip()
    if answer.status_code != 200:
        return Answer(answer.status_code, text)
    try:
        return Answer(200, "", answer.json())
    except ValueError:
        return Answer(502, "not Consul's JSON")
