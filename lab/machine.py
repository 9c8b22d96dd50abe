"""What the machine must offer, checked before anything is started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab import cgroups, ports
from lab.errors import LabError, Unfit
from lab.places import REPOSITORY, Places
from lab.world import World

LIST = REPOSITORY / "script" / "packages"
ROW = re.compile(r"^(?P<package>[a-z0-9]\S+) +(?P<programs>\S+) +\S", re.M)
COLD_MEGABYTES, WARM_MEGABYTES = 2000, 500
MEMORY_MEGABYTES = 1500


def missing_packages() -> list[str]:
    """Return the Debian packages of script/packages that have a program which this machine lacks."""
    rows = [row for row in ROW.finditer(LIST.read_text()) if row["programs"] != "-"]
    return [row["package"] for row in rows if not all(map(shutil.which, row["programs"].split(",")))]


def install(packages: list[str]) -> None:
    """Install *packages* with apt-get; LabError when that fails."""
    # A source that is away does not matter when the others have the packages.
    _apt_get("update", "-qq")
    done = _apt_get("install", "-y", "-qq", "--no-install-recommends", *packages)
    if done.returncode != 0:
        raise LabError(
            f"apt-get could not install {' '.join(packages)}: {done.stderr.strip()[-300:]}",
            "Install them yourself, then try again.",
        )


def _apt_get(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    argv = ["apt-get", *arguments]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def check(places: Places, world: World, cold: bool, with_stackstorm: bool) -> None:
    """Raise Unfit with everything that stands in the way; *cold*: the root filesystem must still be built."""
    problems = list(_system_problems(places, cold))
    problems += ports.problems(world.listeners(with_stackstorm))
    if problems:
        raise Unfit(problems)


def check_root() -> None:
    """Raise LabError unless this process is root."""
    if os.geteuid() != 0:
        raise LabError("The lab boots its hosts in containers, which only root may do.", "Run it as root.")


def _system_problems(places: Places, cold: bool) -> Iterator[LabError]:
    if not cgroups.hierarchies() or not all(os.access(path, os.W_OK) for path in cgroups.hierarchies()):
        yield LabError(
            "Control groups cannot be made under /sys/fs/cgroup.",
            "Mount cgroup2 there, or, inside a container, give that one its own writable cgroup tree.",
        )
    yield from _space_problems(places, cold)
    reason = _overlay_problem(places)
    if reason:
        yield LabError(
            f"An overlay cannot be mounted under {places.root}: {reason}.",
            "Load the module (modprobe overlay), or set LAB_ROOT to a folder on ext4 or xfs.",
        )


def _space_problems(places: Places, cold: bool) -> Iterator[LabError]:
    wanted = COLD_MEGABYTES if cold else WARM_MEGABYTES
    free = shutil.disk_usage(_existing(places.root)).free // 1_000_000
    if free < wanted:
        yield LabError(
            f"{places.root} has {free} MB free, and the lab needs {wanted} MB.",
            "Free some, or set LAB_ROOT to a folder on a larger disk.",
        )
    memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000 + _cached_megabytes()
    if memory < MEMORY_MEGABYTES:
        yield LabError(
            f"{memory} MB of memory are free, and seven hosts need {MEMORY_MEGABYTES} MB.",
            "Stop something, or use a larger machine.",
        )


def _cached_megabytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Cached:")), 0) // 1000


def _overlay_problem(places: Places) -> str | None:
    """Return why an overlay cannot be mounted in a mount namespace here, or None; nothing is left."""
    places.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=places.root, prefix=".probe-") as folder:
        for name in ("lower", "upper", "work", "root"):
            Path(folder, name).mkdir()
        options = "lowerdir=lower,upperdir=upper,workdir=work"
        argv = ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, "root"]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[0]


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
