"""HTTP to a machine that is near: past every proxy, in little time, and to no other place than was named."""

from __future__ import annotations

from typing import Any

import requests

TIMEOUT_SECONDS = 5


def ask(method: str, url: str, **options: Any) -> requests.Response:
    """Return the answer to *method* at *url*, whatever its status; *options* and errors are requests' own."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, **options)
