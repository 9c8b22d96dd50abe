"""Runs a workflow as a runner of GitHub's would, by `act`, on this very host and without containers."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from lab.github import workflow
from lab.github.run import Run

SECONDS = 600
IMAGES = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04")
UPLOADER = Path(__file__).parent / "upload_artifact"
PATH = "/usr/local/bin:/usr/bin:/bin"


class Runner:
    """Runs *run* of the repository *bare* with the program *act*; what it makes goes below *root*."""

    def __init__(self, act: str, bare: Path, root: Path, run: Run) -> None:
        self._act, self._bare, self._root, self._run = act, bare, root, run
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> str:
        """Return GitHub's conclusion of the run."""
        with tempfile.TemporaryDirectory(prefix="actions-") as made:
            folder = Path(made)
            self._check_out(folder / "work")
            conclusion = self._execute(folder)
            self._keep(folder / "uploads")
        return "cancelled" if self._run.cancelled else conclusion

    def stop(self) -> None:
        """End the run and all that it started."""
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

    def _check_out(self, work: Path) -> None:
        quiet = ["git", "-c", "advice.detachedHead=false"]
        subprocess.run([*quiet, "clone", "-q", "--no-checkout", str(self._bare), str(work)], check=True)
        argv = [*quiet, "checkout", "-q", "-B", self._run.branch, self._run.head_sha]
        subprocess.run(argv, cwd=work, check=True, capture_output=True)

    def _execute(self, folder: Path) -> str:
        (folder / "uploads").mkdir()
        (folder / "home").mkdir()
        (folder / "event.json").write_text(json.dumps({"inputs": self._run.inputs}))
        with (folder / "out").open("wb") as out:
            self._process = subprocess.Popen(
                self._command(folder),
                cwd=folder / "work",
                env={"HOME": str(folder / "home"), "PATH": PATH, "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self._run.cancelled:
            self.stop()
        try:
            code = self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.stop()
            code = -1
        self._write_log(folder / "out")
        return {0: "success", -1: "timed_out"}.get(code, "failure")

    def _command(self, folder: Path) -> list[str]:
        file = f"{workflow.FOLDER}/{self._run.workflow}"
        known = workflow.read(self._bare, self._run.head_sha, self._run.workflow)
        images = [f"--platform={image}=-self-hosted" for image in IMAGES]
        uploads = [f"--local-repository={name}={UPLOADER}" for name in (known.uploads if known else ())]
        where = ["--workflows", file, "--eventpath", str(folder / "event.json")]
        given = ["--actor", self._run.actor, "--env", f"LAB_UPLOADS={folder / 'uploads'}"]
        return [self._act, self._run.event, "--json", *where, *given, *images, *uploads]

    def _write_log(self, out: Path) -> None:
        """Write what the steps said in the form of GitHub's logs: every line with its time."""
        with self._run.log(self._root).open("w") as log:
            for line in out.read_text(errors="replace").splitlines():
                stamp = datetime.fromtimestamp(time.time(), tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
                log.writelines(f"{stamp} {said}\n" for said in _said(line))

    def _keep(self, uploads: Path) -> None:
        self._run.uploads = {}
        for folder in sorted(uploads.iterdir()):
            target = self._run.upload(self._root, folder.name)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
                for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                    packed.write(path, path.relative_to(folder))
            self._run.uploads[folder.name] = hashlib.sha256(target.read_bytes()).hexdigest()


def _said(line: str) -> Iterator[str]:
    """Yield what GitHub's log has for one *line* of act's."""
    try:
        told = json.loads(line)
    except ValueError:
        return
    if told.get("raw_output"):
        yield from str(told["msg"]).rstrip("\n").split("\n")
    elif told.get("level") == "error":
        yield f"##[error]Process completed with {told['msg'].replace('exit status', 'exit code')}."
    elif str(told.get("msg", "")).startswith("⭐ Run Main "):
        yield f"##[group]Run {told['step']}"
        yield "##[endgroup]"
