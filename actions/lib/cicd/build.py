"""Build one commit into a package, on a build host found in Consul."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict
from typing import Any, Mapping

from cicd import fields, metadata, package
from cicd.config import Project, Settings
from cicd.consul import Store
from cicd.errors import HostError, ProjectError, Refused
from cicd.metadata import Metadata
from cicd.package import Origin
from cicd.ring import Host
from cicd.ssh import Shell
from cicd.version import package_version


def find_host(store: Store, service: str, tag: str, commit: str) -> Host:
    """Return one healthy host of *service* with *tag*; commits are spread over those there are."""
    entries = store.healthy(service, tag)
    hosts = sorted(
        (Host(e["Node"]["Node"], e["Service"]["Address"] or e["Node"]["Address"]) for e in entries),
        key=lambda host: host.name,
    )
    if not hosts:
        raise Refused(
            f"No healthy host offers {service} ({tag}) in Consul.",
            "Start one, or check `package` and `repository` in the configuration.",
        )
    return hosts[int(fields.check("commit", commit)[:8], 16) % len(hosts)]


def fetch_commit(settings: Settings, host: Host, run: str, project: Project, commit: str) -> None:
    """Clone exactly *commit* of *project* on *host*, in the directory of *run*."""
    arguments = [fields.check("run", run), settings.clone_url(project), fields.check("commit", commit)]
    with Shell(settings, host) as shell:
        shell.script("fetch_commit", arguments, _timeout(settings))


def read_metadata(settings: Settings, host: Host, run: str, project: Project, commit: str) -> dict[str, Any]:
    """
    Return what the package of *run* will be: `version`, `time` of the commit, `metadata`.

    Raises ProjectError, before anything is built, when the project's contract is broken.
    """
    with Shell(settings, host) as shell:
        said = _pairs(shell.script("read_metadata", [fields.check("run", run)], _timeout(settings)))
    meta = metadata.read(project.name, commit, _decoded(said.get("fpm_json")), said)
    version = package_version(meta.version, int(said["commits"]), commit)
    return {"version": version, "time": int(said["time"]), "metadata": asdict(meta)}


def build_package(
    settings: Settings, host: Host, run: str, project: Project, commit: str, described: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Build the package that *described* (the result of read_metadata) and say what came out:
    `file` on the host, `sha256`, `bytes`, `driver`, `package` and `version`.
    """
    meta = _metadata(described["metadata"])
    trace = fields.trace_tag(project.repository, commit)
    origin = Origin(project.repository, commit, trace, int(described["time"]))
    version = fields.check("version", described["version"])
    with Shell(settings, host) as shell:
        for name, content in package.files(meta, version, origin).items():
            shell.put(content, f"builds/{fields.check('run', run)}/{name}")
        arguments = [run, str(settings.package["driver"]), meta.prefix, str(origin.time), version, commit]
        said = _pairs(shell.script("build_package", [*arguments, meta.unit], _timeout(settings)))
    return {**said, "bytes": int(said["bytes"]), "package": meta.name, "version": version}


def clean(settings: Settings, host: Host, run: str) -> None:
    """Remove everything that *run* left on *host*."""
    with Shell(settings, host) as shell:
        shell.script("clean_build", [fields.check("run", run)], _timeout(settings))


def _timeout(settings: Settings) -> int:
    return int(settings.package["timeout"])


def _pairs(output: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in output.splitlines())


def _decoded(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise ProjectError("fpm.json is not UTF-8 text.", "Save it as UTF-8 and push again.") from None


def _metadata(values: Mapping[str, Any]) -> Metadata:
    try:
        lists = {key: tuple(values[key]) for key in metadata.LISTS}
        return Metadata(**{**values, **lists})
    except (KeyError, TypeError) as error:
        raise HostError(
            f"The package's metadata is incomplete ({error}).", "Run read_metadata first."
        ) from None
