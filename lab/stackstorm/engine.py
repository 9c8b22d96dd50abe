"""Which StackStorm runs the pack: st2local, started here, or one that the environment names."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab import processes
from lab.errors import LabError
from lab.hosts.keys import write_secret
from lab.places import REPOSITORY, Places
from lab.stackstorm import api
from lab.world import World

USER = "st2admin"
WEB_PORT = 9130
READY_SECONDS = 240.0  # the first start makes the pack's virtualenv


@dataclass(frozen=True)
class Engine:
    """The addresses of one StackStorm; *local* when this lab starts it."""

    local: bool
    api_url: str
    auth_url: str
    stream_url: str

    def description(self, places: Places) -> dict[str, Any]:
        """Return world.json's `stackstorm`."""
        return {
            "engine": "st2local" if self.local else "stackstorm",
            "api_url": self.api_url,
            "auth_url": self.auth_url,
            "stream_url": self.stream_url,
            "user": USER,
            "password_file": str(places.secrets / "st2_password"),
            **({"web_url": web_url} if (web_url := _web_url(self)) else {}),
        }


def _web_url(engine: Engine) -> str:
    """Return where the web UI is: nowhere, unless ST2WEB names a built one for this lab's st2local."""
    if not engine.local or not os.environ.get("ST2WEB"):
        return ""
    return f"http://{urlsplit(engine.api_url).hostname}:{WEB_PORT}"


def find(world: World) -> Engine:
    """Return the StackStorm that ST2_API_URL and ST2_AUTH_URL name, or this lab's st2local."""
    given = os.environ.get("ST2_API_URL", "")
    # build/lab/env exports the address of the lab's own st2local: that names no other StackStorm.
    if not given or urlsplit(given).hostname == world.control:
        base = f"http://{world.control}"
        return Engine(True, f"{base}:9101/v1", f"{base}:9100", f"{base}:9102/v1")
    auth = os.environ.get("ST2_AUTH_URL", "")
    if not auth or not (os.environ.get("ST2_AUTH_TOKEN") or os.environ.get("ST2_API_KEY")):
        raise LabError(
            f"ST2_API_URL names {given}, but not how to log in there.",
            "Set ST2_AUTH_URL and ST2_AUTH_TOKEN (or ST2_API_KEY), or unset ST2_API_URL to use st2local.",
        )
    return Engine(False, given, auth, os.environ.get("ST2_STREAM_URL", given))


def start(places: Places, world: World) -> subprocess.Popen[bytes]:
    """Start st2local with this repository as its pack; returns at once."""
    password = places.secrets / "st2_password"
    write_secret(password, f"{USER}:{secrets.token_hex(12)}\n")
    places.data.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "st2local", "serve", "--pack", str(REPOSITORY)]
    argv += ["--configs", str(places.configs), "--data", str(places.data)]
    python = os.environ.get("LAB_PACK_PYTHON") or sys.executable
    argv += ["--virtualenvs", str(REPOSITORY / "build" / "venvs" / "packs"), "--pack-python", python]
    argv += ["--host", world.control, "--api-port", "9101", "--auth-port", "9100", "--stream-port", "9102"]
    argv += ["--password-file", str(password)]
    web = os.environ.get("ST2WEB")
    argv += ["--web", str(Path(web).resolve()), "--web-port", str(WEB_PORT)] if web else []
    return processes.spawn(places, "st2local", argv, cwd=REPOSITORY)


def wait(places: Places, process: subprocess.Popen[bytes]) -> None:
    """Return once st2local says that it is ready; LabError, with its last words, when it ends or hangs."""
    log = places.logs / "st2local.log"
    deadline = time.monotonic() + READY_SECONDS
    while not any(line.startswith("ready") for line in log.read_text(errors="replace").splitlines()):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise LabError(f"st2local did not start: {' / '.join(last)}", "Correct that, then try again.")
        time.sleep(0.1)


def reload(places: Places) -> None:
    """Let the lab's StackStorm read the pack, and its configuration, from their files again."""
    if not places.world_file.exists():
        raise LabError("No lab is up.", "Start one: make lab")
    described = json.loads(places.world_file.read_text())["stackstorm"]
    api.register_pack(described["api_url"], (places.secrets / "st2_api_key").read_text().strip(), "cicd")


def gateway_key(places: Places, engine: Engine) -> Path:
    """Return the file with the API key that the gateway and st2's command line use."""
    path = places.secrets / "st2_api_key"
    write_secret(path, _key(places, engine) + "\n")
    return path


def _key(places: Places, engine: Engine) -> str:
    given = os.environ.get("ST2_API_KEY", "")
    if not engine.local and given:
        return given
    token = os.environ.get("ST2_AUTH_TOKEN", "") if not engine.local else _log_in(places, engine)
    return api.create_key(engine.api_url, token, USER)


def _log_in(places: Places, engine: Engine) -> str:
    user, _, password = (places.secrets / "st2_password").read_text().strip().partition(":")
    return api.log_in(engine.auth_url, user, password)
