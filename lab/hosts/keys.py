"""SSH keys and secrets, made anew for every lab."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

from lab.errors import LabError
from lab.places import Places
from lab.world import SSH_PORT, World

# `user` logs in on every host, `admin` as root on app hosts; the other two may only fetch from git.
CLIENTS = ("user", "admin", "build", "jenkins")
TOKENS = ("github_secret", "jenkins_token", "jenkins_api_token", "github_api_token")


def make(places: Places, world: World) -> None:
    """Make all keys and tokens, known_hosts and the SSH client's configuration under secrets/."""
    places.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in [*CLIENTS, *(host.name for host in world.hosts)]:
        _make_key(places.secrets / name)
    for name in TOKENS:
        write_secret(places.secrets / name, secrets.token_hex(20) + "\n")
    write_secret(places.secrets / "known_hosts", known_hosts(places, world))
    write_secret(places.secrets / "ssh_config", ssh_config(places, world))


def public(places: Places, name: str) -> str:
    """Return the public key of *name*, a client or a host, as one line."""
    return (places.secrets / f"{name}.pub").read_text()


def known_hosts(places: Places, world: World) -> str:
    """Return what known_hosts says of every host."""
    entries = [(host, public(places, host.name).split()) for host in world.hosts]
    return "".join(f"[{host.address}]:{SSH_PORT} {kind} {key}\n" for host, (kind, key, *_) in entries)


def ssh_config(places: Places, world: World) -> str:
    """Return the configuration with which `ssh web1` works."""
    hosts = "".join(f"Host {host.name}\n    HostName {host.address}\n" for host in world.hosts)
    return f"""{hosts}
Host *
    User cicd
    Port {SSH_PORT}
    IdentityFile "{places.secrets / "user"}"
    IdentitiesOnly yes
    UserKnownHostsFile "{places.secrets / "known_hosts"}"
    StrictHostKeyChecking yes
    BatchMode yes
"""


def write_secret(path: Path, text: str) -> None:
    """Write *path* so that only its owner reads it."""
    path.touch(mode=0o600)
    path.write_text(text)


def _make_key(path: Path) -> None:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{path.name}@lab", "-f", str(path)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"ssh-keygen failed: {done.stderr.strip()}", "Run `make lab-down`, then try again.")
