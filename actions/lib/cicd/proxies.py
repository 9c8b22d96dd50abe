"""Proxies that the environment names, and what must not go through them."""

from __future__ import annotations

import os

LOOPBACK = "localhost,127.0.0.0/8,::1"


def spare_loopback() -> None:
    """Let requests of this process reach its own machine without a proxy, which could not reach it."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if LOOPBACK not in given:
        os.environ["no_proxy"] = f"{given},{LOOPBACK}" if given else LOOPBACK
