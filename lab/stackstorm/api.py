"""The calls of StackStorm's API that a lab needs."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from lab.errors import LabError

TIMEOUT_SECONDS = 20


def log_in(auth_url: str, user: str, password: str) -> str:
    """Return a token for *user*."""
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    return str(_post(f"{auth_url}/tokens", {"Authorization": f"Basic {basic}"}, {})["token"])


def create_key(api_url: str, token: str, user: str) -> str:
    """Return a new API key of *user*."""
    body = {"user": user, "metadata": {"used_by": "the lab's gateway"}}
    return str(_post(f"{api_url}/apikeys", {"X-Auth-Token": token}, body)["key"])


def register_pack(api_url: str, key: str, pack: str) -> None:
    """Let StackStorm read *pack*, and its configuration, from their files again."""
    _post(f"{api_url}/packs/register", {"St2-Api-Key": key}, {"packs": [pack]})


def _post(url: str, headers: dict[str, str], body: dict[str, Any]) -> Any:
    data = json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {**headers, "Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        what = f"{error.code}: {error.read(300).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        what = str(error)
    raise LabError(f"StackStorm refused {url} ({what}).", "Check its log, its address and the credentials.")
