"""The StackStorm that the cases speak to: the one that ST2_API_URL names, or an st2local of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.local import Local
from tests.conformance.rest import Rest


@pytest.fixture(scope="session")
def stackstorm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """The API to test; a real StackStorm must have the pack `probe` installed, with its config."""
    url = os.environ.get("ST2_API_URL")
    if url:
        yield Rest(url.rstrip("/"), _credentials())
        return
    local = Local(tmp_path_factory.mktemp("st2local"))
    yield local.start()
    local.stop()


def _credentials() -> dict[str, str]:
    token, key = os.environ.get("ST2_AUTH_TOKEN"), os.environ.get("ST2_API_KEY")
    if token:
        return {"X-Auth-Token": token}
    return {"St2-Api-Key": key} if key else {}
