"""The maintainer scripts of a package: what runs on a host when it is installed or removed. Runs nothing."""

from __future__ import annotations

from cicd.metadata import Metadata

NO_SYSTEMD = "[ -d /run/systemd/system ] || exit 0"


def postinst(meta: Metadata, rpm: bool = False) -> str:
    """
    Return the script that runs after every installation and upgrade.

    The project's own hook is called as a file, so its language and its exit status count;
    a unit that does not start fails the installation instead of leaving the old code running.
    """
    lines = _head("" if rpm else '[ "$1" = configure ] || exit 0')
    if meta.user:
        lines.append(
            f"id -u {meta.user} >/dev/null 2>&1 || "
            f"useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {meta.user}"
        )
    owner = f"-o {meta.user} -g {meta.user} " if meta.user else ""
    lines += [f"install -d {owner}{directory}" for directory in meta.directories]
    lines.append(_call(meta, meta.hook))
    if meta.unit:
        unit = unit_name(meta)
        lines += [
            NO_SYSTEMD,
            "systemctl daemon-reload",
            f"systemctl enable --quiet {unit}",
            f"systemctl restart {unit}",
        ]
    return _text(lines)


def prerm(meta: Metadata, rpm: bool = False) -> str:
    """Return the script that runs before a removal; an upgrade leaves the service running."""
    lines = _head('[ "$1" = 0 ] || exit 0' if rpm else '[ "$1" = remove ] || exit 0')
    if meta.before_remove:
        lines.append(_call(meta, meta.before_remove))
    if meta.unit:
        lines += [NO_SYSTEMD, f"systemctl disable --quiet --now {unit_name(meta)}"]
    return _text(lines)


def postrm(meta: Metadata) -> str:
    """Return the script that runs after a removal; a project's own `after_remove` takes its place."""
    lines = _head('[ "$1" = remove ] || exit 0')
    if meta.unit:
        lines += [NO_SYSTEMD, "systemctl daemon-reload"]
    return _text(lines)


def unit_name(meta: Metadata) -> str:
    """Return the name of the project's systemd unit."""
    return meta.unit.rpartition("/")[2]


def _call(meta: Metadata, script: str) -> str:
    return f'cd {meta.prefix} && ./{script} "$@"'


def _head(guard: str) -> list[str]:
    return ["#!/bin/sh", "set -e", *([guard] if guard else [])]


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
