"""The root filesystem of a machine as Debian's installer leaves it: SSH, Python, and nothing of a site."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lab.base import sources
from lab.base.recipe import LEFT_OUT, MASKED
from lab.base.rootfs import ALONE, cook, kept
from lab.places import Places

PACKAGES = ("ca-certificates", "dbus", "openssh-server", "python3", "systemd", "systemd-sysv")
LEFT_BY_BOOTSTRAP = (
    "etc/apt/apt.conf.d/99mmdebstrap",
    "etc/apt/sources.list",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "usr/sbin/policy-rc.d",
)
# What is downloaded once need not be downloaded by each machine of each test.
DOWNLOAD = """set -e
export DEBIAN_FRONTEND=noninteractive APT_CONFIG=/var/tmp/apt.conf
apt-get update -q
apt-get install -y -q --no-install-recommends --download-only "$@"
rm /var/tmp/apt.conf
"""


def build(places: Places, downloaded: Sequence[str] = ()) -> Path:
    """Return the tree, built first when it is not there; apt has the packages *downloaded* in its cache."""
    recipe = repr((PACKAGES, *downloaded)).encode()
    digest = hashlib.sha256(Path(__file__).read_bytes() + recipe).hexdigest()[:12]
    return kept(places, f"base-bare-{digest}", lambda work: _build(places, work, downloaded))


def _build(places: Places, work: Path, downloaded: Sequence[str]) -> Path:
    tree = work / "tree"
    options, archive = work / "apt.conf", work / "sources.list"
    options.write_text(sources.options() + 'Acquire::Languages "none";\n')
    archive.write_text(sources.for_hosts())
    argv = [*ALONE, "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"]
    argv += [f"--include={','.join(PACKAGES)}", f"--aptopt={options}"]
    argv += [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
    cook(places, "bare", [*argv, sources.SUITE, str(tree), str(archive)])
    _finish(tree)
    _download(places, tree, options, downloaded)
    return tree


def _finish(tree: Path) -> None:
    for path in LEFT_BY_BOOTSTRAP:
        (tree / path).unlink(missing_ok=True)
    for unit in MASKED:
        link = tree / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for source in (tree / "etc/apt/sources.list.d").iterdir():
        source.unlink()
    (tree / "etc/apt/sources.list.d/debian.list").write_text(sources.for_hosts())


def _download(places: Places, tree: Path, options: Path, packages: Sequence[str]) -> None:
    (tree / "var/tmp/apt.conf").write_text(options.read_text())
    resolver = tree / "etc/resolv.conf"
    resolver.write_text(Path("/etc/resolv.conf").read_text())
    cook(places, "bare", [*ALONE, "chroot", str(tree), "sh", "-c", DOWNLOAD, "download", *packages])
