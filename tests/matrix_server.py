"""A real Matrix homeserver, synapse, in a process: a room in it, and what was said there."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
import yaml

from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "build" / "venvs" / "matrix" / "bin" / "python"
START_SECONDS = 120  # on a machine that has much else to do
PASSWORD = "matrix-password"


class MatrixServer:
    """The server in *directory*, in a `with` block; it keeps what it has when it is stopped and started."""

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        self.token = self.room = ""
        self.url = f"http://127.0.0.1:{self._port}"
        self._config, self._log = directory / "homeserver.yaml", directory / "synapse.log"
        self._config.write_text(yaml.safe_dump(_config(directory, self._port)))
        (directory / "log.yaml").write_text("version: 1\ndisable_existing_loggers: false\n")

    def __enter__(self) -> MatrixServer:
        self.start()
        try:
            account = {"username": "cicd", "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
            self.token = self._ask("POST", "/register", account)["access_token"]
            self.room = self._ask("POST", "/createRoom", {"name": "deploys"})["room_id"]
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and return once it answers."""
        command = [str(PYTHON), "-m", "synapse.app.homeserver", "-c", str(self._config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._config.parent)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(self._log.read_text()[-4000:])
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    @property
    def said(self) -> list[str]:
        """What was said in the room, oldest first."""
        query = f"/rooms/{self.room}/messages?dir=f&limit=100"
        events = self._ask("GET", query)["chunk"]
        return [one["content"]["body"] for one in events if one["type"] == "m.room.message"]

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/_matrix/client/versions", timeout=5).ok
        except requests.RequestException:
            return False

    def _ask(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.url}/_matrix/client/v3{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json()


def _config(directory: Path, port: int) -> dict[str, object]:
    listener = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "type": "http",
        "resources": [{"names": ["client"]}],
    }
    return {
        "server_name": "localhost",
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(directory / "homeserver.db")}},
        "media_store_path": str(directory / "media"),
        "signing_key_path": str(directory / "signing.key"),
        "log_config": str(directory / "log.yaml"),
        "registration_shared_secret": "registration",
        "macaroon_secret_key": "macaroon",
        "form_secret": "form",
        "enable_registration": True,
        "enable_registration_without_verification": True,
        "report_stats": False,
        "trusted_key_servers": [],
    }
