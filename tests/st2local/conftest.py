"""Servers of our own, each in a process, as a user would start them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.local import Local
from tests.conformance.rest import Rest


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    """End the servers that a failed test has left running."""
    before = set(Local.alive)
    yield
    for server in Local.alive - before:
        server.kill()


@pytest.fixture
def local(tmp_path: Path) -> Local:
    """A server that is not started yet."""
    return Local(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Local, Rest]]:
    """A server that serves all tests of a module."""
    server = Local(tmp_path_factory.mktemp("running"))
    yield server, server.start()
    server.stop()
