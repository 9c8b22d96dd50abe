"""One whole pipeline from a push to a package, for all tests of this folder."""

import os
from collections.abc import Iterator

import pytest

from tests.conftest import server
from tests.lab.conftest import Work
from tests.whole.world import Whole, running


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    if os.geteuid() != 0:
        pytest.skip("only root may give a host that builds a home of its own")
    folder = tmp_path_factory.mktemp("whole")
    with (
        server(tmp_path_factory.mktemp("consul")) as consul,
        running(folder, Work(folder), consul) as everything,
    ):
        yield everything
