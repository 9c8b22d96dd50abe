"""StackStorm's own command line, `st2`, as a person uses it."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from demo.stackstorm import StackStorm
from tests.acceptance import st2_process


class CommandLine:
    """`st2` with the addresses and the key of one StackStorm; what it prints is returned."""

    def __init__(self, description: dict[str, Any], stackstorm: StackStorm) -> None:
        self._stackstorm = stackstorm
        self._environment = {
            **os.environ,
            "ST2_API_URL": description["api_url"],
            "ST2_AUTH_URL": description["auth_url"],
            "ST2_STREAM_URL": description["stream_url"],
        }
        key = Path(description["password_file"]).with_name("st2_api_key")
        if not {"ST2_AUTH_TOKEN", "ST2_API_KEY"} & set(os.environ) and key.exists():
            self._environment["ST2_API_KEY"] = key.read_text().strip()

    def __call__(self, *words: str) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", st2_process.run(words, self._environment))

    def run(self, action: str, **parameters: str) -> str:
        """Run *action* to its end and return what is shown of it, on one line."""
        return on_one_line(self("run", action, *(f"{name}={value}" for name, value in parameters.items())))

    def say(self, words: str) -> str:
        """Say *words*, follow it to its end, and return what `st2` would show of it, on one line."""
        started = self("action-alias", "execute", words)
        found = re.search(r"st2 execution get (\w+)", started)
        assert found, started
        ended = self._stackstorm.wait(found[1])
        result = yaml.safe_dump(ended["result"], default_flow_style=False)
        return on_one_line(f"action.ref: {ended['action']['ref']}\nstatus: {ended['status']}\n{result}")


def on_one_line(shown: str) -> str:
    """Undo how `st2` breaks long texts into lines."""
    return " ".join(re.sub(r"\\\n\s*\\?", "", shown).split())
