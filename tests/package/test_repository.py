"""The repository as clients see it, over HTTP: whole, damaged, silent."""

import copy
from pathlib import Path

import pytest
import yaml

from cicd import config
from cicd.errors import RepositoryError
from cicd.package.built import Package
from cicd.repository import apt_index
from cicd.repository.apt_index import Repository
from tests.package.publishing import COMMIT, RepositoryHost, deb, digest

ROOT = Path(__file__).parents[2]
VERSION = "1.0-1.abcdef0"


@pytest.fixture
def package(host: RepositoryHost, tmp_path: Path, monkeypatch) -> Package:
    monkeypatch.setattr(apt_index, "PUBLISH_LIMIT_SECONDS", 1)
    built = deb(tmp_path, "app", VERSION)
    done = host.publish(built)
    assert done.returncode == 0, done.stderr
    return Package("app", VERSION, COMMIT, "", digest(built))


def seen(host: RepositoryHost) -> Repository:
    values = copy.deepcopy(yaml.safe_load((ROOT / "cicd.yaml.example").read_text()))
    values["repository"].update(url=host.url, architectures=["amd64"])
    return Repository(config.parse(values))


def test_a_published_package_is_seen_and_fetched(host, package):
    url = seen(host).wait_for(package)

    assert url.endswith(f"app_{VERSION}_all.deb")
    assert [entry["Version"] for entry in seen(host).entries()] == [VERSION]
    assert seen(host).build("app", VERSION).commit == COMMIT


def test_a_file_that_is_damaged_on_its_way_is_not_taken_for_published(host, package):
    (path,) = host.public.glob(f"pool/**/app_{VERSION}_all.deb")
    path.unlink()
    path.write_bytes(b"damaged")

    with pytest.raises(RepositoryError, match="clients see it not whole"):
        seen(host).wait_for(package)


def test_an_index_that_is_not_the_signed_one_is_not_read(host, package):
    for path in host.public.glob("dists/bookworm/main/binary-amd64/Packages.gz"):
        path.write_bytes(b"between two publishes")

    with pytest.raises(RepositoryError, match="APT clients do not see it"):
        seen(host).wait_for(package)


def test_a_server_that_is_down_is_named(host, package):
    host.server.shutdown()
    host.server.server_close()

    with pytest.raises(RepositoryError, match=r"does not answer .*"):
        seen(host).find("app", VERSION)
