"""What st2web asks of the server, as recorded from a browser, and what it takes from each answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("st2web.json")
_MARK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Recorded:
    """One request: `{name}` in *ask* stands for the id of something, *needs* are paths into the answer."""

    ask: str
    needs: list[str]
    body: Any = None
    status: int = 200

    @property
    def asked(self) -> str:
        """The request as the browser's are noted: with `ID` for each id."""
        return _MARK.sub("ID", self.ask)

    def with_ids(self, ids: dict[str, str]) -> tuple[str, str]:
        """Return method and path, with the ids of what is there now."""
        method, path = _MARK.sub(lambda mark: ids[mark[1]], self.ask).split(" ", 1)
        return method, path


def recorded() -> list[Recorded]:
    """Return all requests, in the order in which they can be sent."""
    return [Recorded(**one) for one in json.loads(RECORDED.read_text())]


def asked_for() -> set[str]:
    """Return them as the browser's are noted."""
    return {one.asked for one in recorded()}
