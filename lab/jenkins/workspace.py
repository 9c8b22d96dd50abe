"""What a build does: clone the exact commit, prepare, test; everything it says goes to its console."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from lab.jenkins import archive
from lab.jenkins.build import Build
from lab.jenkins.settings import Settings

SCRIPTS = ("script/cisetup", "script/cibuild")
PATH = "/usr/local/bin:/usr/bin:/bin"


# A job may map exit codes of its steps to results, as Jenkins' shell step and pipelines do.
RESULTS = {98: "NOT_BUILT", 99: "UNSTABLE"}


class BuildFailed(Exception):
    """The build cannot go on; its text is the last line of the console."""

    def __init__(self, text: str, result: str = "FAILURE") -> None:
        super().__init__(text)
        self.result = result


class Workspace:
    """Runs one build in a fresh folder; *console* takes its output."""

    def __init__(self, settings: Settings, build: Build) -> None:
        self._settings = settings
        self._build = build
        self._home = Path(settings.folder)
        job = quote(build.job, safe="")
        self._folder = Path(settings.folder) / "workspace" / f"{job}-{build.number}"
        self._cache = Path(settings.folder) / "cache" / job
        self._console = build.log(Path(settings.folder))
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Run the build; BuildFailed when a step does not end well. The folder is gone afterwards."""
        self._folder.mkdir(parents=True)
        self._cache.mkdir(parents=True, exist_ok=True)
        try:
            self._clone()
            for script in SCRIPTS:
                self._run_script(script)
            self._build.artifacts = archive.keep(self._source, self._build.archive(self._home))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def say(self, line: str) -> None:
        """Add *line* to the console."""
        with self._console.open("a") as console:
            console.write(f"{line}\n")

    def stop(self) -> None:
        """End the running step and all that it started."""
        process = self._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)

    def _clone(self) -> None:
        commit = self._build.parameters.get("COMMIT", "")
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            raise BuildFailed("COMMIT is not the full hash of a commit")
        source = self._folder / "source"
        url = self._build.parameters.get("REPOSITORY", "")
        self._step(["git", "clone", "--quiet", "--no-checkout", "--", url, str(source)], self._folder)
        self._step(["git", "checkout", "--quiet", "--detach", commit, "--"], source)
        self._build.revision = commit
        self._build.changes = self._changed_files(source, commit)

    def _changed_files(self, source: Path, commit: str) -> list[str]:
        argv = ["git", "diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", commit]
        listing = subprocess.run(argv, cwd=source, capture_output=True, check=True).stdout
        return [name for name in listing.decode(errors="replace").split("\0") if name]

    @property
    def _source(self) -> Path:
        return self._folder / "source" / self._build.parameters.get("DIRECTORY", "")

    def _run_script(self, name: str) -> None:
        path = self._source / name
        if not path.is_file() or not os.access(path, os.X_OK):
            state = "is not executable" if path.is_file() else "is missing"
            raise BuildFailed(f"{name} {state}: a project needs {' and '.join(SCRIPTS)}, executable")
        self._step([f"./{name}"], self._source)

    def _step(self, argv: list[str], cwd: Path) -> None:
        self.say(f"+ {' '.join(argv)}")
        if self._build.stopped:
            raise BuildFailed("stopped")
        with self._console.open("ab") as console:
            self._process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait(argv[0])

    def _wait(self, name: str) -> None:
        assert self._process is not None
        try:
            code = self._process.wait(self._settings.build_seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise BuildFailed(f"{name} did not end within {self._settings.build_seconds} s") from None
        if code != 0:
            raise BuildFailed(f"{name} ended with {code}", RESULTS.get(code, "FAILURE"))

    def _environment(self) -> dict[str, str]:
        build, root = self._build, self._settings.url
        given = build.parameters
        return {
            **given,
            "PATH": PATH,
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "CICD_CACHE": str(self._cache),
            "GIT_ALLOW_PROTOCOL": self._settings.protocols,
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o StrictHostKeyChecking=yes",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_COMMIT": given.get("COMMIT", ""),
            "GIT_BRANCH": f"origin/{given.get('BRANCH', '')}",
            "GIT_URL": given.get("REPOSITORY", ""),
            "JENKINS_URL": root,
            "JOB_NAME": build.job,
            "BUILD_NUMBER": str(build.number),
            "BUILD_URL": f"{root}{build.path}",
            "WORKSPACE": str(self._folder / "source"),
        }
