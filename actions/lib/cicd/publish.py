"""Move a package from its build host into the signed repository, and see it there as a client."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cicd import fields
from cicd.config import Settings
from cicd.errors import RepositoryError
from cicd.repository import Repository
from cicd.ring import Host
from cicd.ssh import Shell

PUBLISH_TIMEOUT_SECONDS = 600


def publish(
    settings: Settings,
    build_host: Host,
    repository_host: Host,
    file: str,
    name: str,
    version: str,
    sha256: str,
) -> dict[str, Any]:
    """
    Publish the .deb *file* of *build_host*; return its `url`, as clients fetch it, and the `driver`.

    Refused when clients already see the same version with other bytes.
    """
    _refuse_other_content(Repository(settings), name, fields.check("version", version), sha256)
    with tempfile.TemporaryDirectory(prefix="cicd-") as directory:
        local = str(Path(directory) / Path(file).name)
        with Shell(settings, build_host) as shell:
            shell.download(file, local)
        driver = _publish_file(settings, repository_host, local, fields.check("sha256", sha256))
    return {"url": Repository(settings).wait_for(name, version, sha256), "driver": driver}


def _publish_file(settings: Settings, host: Host, local: str, sha256: str) -> str:
    section = settings.repository
    incoming = f".cicd/incoming/{sha256[:16]}"
    remote = f"{incoming}/{Path(local).name}"
    with Shell(settings, host) as shell:
        shell.run(["mkdir", "-p", incoming], PUBLISH_TIMEOUT_SECONDS)
        try:
            shell.upload(local, remote)
            keys = ("distribution", "component", "config_file", "name", "gpg_key")
            arguments = [str(section["driver"]), remote, sha256, *(str(section[key]) for key in keys)]
            said = shell.script("publish_package", arguments, PUBLISH_TIMEOUT_SECONDS)
        finally:
            shell.run(["rm", "-rf", incoming], PUBLISH_TIMEOUT_SECONDS)
    return said.strip().partition("driver=")[2]


def _refuse_other_content(repository: Repository, name: str, version: str, sha256: str) -> None:
    entry = repository.find(name, version)
    if entry and entry.get("SHA256") != sha256:
        raise RepositoryError(
            f"{name} {version} is already published with other content "
            f"(sha256 {entry.get('SHA256', '')[:12]}…, this build is {sha256[:12]}…).",
            "A published version never changes: commit again, and let that be built.",
        )
