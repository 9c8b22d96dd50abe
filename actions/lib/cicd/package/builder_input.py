"""What a package builder is told: arguments, configuration and maintainer scripts. Runs nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any, Iterable, Iterator, Mapping

from cicd.package import maintainer_scripts, rpm, unit
from cicd.package.metadata import Metadata
from cicd.sanitize import rfc3339

# Control fields of both builders; FPM would change the words of some by its own options.
RELATIONS = {
    "Pre-Depends": "pre_depends",
    "Recommends": "recommends",
    "Suggests": "suggests",
    "Provides": "provides",
    "Conflicts": "conflicts",
    "Replaces": "replaces",
    "Breaks": "breaks",
}
# What only CI, or git, reads; a project's own patterns come after, and `!` brings back.
NOT_PACKAGED = (
    *(
        ".git*",
        "/script/cisetup",
        "/script/cibuild",
        "/Jenkinsfile",
        "/.travis.yml",
        "/.circleci",
        "/.buildkite",
    ),
    *(
        "/.drone.yml",
        "/.woodpecker*",
        "/.appveyor.yml",
        "/appveyor.yml",
        "/azure-pipelines.yml",
        "/.semaphore",
    ),
    *("/bitbucket-pipelines.yml", "/.cirrus.yml"),
)


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
    return {
        "fpm-deb.args": _lines(fpm_arguments(meta, version, origin)),
        "fpm-rpm.args": _lines(fpm_rpm_arguments(meta, version, origin)),
        "nfpm.yaml": _yaml(nfpm_configuration(meta, version, origin)),
        "conffiles": _lines([*meta.conffiles, *([environment(meta)] if meta.environment else [])]),
        "copies": _lines("\t".join(copy) for copy in copies(meta)),
        "exclude": _lines([*NOT_PACKAGED, *meta.exclude]),
        "contents": _lines(contents(meta)),
        "changelog": changelog(meta, version, origin),
        "hooks": _lines(f"{name}\t{source}" for name, source in maintainer_scripts.hooks(meta).items()),
        **maintainer_scripts.maintainer_scripts(meta),
    }


def copies(meta: Metadata) -> Iterator[tuple[str, str, str]]:
    """Yield which files of the source are copied where, below the directory of the run, and their modes."""
    for one in meta.units:
        yield one.path, f"stage{unit.FOLDER}/{one.file}", "0644"
    for hook in (meta.hook, meta.before_remove):
        if hook:
            yield hook, f"stage{meta.prefix}/{hook}", "0755"
    if meta.environment:
        yield meta.environment, f"stage{environment(meta)}", "0640"


def contents(meta: Metadata) -> Iterator[str]:
    """Yield each of `files`: type, source, destination, mode, and what it gets at installation."""
    for file in meta.files:
        words = (file.type, file.source, file.destination, file.plain_mode, file.attributes)
        yield "\t".join(word or "-" for word in words)


def environment(meta: Metadata) -> str:
    """Return the path on the host of the file of variables."""
    return f"/etc/default/{meta.name}"


def changelog(meta: Metadata, version: str, origin: Origin) -> str:
    """Return the changelog of the package; the build puts the last commits in its middle."""
    at = format_datetime(datetime.fromtimestamp(origin.time, tz=timezone.utc))
    return f"{meta.name} ({version}) stable; urgency=medium\n\n@log@\n\n -- {meta.maintainer}  {at}\n"


def control_fields(meta: Metadata, origin: Origin) -> dict[str, str]:
    """Return the control fields that tell a host where a package came from, what runs, what is beside it."""
    units = [name for one in meta.units if one.start and one.lasts for name in one.names]
    beside = [one.name for one in meta.packages if one.install]
    return {
        "X-Git-Commit": origin.commit,
        "X-Git-Repository": origin.repository,
        "X-CICD-Trace": origin.trace,
        **({"X-CICD-Units": " ".join(units)} if units else {}),
        **({"X-CICD-Packages": " ".join(beside)} if beside else {}),
    }


def relations(meta: Metadata) -> dict[str, str]:
    """Return the control fields that name other packages, `Depends` aside."""
    found = {field: ", ".join(getattr(meta, key)) for field, key in RELATIONS.items()}
    return {field: value for field, value in found.items() if value}


def fpm_arguments(meta: Metadata, version: str, origin: Origin) -> list[str]:
    """Return FPM's arguments for a .deb; it runs in the run's directory."""
    words = ["-t", "deb", "-p", f"out/{meta.name}/{meta.file(version)}"]
    words += _fpm_common(meta, version, origin)
    words += _fpm_scripts("")
    words += [
        "--deb-no-default-config-files",
        "--deb-changelog",
        "changelog",
        "--deb-priority",
        meta.priority,
    ]
    words += [word for item in meta.depends for word in ("-d", item)]
    fields = {**relations(meta), **control_fields(meta, origin)}.items()
    return words + [word for name, value in fields for word in ("--deb-field", f"{name}: {value}")]


def fpm_rpm_arguments(meta: Metadata, version: str, origin: Origin) -> list[str]:
    """Return FPM's arguments for an .rpm; it runs in the run's directory."""
    words = ["-t", "rpm", "-p", f"out/{meta.name}/", "--rpm-os", "linux"]
    words += _fpm_common(meta, version, origin)
    words += _fpm_scripts("rpm-")
    words += [word for item in meta.rpm_depends for word in ("-d", item)]
    named = [(key, word) for key, found in rpm.relations(meta).items() for word in found]
    return words + [word for key, said in named for word in _fpm_rpm_relation(key, said)]


def nfpm_configuration(meta: Metadata, version: str, origin: Origin) -> dict[str, Any]:
    """Return nfpm's configuration of both formats, run in the run's directory; the build adds `contents`."""
    upstream, _, release = version.rpartition("-")
    return {
        "name": meta.name,
        "arch": meta.architecture,
        "platform": "linux",
        "version": upstream,
        "release": release,
        "version_schema": "none",
        "section": meta.section,
        "priority": meta.priority,
        "maintainer": meta.maintainer,
        "vendor": meta.maintainer,
        "description": meta.description,
        "license": meta.license,
        "homepage": _homepage(origin),
        "mtime": rfc3339(origin.time),
        "overrides": {
            "deb": {"depends": list(meta.depends), "scripts": _nfpm_scripts("")},
            "rpm": {
                "depends": list(meta.rpm_depends),
                "scripts": _nfpm_scripts("rpm-"),
                **rpm.relations(meta),
            },
        },
        "deb": {"fields": {**relations(meta), **control_fields(meta, origin)}},
        "rpm": {"buildhost": "cicd"},
    }


def _fpm_common(meta: Metadata, version: str, origin: Origin) -> list[str]:
    upstream, _, iteration = version.rpartition("-")
    words = ["-s", "dir", "-C", "stage", "--log", "error"]
    words += ["-n", meta.name, "-v", upstream, "--iteration", iteration, "-a", meta.architecture]
    words += ["--description", meta.description, "-m", meta.maintainer, "--license", meta.license]
    words += ["--vendor", meta.maintainer, "--category", meta.section, "--url", _homepage(origin)]
    return words


def _fpm_rpm_relation(key: str, said: str) -> list[str]:
    """FPM has options for some, and a line of the spec file for the others."""
    if key in ("recommends", "suggests"):
        return ["--rpm-tag", f"{key.capitalize()}: {said}"]
    return [f"--{key}", said]


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


def _yaml(values: Mapping[str, Any]) -> str:
    """Return *values* as YAML, in which JSON is valid but for a character that it writes as two."""
    return _lines(f"{key}: {_escaped(value)}" for key, value in values.items())


def _escaped(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\x7f-\uffff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _lines(words: Iterable[str]) -> str:
    return "".join(f"{word}\n" for word in words)
