"""What cicd-converge says before a deploy: real apt, and nothing changed by it."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from host.build import script

PACKAGE = "cicd-plan-sample"
STATE = ("/var/lib/dpkg", "/var/lib/apt", "/var/cache/apt")

pytestmark = pytest.mark.skipif(
    subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0,
    reason="cicd-converge is run as root, here in a mount namespace",
)


def package(folder: Path, version: str, depends: str = "dpkg") -> str:
    """Build a package into *folder*, and return its entry in the repository's index."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
    control = (
        f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\nDepends: {depends}\n"
        "Maintainer: Ann <ann@example.com>\nDescription: A sample\n"
    )
    (tree / "DEBIAN" / "control").write_text(control)
    deb = folder / f"{PACKAGE}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "-b", tree, deb], check=True, stdout=subprocess.DEVNULL)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    return f"{control}Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)  # apt reads a repository as another user
        yield Path(path)


@pytest.fixture
def host(folder: Path, consul: str) -> Path:
    """The folder of a host whose only own source offers two versions, and whose agent is real."""
    entries = [package(folder, "1.0-1.abcdef0"), package(folder, "2.0-2.abcdef1", "cicd-nosuch-package")]
    (folder / "Packages").write_text("\n".join(entries))
    (folder / "sources").mkdir()
    (folder / "sources" / "cicd.list").write_text(f"deb [trusted=yes] file:{folder} ./\n")
    (folder / "projects").mkdir()
    (folder / "cicd-converge").write_text(script())
    (folder / "projects" / "greeter.conf").write_text(f"UNIT=nosuch.service\nPACKAGES={PACKAGE}\n")
    (folder / "converge.conf").write_text(f"CONSUL_HTTP_ADDR={consul}\n")
    service = {"ID": "greeter", "Name": "greeter", "Tags": ["greeter::app"], "Port": 80}
    requests.put(f"{consul}/v1/agent/service/register", json=service, timeout=10).raise_for_status()
    return folder


def plan(host: Path, target: str) -> tuple[int, dict]:
    environment = {**os.environ, "CICD_ETC": str(host), "CICD_RUN": str(host / "run")}
    command = [*apart(host), "dash", host / "cicd-converge", "--plan", target, "greeter"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert len(done.stdout.splitlines()) == 1, done.stderr
    return done.returncode, json.loads(done.stdout)


def apart(host: Path) -> list[str]:
    """Return the command that gives what follows dpkg's and apt's state in folders of this test."""
    mounts = [f"mount --bind {host / 'sources'} /etc/apt/sources.list.d"]
    for folder in STATE:  # without what is large and takes no part
        copy = host / folder.replace("/", "_")
        if not copy.exists():
            shutil.copytree(
                folder, copy, symlinks=True, ignore=shutil.ignore_patterns("archives", "info", "*Packages*")
            )
        mounts.append(f"mount --bind {copy} {folder}")
    return ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]


def state(host: Path) -> list[tuple[str, str]]:
    apart(host)
    folders = [host / folder.replace("/", "_") for folder in STATE]
    files = sorted(p for folder in folders for p in folder.rglob("*") if p.is_file())
    return [(str(p), hashlib.sha256(p.read_bytes()).hexdigest()) for p in files]


def kept(consul: str) -> tuple[str, object]:
    answer = requests.get(f"{consul}/v1/kv/?recurse", timeout=10)
    return answer.headers["X-Consul-Index"], answer.text


def test_it_says_what_apt_would_do_though_the_hosts_own_lists_do_not_know_the_version(host):
    code, said = plan(host, f"{PACKAGE}=1.0-1.abcdef0")

    assert (code, said["state"], said["ring"], said["installed"]) == (0, "planned", "production", "")
    assert [line.split()[:2] for line in said["apt"]] == [["Inst", PACKAGE]]


@pytest.mark.parametrize(("version", "why"), [("2.0-2.abcdef1", "dependency"), ("9.9-9.abcdef9", "plan")])
def test_what_apt_would_refuse_is_said_in_a_sentence(host, version, why):
    code, said = plan(host, f"{PACKAGE}={version}")

    assert (code, said["state"], said["code"]) == (1, "failed", why)
    assert f"apt would not install {PACKAGE} {version}" in said["message"]


@pytest.mark.parametrize("version", ["1.0-1.abcdef0", "2.0-2.abcdef1"])
def test_neither_dpkg_nor_apt_nor_consul_changes(host, consul, version):
    before = state(host), kept(consul)
    plan(host, f"{PACKAGE}={version}")

    assert (state(host), kept(consul)) == before


@pytest.mark.parametrize(
    "target", ["", PACKAGE, "=1", "a=", "a=b", "-o=1", "a b=1", "a=1;id", "a=$(id)", "a=1=2"]
)
def test_a_target_that_is_no_package_and_version_is_bad_usage(target, folder):
    (folder / "cicd-converge").write_text(script())
    done = subprocess.run(
        ["dash", folder / "cicd-converge", "--plan", target, "greeter"],
        capture_output=True,
        timeout=20,
    )

    assert (done.returncode, done.stdout) == (2, b"")
