"""A project is deployed from its own packages only: a real index over HTTP, a real Consul."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from cicd.errors import Refused
from cicd.publish import published
from tests.lib.consul_settings import settings

VERSION = "1.0-1.abcdef0"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments: object) -> None:
        pass


def entry(package: str, trace: str) -> str:
    traced = f"X-CICD-Trace: {trace}\n" if trace else ""
    return f"Package: {package}\nVersion: {VERSION}\nSHA256: {'a' * 64}\nFilename: x.deb\n{traced}"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    index = tmp_path / "dists/bookworm/main/binary-amd64/Packages.gz"
    index.parent.mkdir(parents=True)
    entries = [
        entry("greeter", f"acme/greeter@{'a' * 40}"),
        entry("greeter-web", f"ACME/Greeter@{'a' * 40}"),
        entry("payroll", f"acme/payroll@{'b' * 40}"),
        entry("lookalike", f"acme/greeter2@{'b' * 40}"),
        entry("openssh-server", ""),
    ]
    index.write_bytes(gzip.compress("\n".join(entries).encode()))
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    line = f"SHA256:\n {digest} {index.stat().st_size} main/binary-amd64/Packages.gz\n"
    (tmp_path / "dists/bookworm/InRelease").write_text(line)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def deploy(consul: str, repository: str, package: str) -> str:
    section = {"url": repository, "config_file": "/etc/freight.conf", "gpg_key": "x"}
    config = settings(consul, repository=section)
    return published(config, config.project("greeter"), package, VERSION).package


@pytest.mark.parametrize("package", ["greeter", "greeter-web"])
def test_a_package_of_the_projects_repository_is_deployed_under_any_name(consul, repository, package):
    assert deploy(consul, repository, package) == package


@pytest.mark.parametrize("package", ["payroll", "lookalike", "openssh-server"])
def test_another_projects_package_is_refused_and_nothing_is_written(consul, repository, package):
    before = requests.get(f"{consul}/v1/kv/?recurse", timeout=10).text
    with pytest.raises(Refused, match="not from acme/greeter; it is no version of greeter"):
        deploy(consul, repository, package)

    assert requests.get(f"{consul}/v1/kv/?recurse", timeout=10).text == before
