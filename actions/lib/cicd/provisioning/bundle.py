"""All that makes a machine a host of its ring: files, packages and units, as one document."""

from __future__ import annotations

import json
import re
from typing import Iterator, Sequence

from cicd.clients import connection
from cicd.config import Settings
from cicd.errors import ConfigError
from cicd.onboarding import environment_file, host_files
from cicd.onboarding.wanted import Wanted
from cicd.provisioning import site_files
from cicd.provisioning.rights import Rights
from cicd.provisioning.site_files import File
from cicd.release.host import Host

ADDRESS = "@ADDRESS@"  # the machine knows its own
SETTINGS = "/etc/cicd/converge.conf"
TOKEN_FILE = re.compile(r"^CONSUL_TOKEN_FILE=[\"']?(/[^\s\"']+)", re.MULTILINE)


def text(wanted: Wanted, rights: Rights) -> str:
    """Return what the one host of *wanted* becomes, with its *rights*."""
    shared = list(site_files.read(wanted.settings.machines.files_dir))
    files = [*shared, *_own(wanted, rights, shared)]
    units = ["consul.service", "cicd-converge.timer", f"cicd-converge-watch@{wanted.project.name}.service"]
    packages = list(wanted.settings.machines.packages)
    return json.dumps({"files": files, "packages": packages, "units": units})


def _own(wanted: Wanted, rights: Rights, shared: Sequence[File]) -> Iterator[File]:
    """Yield what this machine alone has."""
    (node,) = wanted.rings
    agent = {"acl": {"tokens": {"agent": rights.agent}}} if rights.agent else {}
    described = {"node_name": node, "bind_addr": ADDRESS, **agent}
    yield site_files.file("/etc/consul.d/cicd-machine.json", json.dumps(described, indent=2) + "\n", 0o640)
    found = host_files.files(wanted, Host(node, ADDRESS), rights.converge)
    for path, content in found.items():
        is_closed = path.startswith((site_files.CONSUL, environment_file.FOLDER))
        yield site_files.file(path, content, 0o640 if is_closed else 0o644)
    if rights.converge:
        yield site_files.file(_token_file(shared), f"{rights.converge}\n", 0o600)
    yield site_files.file(
        ".ssh/authorized_keys", public_key(wanted.settings), 0o600, wanted.settings.ssh.user
    )


def public_key(settings: Settings) -> str:
    """Return the public key of StackStorm's login on hosts, as one line."""
    import asyncssh  # it takes long, and nothing else here needs it

    path = connection.readable(settings, "private_key_file")
    try:
        return str(asyncssh.read_private_key(path).export_public_key().decode())
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ConfigError(
            f"`ssh.private_key_file` names {path}, which cannot be used: {error}.",
            "Name a private key without a passphrase.",
        ) from None


def _token_file(shared: Sequence[File]) -> str:
    settings = next((one["text"] for one in shared if one["path"] == SETTINGS), "")
    found = TOKEN_FILE.search(settings)
    if not found:
        raise ConfigError(
            "Consul has ACLs, and new machines would not know where their token is.",
            f"Set CONSUL_TOKEN_FILE in {SETTINGS} of `machines.files_dir`.",
        )
    return found[1]
