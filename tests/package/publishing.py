"""A repository host for tests: its own home, key and web server; and apt clients that look at it."""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cicd.clients.scripts import script_text
from tests.left_out import needs_freight
from tests.package.building import run, write

PUBLISHERS = ["aptly", pytest.param("freight", marks=needs_freight)]
FREIGHT_ALONE = PUBLISHERS[1:]
KEY = "packages@example.com"
COMMIT = "a" * 40
DAYS = 7


def deb(
    folder: Path,
    name: str,
    version: str,
    content: str = "",
    size: int = 0,
    fields: str = "",
    architecture: str = "all",
) -> Path:
    """Make a package; its bytes depend on *content*, and on further *fields* of its control file, alone."""
    tree = folder / f"tree-{uuid.uuid4().hex}"
    write(tree / "opt" / name / "content", content)
    (tree / "opt" / name / "random").write_bytes(os.urandom(size))
    control = f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
    control += "Maintainer: Ann <ann@example.com>\nSection: misc\nPriority: optional\n"
    control += f"X-Git-Commit: {COMMIT}\nX-Git-Repository: acme/app\n"
    control += f"{fields}Description: A test.\n"
    write(tree / "DEBIAN" / "control", control)
    target = folder / uuid.uuid4().hex / f"{name}_{version}_{architecture}.deb"
    target.parent.mkdir(parents=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1"}
    run("dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(target), env=environment)
    shutil.rmtree(tree)
    return target


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    """A web server that says nothing."""

    def log_message(self, *arguments: object) -> None:
        pass


class RepositoryHost:
    """One home folder with a signing key, a driver's configuration, and what serves it."""

    def __init__(
        self, driver: str, home: Path | None = None, architecture: str = "amd64", also: Sequence[str] = ()
    ) -> None:
        self.driver = driver
        # gpg's agent listens on a socket whose path is short.
        self.home = home or Path(tempfile.mkdtemp(prefix="cicd-r-"))
        (self.home / ".gnupg").mkdir(mode=0o700)
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        self.make_key(KEY)
        self.keys, self.days = KEY, DAYS
        self.architecture, self.architectures = architecture, [architecture, *also]
        self.public = self.home / ("apt/public" if driver == "aptly" else "public")
        self.public.mkdir(parents=True)
        self.config = self.home / f"{driver}.conf"
        self.configure()
        handler = functools.partial(Quiet, directory=str(self.public))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def configure(self) -> None:
        """Write the driver's configuration, with the present keys."""
        if self.driver == "aptly":
            settings = {"rootDir": str(self.home / "apt"), "gpgProvider": "gpg"}
            self.config.write_text(json.dumps({**settings, "architectures": self.architectures}, indent=2))
        else:
            lines = {
                "VARLIB": self.home / "lib",
                "VARCACHE": self.public,
                "ARCHS": " ".join(self.architectures),
            }
            lines.update({"ORIGIN": "Test", "LABEL": "Test", "GPG": self.keys, "CACHE": "off"})
            self.config.write_text("".join(f'{key}="{value}"\n' for key, value in lines.items()))

    def create(self, name: str = "cicd", distribution: str = "bookworm", component: str = "main") -> None:
        """Create the repository, as an operator does once for aptly; Freight needs nothing."""
        if self.driver == "aptly":
            where = [f"-distribution={distribution}", f"-component={component}"]
            self.aptly("repo", "create", *where, name)
            carried = f"-architectures={','.join(self.architectures)}"
            options = ["-batch", "-acquire-by-hash", carried, f"-gpg-key={KEY}"]
            self.aptly("publish", "repo", *options, name)

    def aptly(self, *words: str) -> str:
        return run("aptly", f"-config={self.config}", *words, env=self.environment).stdout

    def make_key(self, address: str, expires: str = "1y") -> None:
        generate = [
            "gpg",
            "--batch",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            "--quick-generate-key",
        ]
        run(*generate, address, "ed25519", "sign", expires, env=self.environment)

    def export(self, address: str, target: Path) -> Path:
        text = run("gpg", "--batch", "--armor", "--export", address, env=self.environment).stdout
        target.write_text(text)
        return target

    def upload(self, *packages: Path) -> str:
        """Put *packages* and their papers where SFTP would; return the prefix."""
        prefix = f".cicd-incoming-{uuid.uuid4().hex}"
        for package in packages:
            shutil.copy(package, self.home / f"{prefix}-{package.name}")
        subject = [{"name": one.name, "digest": {"sha256": digest(one)}} for one in packages]
        (self.home / f"{prefix}-provenance.json").write_text(json.dumps({"subject": subject}))
        (self.home / f"{prefix}-sbom.cdx.json").write_text("{}\n")
        return prefix

    def command(
        self,
        package: Path,
        targets: str = "bookworm:cicd",
        component: str = "main",
        others: Sequence[Path] = (),
    ) -> list[str]:
        name, version, _ = package.stem.split("_")
        more = [version, self.upload(package, *others), "", f"{name} {name}-*"]
        more += [f"{one.name}={digest(one)}" for one in (package, *others)]
        return self.script("publish_package", targets, component, *more)

    def publish(self, package: Path, *where: str, others: Sequence[Path] = ()) -> subprocess.CompletedProcess:
        """Publish *package*, and *others* of its release, as SSH would."""
        command = self.command(package, *where, others=others)
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600)

    def prune(self, *packages: str, targets: str = "bookworm:cicd") -> subprocess.CompletedProcess:
        """Take *packages* (name=version) out, as SSH would."""
        return self.run(self.script("prune_packages", targets, "main", *packages))

    def renew(self, targets: str = "bookworm:cicd") -> subprocess.CompletedProcess:
        """Sign the indexes anew, as SSH would."""
        return self.run(self.script("renew_index", targets, "main"))

    def script(self, name: str, targets: str, component: str, *more: str) -> list[str]:
        """Return the command that SSH would run."""
        arguments = [self.driver, str(self.config), self.keys, targets, component, str(self.days), *more]
        return ["sh", "-c", script_text(name), name, *arguments]

    def run(self, command: list[str]) -> subprocess.CompletedProcess:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)

    def release(self, name: str = "InRelease", distribution: str = "bookworm") -> dict[str, str]:
        """Return the fields of a Release as it is on disk."""
        text = (self.public / "dists" / distribution / name).read_text()
        return dict(re.findall(r"^([A-Z][A-Za-z-]+): (.*)$", text, re.M))

    def files(self, architecture: str, version: str) -> set[str]:
        """Return the names of the files of *version* that an apt of *architecture* sees."""
        index = self.public / "dists/bookworm/main" / f"binary-{architecture}" / "Packages"
        names = re.findall(r"^Filename: .*/(.*)$", index.read_text(), re.M)
        return {name for name in names if f"_{version}_" in name}

    def versions(self, distribution: str = "bookworm", component: str = "main") -> list[str]:
        """Return the versions in the index, as it is on disk."""
        index = self.public / "dists" / distribution / component / f"binary-{self.architecture}" / "Packages"
        lines = index.read_text().splitlines() if index.exists() else []
        return sorted(line.partition(": ")[2] for line in lines if line.startswith("Version:"))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        subprocess.run(["gpgconf", "--kill", "all"], env=self.environment, check=False)
        shutil.rmtree(self.home, ignore_errors=True)


