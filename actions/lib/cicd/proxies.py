"""Proxies that the environment names, and what must not go through them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cicd.config import Settings

LOOPBACK = "localhost,127.0.0.0/8,::1"


def spare_loopback() -> None:
    """Let requests of this process reach its own machine without a proxy, which could not reach it."""
    _spare(LOOPBACK)


def spare_site(settings: Settings) -> None:
    """Let them reach the servers of the site, too: Consul, Jenkins, the repository. GitHub may be outside."""
    for url in (settings.consul.url, settings.jenkins.url, settings.repository.url):
        _spare(urlsplit(url).hostname or "")


def _spare(more: str) -> None:
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if more and f",{more}," not in f",{given},":
        os.environ["no_proxy"] = f"{given},{more}" if given else more
