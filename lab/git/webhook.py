"""Deliveries of a webhook: signed as GitHub signs them, kept on disk, sent again on request."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from lab.stand_in.unit import LIBRARY

URL = "lab.hookUrl"
NAME = "lab.hookRepository"
SECRET_FILE = "hook-secret"
HOOK = f"""#!/bin/sh
exec env PYTHONPATH={LIBRARY} python3 -m lab.git.post_receive
"""
TIMEOUT_SECONDS = 10  # GitHub's own
KEPT = 200


class Webhook:
    """The webhook of one bare repository; its deliveries lie in *repository*/deliveries."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._folder = repository / "deliveries"

    @property
    def is_armed(self) -> bool:
        """Whether it delivers anything: it has a secret to sign with."""
        return (self._repository / SECRET_FILE).exists()

    def config(self, key: str) -> str:
        """Return the repository's git setting *key*."""
        argv = ["git", "-C", str(self._repository), "config", key]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def is_set(self) -> bool:
        """Whether anybody is told of pushes."""
        argv = ["git", "-C", str(self._repository), "config", URL]
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    def arm(self, url: str, name: str, secret: str) -> None:
        """Tell *url* of each push to the repository *name* (owner/name), signed with *secret*."""
        for key, value in ((URL, url), (NAME, name)):
            subprocess.run(["git", "-C", str(self._repository), "config", key, value], check=True)
        file, hook = self._repository / SECRET_FILE, self._repository / "hooks" / "post-receive"
        file.touch(mode=0o600)
        file.write_text(secret)
        hook.write_text(HOOK)
        hook.chmod(0o755)

    def disarm(self) -> None:
        """Tell nobody of pushes any more."""
        (self._repository / "hooks" / "post-receive").unlink(missing_ok=True)
        (self._repository / SECRET_FILE).unlink(missing_ok=True)
        subprocess.run(["git", "-C", str(self._repository), "config", "--unset", URL], check=True)

    def send(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Keep and send *payload* as a new delivery of *event*; return the delivery."""
        body = json.dumps(payload)
        delivery = {"id": str(uuid.uuid4()), "event": event, "url": self.config(URL), "body": body}
        return self._attempt(delivery)

    def redeliver(self, identifier: str = "") -> dict[str, Any]:
        """Send the delivery *identifier*, or the newest one, again: the same bytes under the same id."""
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        fitting = [path for path in files if path.stem == identifier or not identifier]
        if not fitting:
            raise LookupError(
                f"there is no delivery {identifier}" if identifier else "nothing was delivered yet"
            )
        return self._attempt(json.loads(fitting[-1].read_text()))

    def kept(self) -> list[dict[str, Any]]:
        """Return the kept deliveries with their attempts."""
        return [json.loads(path.read_text()) for path in self._folder.glob("*.json")]

    def _attempt(self, delivery: dict[str, Any]) -> dict[str, Any]:
        self._keep({**delivery, "status": 0, "answer": "under way"})
        status, answer = self._post(delivery)
        attempts = [*delivery.get("attempts", []), {"at": time.time(), "status": status}]
        done = {**delivery, "status": status, "answer": answer, "attempts": attempts}
        self._keep(done)
        return done

    def _keep(self, delivery: dict[str, Any]) -> None:
        self._folder.mkdir(exist_ok=True)
        partial = self._folder / f".{delivery['id']}"
        partial.write_text(json.dumps(delivery, indent=1))
        partial.rename(self._folder / f"{delivery['id']}.json")
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in files[:-KEPT]:
            old.unlink(missing_ok=True)

    def _post(self, delivery: dict[str, Any]) -> tuple[int, str]:
        body = delivery["body"].encode()
        request = urllib.request.Request(delivery["url"], body, self._headers(delivery, body), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                return response.status, response.read(500).decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read(500).decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    def _headers(self, delivery: dict[str, Any], body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/lab",
            "X-GitHub-Event": delivery["event"],
            "X-GitHub-Delivery": delivery["id"],
            **signatures((self._repository / SECRET_FILE).read_text().strip(), body),
        }


def signatures(secret: str, body: bytes) -> dict[str, str]:
    """Return the headers with which GitHub signs *body*."""
    sha1, sha256 = (
        hmac.new(secret.encode(), body, kind).hexdigest() for kind in (hashlib.sha1, hashlib.sha256)
    )
    return {"X-Hub-Signature": f"sha1={sha1}", "X-Hub-Signature-256": f"sha256={sha256}"}