class Client:
    """A real apt with nothing of this machine's own configuration."""

    def __init__(
        self,
        folder: Path,
        host: RepositoryHost,
        key: Path,
        suite: str = "bookworm main",
        architecture: str = "",
    ) -> None:
        self.folder = folder
        for name in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d"):
            (folder / name).mkdir(parents=True)
        for name in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"):
            (folder / name).mkdir(parents=True)
        (folder / "var/lib/dpkg/status").write_text("")
        source = f"deb [signed-by={key}] {host.url} {suite}\n"
        (folder / "etc/apt/sources.list").write_text(source)
        lines = [f'Dir "{folder}";', f'Dir::State::status "{folder}/var/lib/dpkg/status";']
        lines += [f'APT::Architecture "{architecture or host.architecture}";', 'APT::Sandbox::User "root";']
        lines += ['Acquire::Languages "none";', 'Acquire::EnableSrvRecords "false";', 'Dir::Log "";']
        (folder / "apt.conf").write_text("\n".join(lines) + "\n")
        self.environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}

    def apt(self, *words: str) -> subprocess.CompletedProcess:
        command = ["apt-get", "-q", "-y", "-o", "APT::Update::Error-Mode=any", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)

    def update(self) -> str:
        """Return why the indexes could not be read; empty when they could."""
        done = self.apt("update")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def fetched(self, file: str) -> Path:
        """Return where apt keeps what it fetched for an installation."""
        return self.folder / "var/cache/apt/archives" / file

    def can_install(self, name: str, version: str) -> bool:
        """Fetch exactly this version as an installation would, with every check of apt's."""
        return (
            self.apt("install", "--download-only", "--allow-downgrades", f"{name}={version}").returncode == 0
        )
