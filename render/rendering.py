"""The files of this host that are made from what Consul knows: all of them, brought and reported."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from follow.consul import Consul
from follow.errors import FollowError
from follow.follower import Outcome
from render import jobs
from render.catalogue import Catalogue
from render.config import Config
from render.job import Job
from render.rendered import Rendered, digest
from render.template import Templates
from render.watches import Watches

REPORTS = "cicd/.render/"
WAITING_SECONDS = 0.2  # between two looks while a text waits for quiet


class Rendering:
    """What is known of each file, by the name of its job."""

    well = "All files are as Consul wants them."

    def __init__(self, config: Config) -> None:
        self._config, self._consul = config, Consul(config)
        self._watches, self._templates = Watches(self._consul), Templates()
        self._files: dict[str, Rendered] = {}
        self._applied: dict[str, Mapping[str, object]] = {}
        self._asked: set[str] = set()

    def wait(self, seconds: float) -> None:
        """Wait for a change in Consul; the first time for nothing."""
        if self._asked:
            self._watches.wait(min(seconds, WAITING_SECONDS) if self._is_waiting else seconds)

    def apply(self) -> Outcome:
        """Bring each file to what its template makes now; one that is wrong keeps no other from it."""
        wanted, troubles = jobs.read(self._config.jobs_dir)
        self._asked.clear()
        failed = []
        for name, job in wanted.items():
            try:
                troubles += [f"{name}: {one}" for one in self._bring(name, job)]
            except FollowError as error:
                failed.append(f"{name}: {str(error).rstrip('.')}.")
        if not failed:
            self._watches.keep(self._asked)
        self._applied = {name: one for name, one in self._applied.items() if name in wanted}
        return Outcome(self._applied, [*troubles, *failed])

    def texts(self) -> tuple[Mapping[str, str], list[str]]:
        """Return what each template makes now, by destination, and what is wrong with the others."""
        wanted, troubles = jobs.read(self._config.jobs_dir)
        found: dict[str, str] = {}
        for name, job in wanted.items():
            try:
                found[str(job.destination)] = self._text(job, Catalogue(self._read))
            except FollowError as error:
                troubles.append(f"{name}: {str(error).rstrip('.')}.")
        return found, troubles

    def report(self, document: Mapping[str, object]) -> None:
        """Write this host's report."""
        self._consul.write(REPORTS + self._config.node, document)

    def forget(self) -> None:
        """Look again at once."""
        self._watches.forget()

    @property
    def _is_waiting(self) -> bool:
        return any(file.is_waiting for file in self._files.values())

    def _bring(self, name: str, job: Job) -> list[str]:
        """Return what was passed over."""
        catalogue = Catalogue(self._read)
        text = self._text(job, catalogue)
        file = self._files.setdefault(name, Rendered(Path(self._config.state_dir, f"{name}.applied")))
        file.bring(job, text, time.monotonic())
        if not file.is_waiting:
            self._applied = {**self._applied, name: _applied(job, text, catalogue)}
        return catalogue.passed_over

    def _text(self, job: Job, catalogue: Catalogue) -> str:
        return self._templates.render(job.template, catalogue, {"vars": job.vars, "node": self._config.node})

    def _read(self, path: str) -> object:
        self._asked.add(path)
        return self._watches.read(path)


def _applied(job: Job, text: str, catalogue: Catalogue) -> Mapping[str, object]:
    projects = catalogue.projects_read
    return {"destination": str(job.destination), "digest": digest(text), "projects": projects}
