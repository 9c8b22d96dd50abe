"""Many hosts on one machine: an sshd for each, on a loopback address of its own, with its own host key."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fleet import sshd

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Machine:
    """One simulated host: *folder* holds its keys, its state and its faults."""

    name: str
    address: str
    folder: Path

    def break_with(self, fault: str) -> None:
        """Let the stand-in fail in the way called *fault*; an empty one repairs it."""
        (self.folder / "fault").write_text(fault)

    @property
    def installed(self) -> str:
        """The version that it runs; empty when none."""
        path = self.folder / "installed"
        return path.read_text() if path.exists() else ""


class Loopback:
    """
    *count* machines on 127.`net`.x.y that speak SSH on one free port, in a `with` block.

    Where *home* is given, it is root's home folder there; *path* is where programs are found first.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        net: int = 77,
        consul: str = "",
        names: str = "web{}",
        home: Path | None = None,
        path: Path = HERE / "shims",
    ) -> None:
        self.folder = folder
        self.port = _free_port()
        self.user = getpass.getuser()
        self._consul = consul
        self._home = home
        self._path = path
        self._processes: list[subprocess.Popen[bytes]] = []
        numbers = range(1, count + 1)
        self.machines = [
            Machine(names.format(n), f"127.{net}.{n // 250}.{n % 250 + 1}", folder / names.format(n))
            for n in numbers
        ]
        self.private_key = folder / "user"
        self.known_hosts = folder / "known_hosts"

    def __enter__(self) -> Loopback:
        self.folder.mkdir(parents=True, exist_ok=True)
        _make_key(self.private_key)
        for machine in self.machines:
            self._prepare(machine)
        self.restore_keys()
        self.start(self.machines)
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.kill()  # the pid namespace, or the session, goes with it
            if os.geteuid() != 0:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

    def start(self, machines: Sequence[Machine]) -> None:
        """Start the sshd of each of *machines*, and wait until they all listen."""
        program, _ = sshd.find()
        lines = [f"{program} -D -f {m.folder}/sshd_config -E {m.folder}/log &" for m in machines]
        script = self.folder / f"start-{machines[0].name}.sh"
        script.write_text("\n".join([*self._namespace(), *lines, "wait", ""]))
        environment = {**os.environ, "LD_LIBRARY_PATH": sshd.library_path(program)}
        command = ["sh", str(script)]
        if os.geteuid() == 0:
            command = [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "unshare",
                "--mount",
                "--pid",
                "--mount-proc",
                "--fork",
                "--kill-child",
                "--mount-proc",
                *command,
            ]
        self._processes.append(subprocess.Popen(command, env=environment, start_new_session=True))
        for machine in machines:
            _wait_for_port(machine.address, self.port)

    def change_key(self, machine: Machine) -> None:
        """Let known_hosts expect another key of *machine* than it has."""
        other = _make_key(machine.folder / "other_key")
        known = [self._known(m, other if m == machine else "") for m in self.machines]
        self.known_hosts.write_text("".join(known))

    def restore_keys(self) -> None:
        """Let known_hosts be right again."""
        self.known_hosts.write_text("".join(map(self._known, self.machines)))

    def _prepare(self, machine: Machine) -> None:
        machine.folder.mkdir(parents=True, exist_ok=True)
        _make_key(machine.folder / "host_key")
        environment = {
            "HOST": machine.name,
            "HOME_OF": machine.folder,
            "CONSUL": self._consul,
            "DPKG_ADMINDIR": machine.folder / "dpkg",
            "STAND_IN": HERE / "stand_in.sh",
            "PATH": f"{self._path}:/usr/bin:/bin",
        }
        settings = " ".join(f'"{name}={value}"' for name, value in environment.items())
        (machine.folder / "sshd_config").write_text(
            f"""ListenAddress {machine.address}
Port {self.port}
HostKey {machine.folder}/host_key
PidFile none
AuthorizedKeysFile {self.private_key}.pub
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org
UsePAM no
UseDNS no
StrictModes no
MaxStartups 100
Subsystem sftp {sshd.find()[1]}
SetEnv {settings}
"""
        )

    def _known(self, machine: Machine, key: str = "") -> str:
        return f"[{machine.address}]:{self.port} {key or (machine.folder / 'host_key.pub').read_text()}\n"

    def _namespace(self) -> list[str]:
        """Return what gives root's sshd the account and the folder that it wants, seen by nobody else.

        Its own login there has a plain shell: what a developer's ~/.bashrc does would be measured, too.
        """
        if os.geteuid() != 0:
            return []
        passwd = self.folder / "passwd"
        lines = Path("/etc/passwd").read_text().splitlines()
        others = [
            self._own_login(line) if line.startswith(f"{self.user}:") else line
            for line in lines
            if not line.startswith("sshd:")
        ]
        passwd.write_text("\n".join([*others, "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin", ""]))
        return [f"mount --bind {passwd} /etc/passwd", "mount -t tmpfs tmpfs /run", "mkdir /run/sshd"]

    def _own_login(self, line: str) -> str:
        *fields, home, _shell = line.split(":")
        return ":".join([*fields, str(self._home or home), "/bin/sh"])


def _make_key(path: Path) -> str:
    """Write a new private key to *path*, its public half beside it, and return the latter."""
    key = Ed25519PrivateKey.generate()
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.with_name(f"{path.name}.pub").write_bytes(public)
    return public.decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_port(address: str, port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((address, port), 5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"no sshd at {address}:{port}"
            time.sleep(0.1)
