"""Finds Consul, or takes Debian's last package of it, by its checksum."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from lab.base import sources
from lab.errors import LabError
from lab.lock import held
from lab.places import Places

VERSION = "1.8.7+dfsg1-2+b3"
SHA256 = "e4e888bba104daba1d9161f49bfc52649a7e4efd45b1a7ead5bc54f2cb9c89d9"
SUITE = "bullseye"  # the last Debian that has it
FETCH_SECONDS = 300.0  # how long another may take to fetch it


def find(places: Places) -> Path:
    """Return the binary: consul on PATH, else the cached one, else a freshly downloaded one."""
    installed = shutil.which("consul")
    if installed:
        return Path(installed).resolve()
    kept = places.cache / f"consul-{SHA256[:12]}" / "consul"
    if not kept.is_file():
        with held(kept.parent.with_suffix(".lock"), FETCH_SECONDS):
            if not kept.is_file():
                _fetch(kept)
    return kept


def download(work: Path) -> Path:
    """Fetch the package into the folder *work*, which is the only one that has it, and return *work*."""
    _verify(_download(work))
    return work


def _fetch(kept: Path) -> None:
    work = kept.parent.with_name(f"{kept.parent.name}.partial")
    shutil.rmtree(work, ignore_errors=True)
    try:
        package = next(download(work).glob("consul_*.deb"))
        _run(["dpkg", "-x", str(package), str(work / "tree")], work, {})
        kept.parent.mkdir(parents=True, exist_ok=True)
        (work / "tree/usr/bin/consul").rename(kept)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(work: Path) -> Path:
    """Fetch the package through a private APT tree: nothing of the machine's own APT changes."""
    for folder in (
        "lists/partial",
        "archives/partial",
        "apt.conf.d",
        "preferences.d",
        "sources.list.d",
        "empty",
    ):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    archive = next(s for s in sources.sources() if s.release == sources.SUITE)
    line = sources.lines([sources.Source(archive.uri, SUITE, "main")])[0]
    (work / "sources.list").write_text(line + "\n")
    (work / "apt.conf").write_text(_configuration(work) + sources.options())
    environment = {"APT_CONFIG": str(work / "apt.conf")}
    _run(["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any"], work, environment)
    _run(["apt-get", "download", "-q", f"consul={VERSION}"], work, environment)
    return next(work.glob("consul_*.deb"))


def _configuration(work: Path) -> str:
    return f"""Dir::Etc "{work}";
Dir::Etc::main "empty-main";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State::lists "{work}/lists";
Dir::State::status "{work}/status";
Dir::Cache "{work}";
Dir::Cache::archives "{work}/archives";
Dir::Log "{work}";
APT::Sandbox::User "root";
APT::Update::Post-Invoke-Success "";
Acquire::Languages "none";
"""


def _verify(package: Path) -> None:
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != SHA256:
        raise LabError(
            f"{package.name} has the sha256 {found[:12]}…, not the pinned {SHA256[:12]}….",
            "Do not use it; put a consul that you trust on PATH.",
        )


def _run(argv: list[str], cwd: Path, extra: dict[str, str]) -> None:
    done = subprocess.run(
        argv, cwd=cwd, env={**os.environ, **extra}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(
            f"Consul {VERSION} could not be fetched: {argv[0]} said {done.stderr.strip()[-300:]}",
            f"Make the archive of this machine's apt offer {SUITE}, or put consul on PATH.",
        )
