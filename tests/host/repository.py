"""A signed APT repository of greeter's packages, served over HTTP, whose answers a test can spoil."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote

from cicd.package import maintainer_scripts
from cicd.package.builder_input import Origin
from cicd.package.clearance import Clearance
from cicd.package.metadata import Metadata
from cicd.package.provenance import Builder, Making, statement
from cicd.package.tree import Tree
from cicd.package.unit import Unit
from cicd.release.record import Sibling
from lab.places import REPOSITORY

NOTHING_MORE: Mapping[str, str] = MappingProxyType({})
EXAMPLE = REPOSITORY / "examples" / "greeter"
META = Metadata(
    name="greeter",
    version="1.0.0",
    description="Greets people",
    maintainer="Ann <ann@example.com>",
    prefix="/opt/greeter",
    hook="script/post-inst",
    user="greeter",
    units=(Unit("greeter.service", ("greeter.service",), enable=True, start=True, on_upgrade="restart"),),
    conffiles=("/etc/greeter.conf",),
)


class Repository:
    """Builds, signs and serves; `published` is the digest of each version."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._environment = {**os.environ, "GNUPGHOME": str(folder / "gpg")}
        self.published: dict[str, str] = {}
        self.spoil: dict[str, list[bytes]] = {}  # by file name: what the next requests get instead
        self.slow: set[str] = set()  # names of files that are never finished
        (folder / "gpg").mkdir(mode=0o700)
        self._gpg("--quick-generate-key", "repo@example.com", "ed25519", "sign", "never")
        self.key = self._gpg("--armor", "--export")
        self.names = "Origin: test\nSuite: test\n"  # what the signed index says of itself
        self._entries: list[str] = []
        self._server = ThreadingHTTPServer((address, 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.source = f"deb [signed-by=/etc/apt/cicd.asc] http://{address}:{self._server.server_port} ./\n"

    def publish(
        self, version: str, files: Mapping[str, str | Path] | None = None, relations: str = "Depends: python3"
    ) -> str:
        """
        Build and publish greeter at *version* with *files* replaced, and return its digest.

        A Path in place of a text is where a link points to; *relations* are lines of its control file.
        """
        if version not in self.published:
            built = self._build(version, files or {}, relations)
            self.published[version] = self._add(built)
            self.explain(version, built.name, self.published[version])
        return self.published[version]

    def publish_release(self, version: str, beside: Mapping[str, str]) -> tuple[Sibling, ...]:
        """Publish greeter at *version* with packages *beside* it, postinst by name; return those."""
        relations = f"Depends: python3\nX-CICD-Packages: {' '.join(beside)}"
        own = self._build(version, {}, relations)
        files = {own.name: self._add(own)}
        for name, script in beside.items():
            control = (
                f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: {META.maintainer}\n"
            )
            control += f"X-Git-Commit: {'a' * 40}\nDescription: Speaks with greeter\n"
            content = {"DEBIAN/control": control, "DEBIAN/postinst": script, f"opt/{name}/REVISION": version}
            built = self._pack(f"{name}_{version}_all.deb", content)
            files[built.name] = self._add(built)
        self.published[version] = files[own.name]
        self.explain(version, own.name, files[own.name], files)
        return tuple(Sibling(file.partition("_")[0], files[file]) for file in files if file != own.name)

    def publish_other(self, name: str, version: str, relations: str = "") -> None:
        """Build and publish an empty package of somebody else, once."""
        deb = f"{name}_{version}_all.deb"
        if (self._folder / deb).exists():
            return
        control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: {META.maintainer}\n"
        content = {"DEBIAN/control": f"{control}{relations}Description: Another package\n"}
        self._add(self._pack(deb, content))

    def _add(self, built: Path) -> str:
        digest = hashlib.sha256(built.read_bytes()).hexdigest()
        control = subprocess.run(["dpkg-deb", "-f", built], capture_output=True, text=True, check=True)
        size = built.stat().st_size
        self._entries.append(f"{control.stdout}Filename: ./{built.name}\nSize: {size}\nSHA256: {digest}\n")
        self.sign()
        return digest

    def explain(
        self, version: str, name: str, digest: str, files: Mapping[str, str] = NOTHING_MORE, **changed: str
    ) -> None:
        """Publish the signed provenance of greeter's *version*; *changed* is what it says of its origin."""
        commit = changed.get("commit", f"{version.rpartition('.')[2]:0<40}")
        origin = Origin(
            "acme/greeter", commit, f"acme/greeter@{commit}", 0, changed.get("project", "greeter")
        )
        builder = Builder("build1", "nfpm", "2.48.0", "run", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
        folder = self._folder / "provenance" / "greeter" / version
        folder.mkdir(parents=True, exist_ok=True)
        paper = folder / "provenance.json"
        making = Making(origin, {}, (builder,))
        said = statement({name: digest, **files}, making, Clearance(build=1), Tree())
        paper.write_text(json.dumps(said))
        paper.with_suffix(".json.asc").unlink(missing_ok=True)
        self._gpg("--armor", "--detach-sign", "-o", f"{paper}.asc", str(paper))

    def forget_provenance(self, version: str) -> None:
        """Let greeter's *version* be one that was published without a provenance."""
        shutil.rmtree(self._folder / "provenance" / "greeter" / version)

    def sign(self, ahead: timedelta = timedelta(0)) -> None:
        """Write the indexes; with *ahead* they are dated that far in the future."""
        (self._folder / "Packages").write_text("\n".join(self._entries))
        index = (self._folder / "Packages").read_bytes()
        date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        line = f" {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
        (self._folder / "Release").write_text(f"{self.names}Date: {date}\nSHA256:\n{line}")
        (self._folder / "InRelease").unlink(missing_ok=True)
        self._gpg("--clearsign", "-o", str(self._folder / "InRelease"), str(self._folder / "Release"))

    def date_index(self, seconds: float) -> None:
        """Let the signed index seem to have been written *seconds* after 1970."""
        os.utime(self._folder / "InRelease", (seconds, seconds))

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        subprocess.run(["gpgconf", "--kill", "all"], env=self._environment, check=False)

    def _build(self, version: str, files: Mapping[str, str | Path], relations: str) -> Path:
        control = (
            f"Package: greeter\nVersion: {version}\nArchitecture: all\nMaintainer: {META.maintainer}\n"
            f"{relations}\nDescription: {META.description}\n"
        )
        maintainer = maintainer_scripts.maintainer_scripts(META)
        content: dict[str, str | Path] = {
            "DEBIAN/control": control,
            "DEBIAN/conffiles": "/etc/greeter.conf\n",
            **{f"DEBIAN/{name}": maintainer[name] for name in maintainer_scripts.PARTS},
            "opt/greeter/greeter.py": (EXAMPLE / "greeter.py").read_text(),
            "opt/greeter/REVISION": f"version={version}\ncommit=abcdef0\n",
            "opt/greeter/script/post-inst": "#!/bin/sh\n",
            "etc/greeter.conf": f"# of {version}\n",
            "usr/lib/systemd/system/greeter.service": (EXAMPLE / "greeter.service").read_text(),
            **files,
        }
        return self._pack(f"greeter_{version}_all.deb", content)

    def _pack(self, name: str, content: Mapping[str, str | Path]) -> Path:
        tree = self._folder / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        for path, text in content.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, Path):
                (tree / path).symlink_to(text)
                continue
            (tree / path).write_text(text)
            executable = path.startswith("DEBIAN/p") or path.endswith("post-inst")
            (tree / path).chmod(0o755 if executable else 0o644)
        built = self._folder / name
        command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", str(tree), str(built)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return built

    def _gpg(self, *arguments: str) -> str:
        command = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True)
        return done.stdout

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2].replace("%7e", "~").replace("%2b", "+")
                whole = self.path.startswith("/provenance/")
                path = repository._folder / (unquote(self.path[1:]) if whole else name)
                if name in repository.slow:
                    threading.Event().wait(20)
                    return
                instead = repository.spoil.get(name)
                if not path.is_file():
                    self.send_error(404)
                    return
                changed = formatdate(path.stat().st_mtime, usegmt=True)
                if self.headers["If-Modified-Since"] == changed and not instead:
                    self.send_response(304)
                    self.end_headers()
                    return
                body = instead.pop(0) if instead else path.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Last-Modified", changed)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler
