"""A project is deployed from its own packages only: a real index over HTTP, a real Consul."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd.errors import Refused
from cicd.repository.published import published
from tests.lib import apt_index
from tests.lib.consul_settings import settings

VERSION = "1.0-1.abcdef0"
BUILT = {
    "greeter": f"acme/greeter@{'a' * 40}",
    "greeter-web": f"ACME/Greeter@{'a' * 40}",
    "payroll": f"acme/payroll@{'b' * 40}",
    "lookalike": f"acme/greeter2@{'b' * 40}",
    "openssh-server": "",
}


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    entries = [apt_index.entry(package, VERSION, trace) for package, trace in BUILT.items()]
    with apt_index.served(tmp_path, entries) as url:
        yield url


def deploy(consul: str, repository: str, package: str) -> str:
    config = settings(consul, repository=apt_index.section(repository))
    return published(config, config.project("greeter"), package, VERSION).package


@pytest.mark.parametrize("package", ["greeter", "greeter-web"])
def test_a_package_of_the_projects_repository_is_deployed_under_any_name(consul, repository, package):
    assert deploy(consul, repository, package) == package


@pytest.mark.parametrize("package", ["payroll", "lookalike", "openssh-server"])
def test_another_projects_package_is_refused_and_nothing_is_written(consul, repository, package):
    before = requests.get(f"{consul}/v1/kv/?recurse", timeout=10).text
    with pytest.raises(Refused, match="not from acme/greeter; it is not a version of greeter"):
        deploy(consul, repository, package)

    assert requests.get(f"{consul}/v1/kv/?recurse", timeout=10).text == before
