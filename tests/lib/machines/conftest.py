"""The providers of machines that tests ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.machines import api, driver
from tests.lib.machines.clouds import Cloud, DigitalOceanCloud, Ec2Cloud, Moto


@pytest.fixture(scope="session")
def moto(tmp_path_factory) -> Iterator[Moto]:
    started = Moto(tmp_path_factory.mktemp("moto"))
    yield started
    started.stop()


@pytest.fixture(params=["digitalocean", "ec2"])
def cloud(request, tmp_path: Path, monkeypatch) -> Iterator[Cloud]:
    monkeypatch.setattr(driver, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(api, "RETRY_SECONDS", 0.01)
    if request.param == "ec2":
        made: Cloud = Ec2Cloud(tmp_path, request.getfixturevalue("moto"))
    else:
        made = DigitalOceanCloud(tmp_path)
    yield made
    made.close()
