"""The build queue: items wait for an executor, builds run, endpoints are told."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from lab.jenkins import callback, job_config
from lab.jenkins.build import Build, load
from lab.jenkins.job_config import JobConfig
from lab.jenkins.settings import Settings
from lab.jenkins.workspace import BuildFailed, Workspace

CONFIG = "config.xml"


@dataclass
class Item:
    """One wish for a build; *build* is None while it waits."""

    number: int
    job: str
    parameters: dict[str, str]
    since: int
    build: Build | None = None
    cancelled: bool = False


class Queue:
    """All builds of all jobs, and the executors that run them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = Path(settings.folder)
        self._lock = threading.Lock()
        self._waiting: queue.Queue[Item] = queue.Queue()
        self._running: dict[tuple[str, int], Workspace] = {}
        jobs = dict.fromkeys([*settings.jobs, *self._kept_jobs()])
        self.builds = {job: load(self._folder, job) for job in jobs}
        last = max((b.queue_id for builds in self.builds.values() for b in builds), default=0)
        self.items: dict[int, Item] = {}
        self._next_item = last + 1

    def start(self) -> None:
        """Start the executors."""
        for number in range(self._settings.executors):
            threading.Thread(target=self._execute, name=f"executor-{number}", daemon=True).start()

    def create(self, job: str, xml: str = "") -> bool:
        """Add *job*, for good; False when there is one of that name, ValueError when *xml* is no job."""
        with self._lock:
            if job in self.builds:
                return False
            self.configure(job, xml)
            self.builds[job] = []
        return True

    def configure(self, job: str, xml: str) -> None:
        """Let *job* be as *xml* says, or the lab's own job without any; ValueError when *xml* is no job."""
        if xml:
            job_config.read(xml)
        folder = self._folder_of(job)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(xml)

    def delete(self, job: str) -> None:
        """Forget *job* with all its builds, and what lies in it when it is a folder."""
        with self._lock:
            for name in [one for one in self.builds if one == job or one.startswith(f"{job}/")]:
                del self.builds[name]
                shutil.rmtree(self._folder_of(name), ignore_errors=True)

    def xml(self, job: str) -> str:
        """Return the config.xml of *job*; empty for the lab's own job."""
        path = self._folder_of(job) / CONFIG
        return path.read_text() if path.exists() else ""

    def config(self, job: str) -> JobConfig:
        """Return what the config.xml of *job* says."""
        xml = self.xml(job)
        return job_config.read(xml) if xml else JobConfig()

    def _folder_of(self, job: str) -> Path:
        return self._folder / "builds" / quote(job, safe="")

    def _kept_jobs(self) -> list[str]:
        return sorted(unquote(path.name) for path in (self._folder / "builds").glob("*"))

    def add(self, job: str, given: Mapping[str, str] | None) -> Item:
        """
        Queue a build of *job*; as in Jenkins, parameters that it does not define are dropped.

        With none at all it is what a branch's scan or a timer starts.
        """
        with self._lock:
            defined = self.config(job).parameters
            parameters = {} if given is None else {name: given.get(name, "") for name in defined}
            item = Item(self._next_item, job, parameters, _now())
            self._next_item += 1
            self.items[item.number] = item
        self._waiting.put(item)
        return item

    def build(self, job: str, number: int) -> Build | None:
        """Return build *number* of *job*, or None."""
        return next((b for b in self.builds.get(job, []) if b.number == number), None)

    def log(self, build: Build) -> str:
        """Return the console of *build*."""
        path = build.log(self._folder)
        return path.read_text(errors="replace") if path.exists() else ""

    def artifact(self, build: Build, path: str) -> bytes | None:
        """Return what *build* archived as *path*; None when it did not."""
        return (build.archive(self._folder) / path).read_bytes() if path in build.artifacts else None

    def waiting(self) -> list[Item]:
        """Return the items that wait for an executor."""
        return [item for item in self.items.values() if item.build is None and not item.cancelled]

    def cancel(self, number: int) -> bool:
        """Take an item out of the queue; False when it does not wait there."""
        with self._lock:
            item = self.items.get(number)
            if item is None or item.build is not None or item.cancelled:
                return False
            item.cancelled = True
        return True

    def stop(self, build: Build) -> None:
        """Abort *build* when it runs."""
        build.stopped = True
        workspace = self._running.get((build.job, build.number))
        if workspace is not None:
            workspace.stop()

    def describe(self, build: Build, text: str) -> None:
        """Let *build* be described as *text*."""
        with self._lock:
            build.description = text
            build.save(self._folder)

    def _execute(self) -> None:
        while True:
            build = self._start(self._waiting.get())
            if build is not None:
                self._run(build)

    def _start(self, item: Item) -> Build | None:
        with self._lock:
            if item.cancelled:
                return None
            builds = self.builds[item.job]
            number = builds[-1].number + 1 if builds else 1
            build = Build(item.job, number, item.number, item.parameters, _now())
            build.save(self._folder)
            builds.append(build)
            item.build = build
        return build

    def _run(self, build: Build) -> None:
        workspace = Workspace(self._settings, build)
        self._running[build.job, build.number] = workspace
        workspace.say(f"Started by user {self._settings.user}")
        self._tell(workspace, build, "QUEUED", build.timestamp)
        self._tell(workspace, build, "STARTED", build.timestamp)
        result = self._outcome(workspace, build)
        build.duration = _now() - build.timestamp
        build.result = result
        workspace.say(f"Finished: {result}")
        with self._lock:
            build.save(self._folder)
        del self._running[build.job, build.number]
        self._tell(workspace, build, "COMPLETED", build.timestamp + build.duration)
        self._tell(workspace, build, "FINALIZED", _now())

    def _outcome(self, workspace: Workspace, build: Build) -> str:
        try:
            workspace.run()
        except BuildFailed as error:
            workspace.say(f"ERROR: {error}")
            return "ABORTED" if build.stopped else error.result
        except Exception as error:  # an executor outlives any build
            workspace.say(f"FATAL: {type(error).__name__}: {error}")
            return "FAILURE"
        return "SUCCESS"

    def _tell(self, workspace: Workspace, build: Build, phase: str, timestamp: int) -> None:
        body = callback.payload(build, phase, timestamp, self._settings.url)
        try:
            callback.send(self._settings.callback, body)
        except OSError as error:
            workspace.say(f"Failed to notify {self._settings.callback_url} of {phase}: {error}")


def _now() -> int:
    return int(time.time() * 1000)
