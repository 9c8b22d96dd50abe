"""The layer with the build tools, which lies over the root filesystem of Jenkins and the build hosts."""

from __future__ import annotations

from pathlib import Path

from lab.base import sources
from lab.base.recipe import LEFT_OUT, Recipe
from lab.base.rootfs import ALONE, cook, kept
from lab.hosts.container import START
from lab.places import Places

SCRIPT = """set -e
export DEBIAN_FRONTEND=noninteractive APT_CONFIG=/var/tmp/layer/apt.conf
mount -t proc proc /proc
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
rm -rf /var/tmp/layer /var/lib/apt/lists /var/cache/apt
mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial
"""


def is_ready(places: Places, recipe: Recipe) -> bool:
    """Whether the layer of *recipe* is there."""
    return (places.cache / f"tools-{recipe.tools_digest}").is_dir()


def build(places: Places, recipe: Recipe, base: Path) -> Path:
    """Return the layer of *recipe* over *base*, built first when it is not there."""
    return kept(places, f"tools-{recipe.tools_digest}", lambda work: _build(places, recipe, base, work))


def _build(places: Places, recipe: Recipe, base: Path, work: Path) -> Path:
    for name in ("upper", "work", "root"):
        (work / name).mkdir()
    files = work / "upper/var/tmp/layer"
    files.mkdir(parents=True)
    (files / "apt.conf").write_text(_apt_options())
    (files / "sources.list").write_text("\n".join(sources.lines(sources.sources())) + "\n")
    argv = [*ALONE, "sh", str(START), str(work), str(base), "0", "chroot", str(work / "root")]
    cook(places, "tools", [*argv, "sh", "-c", SCRIPT, "layer", *recipe.build_tools])
    return work / "upper"


def _apt_options() -> str:
    left_out = "".join(f'DPkg::Options:: "--path-exclude={path}";\n' for path in LEFT_OUT)
    return f"""{sources.options()}{left_out}Acquire::Languages "none";
Dir::Etc::sourcelist "/var/tmp/layer/sources.list";
Dir::Etc::sourceparts "-";
"""
