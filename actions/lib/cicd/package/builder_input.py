"""What a package builder is told: arguments, configuration and maintainer scripts. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Iterable

from cicd.package import maintainer_scripts
from cicd.package.metadata import Metadata

UNITS = "usr/lib/systemd/system"


@dataclass(frozen=True)
class Origin:
    """Where a package comes from; its control fields say it but for `project` and `directory`."""

    repository: str
    commit: str
    trace: str
    time: int  # epoch second of the commit
    project: str
    directory: str = ""  # the project's folder in the repository; empty is all of it


def files(meta: Metadata, version: str, origin: Origin) -> dict[str, str]:
    """Return the files, by name, that build_package.sh expects beside the source."""
    import yaml

    return {
        "fpm-deb.args": _lines(fpm_arguments(meta, version, origin)),
        "fpm-rpm.args": _lines(fpm_rpm_arguments(meta, version, origin)),
        "nfpm.yaml": yaml.safe_dump(nfpm_configuration(meta, version, origin), sort_keys=True),
        "conffiles": _lines(meta.conffiles),
        "copies": _lines(f"{source}\t{target}" for source, target in copies(meta).items()),
        "hooks": _lines(f"{name}\t{source}" for name, source in maintainer_scripts.hooks(meta).items()),
        **maintainer_scripts.maintainer_scripts(meta),
    }


def copies(meta: Metadata) -> dict[str, str]:
    """Return which files of the source are copied where, below the directory of the run."""
    return {meta.unit: f"stage/{UNITS}/{maintainer_scripts.unit_name(meta)}"} if meta.unit else {}


def control_fields(origin: Origin) -> dict[str, str]:
    """Return the control fields by which any host tells where a package came from."""
    return {
        "X-Git-Commit": origin.commit,
        "X-Git-Repository": origin.repository,
        "X-CICD-Trace": origin.trace,
    }


def fpm_arguments(meta: Metadata, version: str, origin: Origin) -> list[str]:
    """Return FPM's arguments for a .deb; it runs in the run's directory."""
    words = ["-t", "deb", "-p", f"out/{meta.name}_{version}_{meta.architecture}.deb"]
    words += _fpm_common(meta, version, origin)
    words += _fpm_scripts("")
    words += ["--deb-no-default-config-files"]
    words += [word for item in meta.depends for word in ("-d", item)]
    fields = control_fields(origin).items()
    words += [word for name, value in fields for word in ("--deb-field", f"{name}: {value}")]
    return [*words, "."]


def fpm_rpm_arguments(meta: Metadata, version: str, origin: Origin) -> list[str]:
    """Return FPM's arguments for an .rpm; it runs in the run's directory."""
    words = ["-t", "rpm", "-p", "out/", "--rpm-os", "linux"]
    words += _fpm_common(meta, version, origin)
    words += _fpm_scripts("rpm-")
    words += [word for item in meta.rpm_depends for word in ("-d", item)]
    return [*words, "."]


def nfpm_configuration(meta: Metadata, version: str, origin: Origin) -> dict[str, Any]:
    """Return nfpm's configuration of both formats; it runs in the run's directory."""
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
        "homepage": _homepage(origin),
        "mtime": datetime.fromtimestamp(origin.time, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contents": tree + config,
        "overrides": {
            "deb": {"depends": list(meta.depends), "scripts": _nfpm_scripts("")},
            "rpm": {"depends": list(meta.rpm_depends), "scripts": _nfpm_scripts("rpm-")},
        },
        "deb": {"fields": control_fields(origin)},
        "rpm": {"buildhost": "cicd"},
    }


def _fpm_common(meta: Metadata, version: str, origin: Origin) -> list[str]:
    upstream, _, iteration = version.rpartition("-")
    words = ["-s", "dir", "-C", "stage", "--log", "error"]
    words += ["-n", meta.name, "-v", upstream, "--iteration", iteration, "-a", meta.architecture]
    words += ["--description", meta.description, "-m", meta.maintainer, "--license", meta.license]
    words += ["--vendor", meta.maintainer, "--category", "misc", "--url", _homepage(origin)]
    return words + [word for path in meta.conffiles for word in ("--config-files", path)]


def _fpm_scripts(prefix: str) -> list[str]:
    options = {
        "install": {"before": "preinst", "after": "postinst"},
        "remove": {"before": "prerm", "after": "postrm"},
    }
    return [
        word
        for what, scripts_of in options.items()
        for when, name in scripts_of.items()
        for word in (f"--{when}-{what}", f"{prefix}{name}")
    ]


def _nfpm_scripts(prefix: str) -> dict[str, str]:
    names = {"preinstall": "preinst", "postinstall": "postinst", "preremove": "prerm", "postremove": "postrm"}
    return {key: f"{prefix}{name}" for key, name in names.items()}


def _homepage(origin: Origin) -> str:
    return f"https://github.com/{origin.repository}"


def _lines(words: Iterable[str]) -> str:
    return "".join(f"{word}\n" for word in words)
