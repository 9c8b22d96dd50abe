"""This machine's file system with a layer on top: dpkg installs there for real, and nothing stays."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

# The layer lies on a tmpfs, since an overlay takes no other overlay for it. It is entered anew each time.
ENTER = """\
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount -t proc proc "$1/root/proc"
root=$1/root
shift
exec chroot "$root" "$@"
"""


class Throwaway:
    """A root file system without systemd, in *folder*, which is on a tmpfs of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()

    def try_run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run *argv* there."""
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(self.folder), *argv]
        return subprocess.run(enter, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

    def run(self, *argv: str) -> str:
        """Run *argv* there and return what it says."""
        done = self.try_run(*argv)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_install(self, package: str | Path) -> subprocess.CompletedProcess[str]:
        """Have dpkg install the file *package* of this machine."""
        name = f"{os.urandom(6).hex()}.deb"
        (self.folder / "upper" / name).write_bytes(Path(package).read_bytes())
        return self.try_run("dpkg", "--force-confold", "-i", f"/{name}")

    def install(self, *packages: str | Path) -> None:
        """Install *packages*, one after the other."""
        for package in packages:
            done = self.try_install(package)
            assert done.returncode == 0, done.stdout + done.stderr

    def lines(self, path: str) -> Sequence[str]:
        """Return the lines of the file *path*, none when it is missing."""
        return self.run("sh", "-c", f"cat {path} 2>/dev/null || true").splitlines()

    def tree(self, path: str) -> dict[str, str]:
        """Return what is below *path*: of each file its text, of each link `-> ` and its target."""
        found = self.run("find", path, "-mindepth", "1", "-printf", "%y %P\\n%l\\n").splitlines()
        kinds = dict(zip(found[::2], found[1::2], strict=True))
        return {
            name[2:]: f"-> {target}" if name[0] == "l" else self.run("cat", f"{path}/{name[2:]}")
            for name, target in kinds.items()
            if name[0] != "d"
        }

    def close(self) -> None:
        """Forget everything."""
        subprocess.run(["umount", "-l", self.folder], check=True)
