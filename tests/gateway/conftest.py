"""A StackStorm that records, and a gateway in front of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import config
from tests.gateway.gateways import Local, configure
from tests.gateway.wire import StackStorm


@pytest.fixture
def silent() -> Iterator[StackStorm]:
    """A StackStorm that is not up yet."""
    with StackStorm() as server:
        yield server


@pytest.fixture
def stackstorm(silent: StackStorm) -> Iterator[StackStorm]:
    """A StackStorm that is up."""
    with silent.answering():
        yield silent


@pytest.fixture
def local(silent: StackStorm, tmp_path: Path) -> Local:
    """A gateway that is not started yet."""
    settings = config.read(configure(tmp_path, silent.url, read_seconds=0.5))
    return Local(tmp_path, dataclasses.replace(settings, port=0))


@pytest.fixture
def gateway(request: pytest.FixtureRequest, local: Local) -> Iterator[Local]:
    """A gateway that runs; it ends before the StackStorm it may be forwarding to."""
    if "stackstorm" in request.fixturenames:
        request.getfixturevalue("stackstorm")
    with local.serving():
        yield local
