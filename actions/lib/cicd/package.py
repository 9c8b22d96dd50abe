"""What a package builder is told: arguments, configuration and maintainer scripts. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import yaml

from cicd.metadata import Metadata

CONTROL_SCRIPTS = ("postinst", "prerm", "postrm")


@dataclass(frozen=True)
class Origin:
    """Where a package comes from; written into its control fields."""

    repository: str
    commit: str
    trace: str
    time: int  # epoch second of the commit


def files(meta: Metadata, version: str, origin: Origin) -> dict[str, str]:
    """Return the files, by name, that build_package.sh expects beside the source."""
    return {
        "fpm.args": "".join(f"{word}\n" for word in fpm_arguments(meta, version, origin)),
        "nfpm.yaml": yaml.safe_dump(nfpm_configuration(meta, version, origin), sort_keys=True),
        "conffiles": "".join(f"{path}\n" for path in meta.conffiles),
        "postinst": postinst(meta),
        "prerm": prerm(meta),
        "postrm": postrm(meta),
    }


def control_fields(origin: Origin) -> dict[str, str]:
    """Return the control fields by which any host tells where a package came from."""
    return {
        "X-Git-Commit": origin.commit,
        "X-Git-Repository": origin.repository,
        "X-CICD-Trace": origin.trace,
    }


def fpm_arguments(meta: Metadata, version: str, origin: Origin) -> list[str]:
    """Return FPM's arguments; it runs in the run's directory."""
    upstream, _, iteration = version.rpartition("-")
    words = ["-s", "dir", "-t", "deb", "-C", "stage", "--log", "error"]
    words += ["-p", f"out/{meta.name}_{version}_{meta.architecture}.deb"]
    words += ["-n", meta.name, "-v", upstream, "--iteration", iteration, "-a", meta.architecture]
    words += ["--description", meta.description, "-m", meta.maintainer, "--license", meta.license]
    words += [
        "--vendor",
        meta.maintainer,
        "--category",
        "misc",
        "--url",
        f"https://github.com/{origin.repository}",
    ]
    words += ["--after-install", "postinst", "--before-remove", "prerm", "--after-remove", "postrm"]
    words += ["--deb-no-default-config-files"]
    words += [word for path in meta.conffiles for word in ("--config-files", path)]
    words += [word for item in meta.depends for word in ("-d", item)]
    fields = control_fields(origin).items()
    words += [word for name, value in fields for word in ("--deb-field", f"{name}: {value}")]
    return [*words, "."]


def nfpm_configuration(meta: Metadata, version: str, origin: Origin) -> dict[str, Any]:
    """Return nfpm's configuration; it runs in the run's directory."""
    upstream, _, release = version.rpartition("-")
    tree = [{"src": "stage/", "dst": "/", "type": "tree"}]
    config = [{"src": f"conf{path}", "dst": path, "type": "config|noreplace"} for path in meta.conffiles]
    return {
        "name": meta.name,
        "arch": meta.architecture,
        "platform": "linux",
        "version": upstream,
        "release": release,
        "version_schema": "none",
        "section": "misc",
        "priority": "optional",
        "maintainer": meta.maintainer,
        "vendor": meta.maintainer,
        "description": meta.description,
        "license": meta.license,
        "homepage": f"https://github.com/{origin.repository}",
        "mtime": datetime.fromtimestamp(origin.time, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "depends": list(meta.depends),
        "contents": tree + config,
        "scripts": {"postinstall": "postinst", "preremove": "prerm", "postremove": "postrm"},
        "deb": {"fields": control_fields(origin)},
    }


def postinst(meta: Metadata) -> str:
    """
    Return the script that dpkg runs after every installation and upgrade.

    The project's own hook is called as a file, so its language and its exit status count;
    a unit that does not start fails the installation instead of leaving the old code running.
    """
    lines = ["#!/bin/sh", "set -e", '[ "$1" = configure ] || exit 0']
    if meta.user:
        lines.append(
            f"id -u {meta.user} >/dev/null 2>&1 || "
            f"useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {meta.user}"
        )
    owner = f"-o {meta.user} -g {meta.user} " if meta.user else ""
    lines += [f"install -d {owner}{directory}" for directory in meta.directories]
    lines.append(f'cd {meta.prefix} && ./{meta.hook} "$@"')
    if meta.unit:
        unit = _unit_name(meta)
        lines += [
            "[ -d /run/systemd/system ] || exit 0",
            "systemctl daemon-reload",
            f"systemctl enable --quiet {unit}",
            f"systemctl restart {unit}",
        ]
    return "\n".join(lines) + "\n"


def prerm(meta: Metadata) -> str:
    """Return the script that dpkg runs before a removal; an upgrade leaves the service running."""
    lines = ["#!/bin/sh", "set -e", '[ "$1" = remove ] || exit 0']
    if meta.unit:
        lines += [
            "[ -d /run/systemd/system ] || exit 0",
            f"systemctl disable --quiet --now {_unit_name(meta)}",
        ]
    return "\n".join(lines) + "\n"


def postrm(meta: Metadata) -> str:
    """Return the script that dpkg runs after a removal."""
    lines = ["#!/bin/sh", "set -e", '[ "$1" = remove ] || exit 0']
    if meta.unit:
        lines += ["[ -d /run/systemd/system ] || exit 0", "systemctl daemon-reload"]
    return "\n".join(lines) + "\n"


def _unit_name(meta: Metadata) -> str:
    return meta.unit.rpartition("/")[2]
