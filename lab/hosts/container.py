"""One host as a container: started, entered, switched off."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from lab import cgroups, processes
from lab.base.recipe import home_of
from lab.errors import LabError
from lab.hosts.disk import Disk
from lab.places import Places
from lab.world import Host

START = Path(__file__).with_name("start.sh")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_SECONDS = 60.0


class Container:
    """The container of *host*; its disk stays when it is off."""

    def __init__(
        self, places: Places, host: Host, base: Path, path: str = PATH, layers: Sequence[Path] = ()
    ) -> None:
        self.host = host
        self._layers = layers
        self._path = path
        self._places = places
        self._base = base
        self.folder = places.hosts / host.name
        self.disk = Disk(base, self.folder / "upper")

    def prepare(self) -> None:
        """Make an empty disk over the layers, the uppermost first, and the base."""
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "lower").write_text(":".join(map(str, [*self._layers, self._base])))
        # Without an id systemd takes this for a first boot and enables every unit there is.
        self.disk.write("etc/machine-id", f"{self._places.identity}{self.host.name.encode().hex():0>24}\n")

    def start(self, binds: Sequence[str] = ()) -> None:
        """Boot; returns at once. *binds* are files of the machine, as nspawn's --bind-ro takes them."""
        kept = self.folder / "binds"
        if binds:
            kept.write_text("\n".join(binds))
        binds = kept.read_text().splitlines() if kept.exists() else []
        groups = cgroups.create(self._places, self.host.name)
        lower = (self.folder / "lower").read_text()
        argv = ["unshare", "--mount", "sh", str(START), str(self.folder), lower, str(len(groups))]
        argv += [*map(str, groups), *self._nspawn(binds)]
        processes.spawn(self._places, self.host.name, argv)

    def _nspawn(self, binds: Sequence[str]) -> list[str]:
        argv = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"]
        argv += ["--resolv-conf=off", "--timezone=off", "--link-journal=no"]
        argv += [f"--machine={self.host.name}", f"--directory={self.folder / 'root'}"]
        argv += [f"--setenv={processes.MARK}={self._places.root}"]
        # A build gets a network of its own, which takes the right to make one.
        argv += ["--capability=CAP_NET_ADMIN"] if self.host.role == "build" else []
        return [*argv, *(f"--bind-ro={bind}" for bind in binds)]

    def init(self) -> int | None:
        """Return the process id, on the machine, of the host's systemd; None when the host is off."""
        for pid in cgroups.members(self._places, self.host.name):
            if _is_init(pid):
                return pid
        return None

    def require_on(self) -> int:
        """Return what `init` does; LabError when the host is off."""
        init = self.init()
        if init is None:
            raise LabError(
                f"{self.host.name} is off.", f"Start it: .venv/bin/python -m lab host {self.host.name} on"
            )
        return init

    def run(self, *argv: str, user: str = "root", stdin: str = "") -> str:
        """Run *argv* on the host and return its output; LabError when it fails."""
        enter = ["nsenter", "--target", str(self.require_on()), "--all"]
        become = ["runuser", "-u", user, "--"] if user != "root" else []
        home = home_of(user)
        clean = ["env", "-i", f"PATH={self._path}", "LC_ALL=C.UTF-8", f"HOME={home}"]
        command = [*enter, *clean, *become, "env", "-C", home, *argv]
        done = subprocess.run(
            command,
            input=stdin,
            env=processes.environment(self._places),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LabError(
                f"{argv[0]} on {self.host.name} failed: {(done.stderr or done.stdout).strip()[-400:]}",
                f"See {self._places.logs / self.host.name}.log",
            )
        return done.stdout

    def write(self, path: str, text: str) -> None:
        """Write *text* to *path* on the running host."""
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "write", path, stdin=text)

    def copy_in(self, source: Path, path: str) -> None:
        """Copy the machine's file *source* to *path* on the running host."""
        shutil.copyfile(source, f"/proc/{self.require_on()}/root{path}")

    def wait_booted(self) -> None:
        """Return once systemd answers on the host."""
        deadline = time.monotonic() + BOOT_SECONDS
        while True:
            try:
                self.run("systemctl", "show", "--property=Version")
                return
            except LabError:
                if time.monotonic() > deadline:
                    raise self._not_booted() from None
                time.sleep(0.05)

    def _not_booted(self) -> LabError:
        log = self._places.logs / f"{self.host.name}.log"
        last = log.read_text(errors="replace").strip().splitlines()[-3:] if log.exists() else []
        return LabError(f"{self.host.name} did not boot: {' / '.join(last) or 'no output'}", f"See {log}")


def escaped(path: object) -> str:
    """Return *path* as nspawn's options that take several want it."""
    return str(path).replace(":", "\\:")


def _is_init(pid: int) -> bool:
    """Whether *pid* is process 1 of a pid namespace below ours."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    namespaces = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(namespaces) > 1 and namespaces[-1] == "1"
