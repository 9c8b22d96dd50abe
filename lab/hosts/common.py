"""What every host has: names, sshd, accounts, quick APT."""

from __future__ import annotations

from pathlib import Path

from lab.base import sources
from lab.base.recipe import home_of
from lab.hosts import keys
from lab.hosts.container import Container
from lab.places import Places
from lab.world import SSH_PORT, Host, World

RESOLVER = Path("/etc/resolv.conf")
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# The post-quantum default costs the client 134 ms of processor time for each connection.
SSHD = """Port {port}
ListenAddress {address}
HostKey /etc/ssh/ssh_host_ed25519_key
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
MaxStartups 200
MaxSessions 50
PrintMotd no
SetEnv "PATH={path}"
Subsystem sftp /usr/lib/openssh/sftp-server
"""
JOURNAL = """[Journal]
Storage=volatile
RuntimeMaxUse=32M
ForwardToConsole=yes
MaxLevelConsole=info
RateLimitBurst=0
"""
# apt would ask DNS for SRV records of addresses on loopback.
APT = """Acquire::EnableSrvRecords "false";
Acquire::Languages "none";
DPkg::Lock::Timeout "30";
"""


def configure(container: Container, places: Places, world: World, path: str) -> None:
    """Give the host its name, its neighbours' names, sshd with its own key, and user cicd's key."""
    host, disk = container.host, container.disk
    disk.write("etc/hostname", f"{host.name}\n")
    disk.write("etc/hosts", _hosts_file(world))
    disk.write("etc/ssh/sshd_config", sshd(host, path))
    secret = (places.secrets / host.name).read_bytes()
    disk.write("etc/ssh/ssh_host_ed25519_key", secret, mode=0o600)
    disk.write("etc/ssh/ssh_host_ed25519_key.pub", keys.public(places, host.name))
    disk.write("etc/systemd/journald.conf.d/lab.conf", JOURNAL)
    distribution(container, world.infra.address)
    disk.folder("etc/cicd")
    authorize(container, places, "cicd", ["user"])


def sshd(host: Host, path: str) -> str:
    """Return the configuration of the host's sshd, whose commands find programs in *path*."""
    return SSHD.format(port=SSH_PORT, address=host.address, path=path)


def distribution(container: Container, own_repository: str) -> None:
    """
    Let the host reach the machine's mirror of Debian, by its proxy, and trust whom the machine trusts.

    *own_repository* is the address of the lab's repository, which is asked past the proxy.
    """
    disk = container.disk
    own = f'Acquire::http::Proxy::{own_repository} "DIRECT";\n'
    disk.write("etc/apt/apt.conf.d/50lab", APT + sources.options() + own)
    disk.write("etc/apt/sources.list.d/debian.list", sources.for_hosts())
    for file in (RESOLVER, AUTHORITIES):
        if file.exists():
            disk.copy(file, str(file), mode=0o644)


def authorize(container: Container, places: Places, user: str, clients: list[str]) -> None:
    """Let the keys of *clients* log in as *user*."""
    home = home_of(user)
    container.disk.folder(f"{home}/.ssh", mode=0o700, owner=user)
    lines = "".join(keys.public(places, client) for client in clients)
    container.disk.write(f"{home}/.ssh/authorized_keys", lines, mode=0o600, owner=user)


def git_client(container: Container, places: Places, world: World, user: str, client: str) -> None:
    """Let *user* on this host fetch from the git server with the key of *client*, and verify its host key."""
    folder = f"{home_of(user)}/.ssh"
    container.disk.folder(folder, mode=0o700, owner=user)
    secret = (places.secrets / client).read_bytes()
    container.disk.write(f"{folder}/id_ed25519", secret, mode=0o600, owner=user)
    container.disk.write(f"{folder}/known_hosts", keys.known_hosts(places, world), owner=user)


def _hosts_file(world: World) -> str:
    names = "".join(f"{host.address} {host.name}\n" for host in world.hosts)
    return f"127.0.0.1 localhost\n{world.control} control\n{names}"
