"""The pages as HTML: whatever comes from outside is text in them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cicd.sanitize import age
from status.view import ProjectView, RingView, RunView

HERE = Path(__file__).resolve().parent
STYLE, SCRIPT = ((HERE / "templates" / name).read_text("utf-8") for name in ("style.css", "live.js"))
BADGE_COLOURS = {"ok": "#1a7f4b", "bad": "#b3261e", "move": "#0b63ce", "warn": "#9a6200", "dim": "#667080"}


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# Nothing but these two texts runs on a page, whatever a name or a reason in it says.
POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class Row(NamedTuple):
    """A project among others: its last ring, its first one, and how many hosts are good or sick."""

    view: ProjectView
    last: RingView
    first: RingView


class Pages:
    """Renders pages; `{repository}` and `{commit}` in *commit_url* are filled in."""

    def __init__(self, commit_url: str) -> None:
        self._commit_url = commit_url
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        self._environment.filters.update(words=words, clock=clock, span=age, took=took)
        self._environment.globals.update(style=STYLE, script=SCRIPT, commit_url=self.commit_url)

    def commit_url(self, repository: str, commit: str) -> str:
        """Return where *commit* is shown."""
        return self._commit_url.replace("{repository}", repository).replace("{commit}", commit)

    def all(self, views: Sequence[ProjectView], trouble: str) -> str:
        """Return the page with a line for each project; *trouble* is why it may be old."""
        rows = [Row(view, view["rings"][-1], view["rings"][0]) for view in views]
        return self._environment.get_template("all.html").render(rows=rows, trouble=trouble, name="")

    def project(self, view: ProjectView, trouble: str) -> str:
        """Return the page of one project."""
        template = self._environment.get_template("project.html")
        return template.render(view=view, trouble=trouble, name=view["name"])

    def commit(self, view: ProjectView, run: RunView, trouble: str) -> str:
        """Return the page of the run of one commit."""
        template = self._environment.get_template("commit.html")
        return template.render(view=view, run=run, trouble=trouble, name=view["name"])

    def missing(self, what: str, trouble: str = "") -> str:
        """Return the page that says that *what* is not there; *trouble* is why that may be wrong."""
        return self._environment.get_template("missing.html").render(what=what, trouble=trouble, name="")


def words(text: str) -> Markup:
    """Return *text* with what stands between backticks as code, and nothing else in it as markup."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return Markup("{}").format(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def clock(iso: str) -> str:
    """Return the time *iso*, which is in UTC, as people read it."""
    try:
        return f"{datetime.fromisoformat(iso):%d %b %H:%M:%S}"
    except ValueError:
        return iso


def took(seconds: float | None) -> str:
    """Return how long something took: `0.4 s`, `32 s`, `2 min 14 s`; nothing where that is not known."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def badge(project: str, ring: RingView) -> str:
    """Return a picture with the version of a ring, for a README."""
    label, value = f"{project} {ring['name']}", ring["version"] or "nothing"
    left, right = 7 * len(label) + 12, 7 * len(value) + 12
    text = (
        'y="14" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11" fill="#fff" text-anchor="middle"'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{escape(label)}: {escape(value)}"><rect width="{left}" height="20" fill="#555"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{BADGE_COLOURS[ring["colour"]]}"/>'
        f'<text x="{left / 2}" {text}>{escape(label)}</text>'
        f'<text x="{left + right / 2}" {text}>{escape(value)}</text></svg>\n'
    )
