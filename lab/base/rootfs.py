"""Builds the root filesystem once, and finds it again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab import processes
from lab.base import sources
from lab.base.recipe import DISABLED, LEFT_OUT, MASKED, REMOVED, SHELLS, USERS, Recipe, home_of
from lab.errors import LabError
from lab.places import Places

# Namespaces of its own: whatever kills what is run there, its children and its mounts go with it.
ALONE = ("unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child")
DISCARD_SECONDS = 10.0
UNUSED_SECONDS = 7 * 24 * 3600


def is_ready(places: Places, recipe: Recipe) -> bool:
    """Whether the tree of *recipe* is there."""
    return (places.cache / f"base-{recipe.digest}").is_dir()


def build(places: Places, recipe: Recipe) -> Path:
    """Return the tree of *recipe*, built first when it is not there."""
    return kept(places, f"base-{recipe.digest}", lambda work: _build(places, recipe, work))


def kept(places: Places, name: str, build: Callable[[Path], Path]) -> Path:
    """Return the folder *name* of the cache, made first by *build* when it is not there."""
    tree = places.cache / name
    if not tree.is_dir():
        _make(tree, build)
        _forget_unused(places)
    os.utime(tree)
    return tree


def _make(tree: Path, build: Callable[[Path], Path]) -> None:
    partial = tree.with_name(f"{tree.name}.partial")
    _discard(partial)
    partial.mkdir(parents=True)
    try:
        build(partial).rename(tree)
    finally:
        _discard(partial)


def _build(places: Places, recipe: Recipe, work: Path) -> Path:
    tree = work / "tree"
    _bootstrap(places, recipe, tree)
    _finish(tree)
    return tree


def _forget_unused(places: Places) -> None:
    """Remove trees and layers of other recipes that no start has used for a while; each is hundreds of MB."""
    for tree in [*places.cache.glob("base-*"), *places.cache.glob("tools-*")]:
        if tree.stat().st_mtime < time.time() - UNUSED_SECONDS:
            shutil.rmtree(tree, ignore_errors=True)


def _discard(partial: Path) -> None:
    """Remove *partial*; what was just killed may still be writing to it."""
    deadline = time.monotonic() + DISCARD_SECONDS
    while partial.exists() and time.monotonic() < deadline:
        shutil.rmtree(partial, ignore_errors=True)


def _bootstrap(places: Places, recipe: Recipe, tree: Path) -> None:
    options, archive = tree.with_name("apt.conf"), tree.with_name("sources.list")
    options.write_text(sources.options() + 'Acquire::Languages "none";\n')
    archive.write_text("\n".join(sources.lines(sources.sources())) + "\n")
    argv = [*ALONE, "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"]
    argv += [f"--include={','.join(recipe.include)}", f"--aptopt={options}"]
    argv += [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
    cook(places, "base", [*argv, sources.SUITE, str(tree), str(archive)])


def cook(places: Places, name: str, argv: list[str]) -> None:
    """Run *argv* to its end, with its output in logs/*name*.log; LabError when it fails."""
    process = processes.spawn(places, name, argv)
    try:
        code = process.wait()
    finally:
        processes.stop([process.pid], gently=False)
    if code != 0:
        log = places.logs / f"{name}.log"
        last = log.read_text(errors="replace").strip().splitlines()[-3:]
        raise LabError(
            f"The hosts' root filesystem could not be built: {' / '.join(last)}",
            f"Check that apt-get update works here; the whole log is {log}.",
        )


def _finish(tree: Path) -> None:
    for path in REMOVED:
        (tree / path).unlink(missing_ok=True)
    # Which mirror a host asks is known when it is made, not now.
    for source in (tree / "etc/apt/sources.list.d").iterdir():
        source.unlink()
    units = tree / "etc/systemd/system"
    for unit in MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    for unit in DISABLED:
        for folder in units.glob("*.wants"):  # glob itself would skip a link that leads nowhere from here
            (folder / unit).unlink(missing_ok=True)
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name, uid in USERS.items():
        _add_user(tree, name, uid)


def _add_user(tree: Path, name: str, uid: int) -> None:
    home, shell = home_of(name), SHELLS.get(name, "/bin/bash")
    add = ["useradd", "--uid", str(uid), "--create-home", "--home-dir", home, "--shell", shell]
    # "*" is no password but, unlike the default "!", no locked account: sshd lets its keys in.
    argv = ["chroot", str(tree), *add, "--user-group", "--password", "*", name]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"useradd {name} failed: {done.stderr.strip()}", "Look at the machine's chroot.")
