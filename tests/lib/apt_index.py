"""The index of an APT repository, served over HTTP."""

import gzip
import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments: object) -> None:
        pass


def entry(package: str, version: str, trace: str = "", sha256: str = "a" * 64) -> str:
    traced = f"X-CICD-Trace: {trace}\nX-Git-Commit: {trace.rpartition('@')[2]}\n" if trace else ""
    file = f"{package}_{version}.deb"
    return f"Package: {package}\nVersion: {version}\nSHA256: {sha256}\nFilename: {file}\n{traced}"


@contextmanager
def served(folder: Path, entries: Iterable[str]) -> Iterator[str]:
    """Write the index of *entries* to *folder*, and serve it while the block runs; its URL."""
    index = folder / "dists/bookworm/main/binary-amd64/Packages.gz"
    index.parent.mkdir(parents=True)
    index.write_bytes(gzip.compress("\n".join(entries).encode()))
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    line = f"SHA256:\n {digest} {index.stat().st_size} main/binary-amd64/Packages.gz\n"
    (folder / "dists/bookworm/InRelease").write_text(line)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def section(url: str) -> dict[str, str]:
    """Return the configuration of the repository at *url*."""
    return {"url": url, "config_file": "/etc/freight.conf", "gpg_key": "x"}
