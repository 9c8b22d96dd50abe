"""Servers of our own, each in a process, as a user would start them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.local import Local
from tests.conformance.rest import Rest


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    """A server that is not started yet."""
    server = Local(tmp_path)
    yield server
    if server.process is not None:
        server.kill()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Local, Rest]]:
    """A server that serves all tests of a module."""
    server = Local(tmp_path_factory.mktemp("running"))
    yield server, server.start()
    server.stop()
