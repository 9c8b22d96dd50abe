"""Grafana, whose graphs show a mark when something was deployed."""

from __future__ import annotations

from typing import Sequence

from cicd import config
from cicd.clients import posting
from cicd.notice_targets import NoticeTarget


def mark(target: NoticeTarget, lines: Sequence[str], link: str, at: float, tags: Sequence[str]) -> None:
    """Put a mark with *tags* on the moment *at* (epoch seconds); errors are those of posting.send."""
    import html  # few actions tell anybody

    # Grafana shows the text as HTML.
    said = [html.escape(line) for line in lines]
    more = [f'<a href="{html.escape(link)}">{html.escape(link)}</a>'] if link else []
    body = {"time": int(at * 1000), "tags": list(tags), "text": "\n".join([*said, *more])}
    token = config.secret(target.token_file)
    posting.send(target.url, "POST", f"{target.url.rstrip('/')}/api/annotations", body, token)
