"""The API of GitHub Actions over HTTP: what each address answers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.github import actions_pages, workflow
from lab.github.actions import Actions
from lab.github.run import Run
from lab.github.source import Source
from lab.stand_in.http import Answer

FILE = r"([\w.-]+\.ya?ml)"
FILES = "lab/files/"  # where files lie to whose addresses the API sends on: whoever knows one may read it
NOTHING: Answer = (204, b"", {})


class ActionsApi:
    """The addresses below `actions/` of a repository."""

    def __init__(self, actions: Actions, user: str) -> None:
        self._actions, self._user = actions, user
        self._files: dict[str, Path] = {}
        self._routes: list[tuple[str, str, Callable[..., Answer | None]]] = [
            ("GET", rf"workflows/{FILE}", self._workflow),
            ("POST", rf"workflows/{FILE}/dispatches", self._dispatch),
            ("GET", rf"workflows/{FILE}/runs", self._runs),
            ("GET", r"runs/(\d+)", self._of_run(self._run)),
            ("GET", r"runs/(\d+)/jobs", self._of_run(self._jobs)),
            ("GET", r"runs/(\d+)/artifacts", self._of_run(self._artifacts)),
            ("POST", r"runs/(\d+)/cancel", self._of_run(self._cancel)),
            ("POST", r"runs/(\d+)/rerun", self._of_run(self._rerun)),
            ("GET", r"jobs/(\d+)/logs", self._log),
            ("GET", r"artifacts/(\d+)/zip", self._zip),
        ]

    def answer(self, source: Source, method: str, path: str, given: dict[str, Any]) -> Answer | None:
        """Return the answer to *method* on *path* of the repository; None when nothing is there."""
        for known, pattern, handler in self._routes:
            match = re.fullmatch(pattern, path)
            if match and known == method:
                return handler(source, *match.groups(), given)
        return None

    def file(self, name: str) -> bytes | None:
        """Return the file at an address to which an answer sent on; None when there is none."""
        path = self._files.get(name)
        return path.read_bytes() if path and path.exists() else None

    def _workflow(self, source: Source, file: str, _given: dict[str, Any]) -> Answer | None:
        head = source.repository()["default_branch"]
        found = workflow.read(source.bare, f"refs/heads/{head}", file)
        return (200, actions_pages.workflow_file(source.name, file, found.name), {}) if found else None

    def _dispatch(self, source: Source, file: str, given: dict[str, Any]) -> Answer | None:
        run = self._actions.dispatch(source, file, given, self._user)
        if run is None or not given.get("return_run_details"):
            return NOTHING if run else None
        page = actions_pages.document(source, run)
        return 200, {"workflow_run_id": run.id, "run_url": page["url"], "html_url": page["html_url"]}, {}

    def _runs(self, source: Source, file: str, given: dict[str, Any]) -> Answer:
        found = [
            run
            for run in reversed(self._actions.runs.values())
            if (run.repository, run.workflow) == (source.name, file)
            and given.get("event") in (None, run.event)
            and given.get("head_sha") in (None, run.head_sha)
            and given.get("branch") in (None, run.branch)
        ]
        shown = found[: int(given.get("per_page", 30))]
        pages = [actions_pages.document(source, run) for run in shown]
        return 200, {"total_count": len(found), "workflow_runs": pages}, {}

    def _of_run(self, handler: Callable[[Source, Run], Answer]) -> Callable[..., Answer | None]:
        def handled(source: Source, number: str, _given: dict[str, Any]) -> Answer | None:
            run = self._actions.of(source, int(number))
            return handler(source, run) if run else None

        return handled

    def _run(self, source: Source, run: Run) -> Answer:
        return 200, actions_pages.document(source, run), {}

    def _jobs(self, _source: Source, run: Run) -> Answer:
        return 200, {"total_count": 1, "jobs": [actions_pages.job(run)]}, {}

    def _artifacts(self, _source: Source, run: Run) -> Answer:
        root = self._actions.root
        pages = [
            actions_pages.artifact(run, name, run.upload(root, name).stat().st_size) for name in run.uploads
        ]
        return 200, {"total_count": len(pages), "artifacts": pages}, {}

    def _cancel(self, source: Source, run: Run) -> Answer:
        if self._actions.cancel(source, run):
            return 202, {}, {}
        return 409, {"message": "Cannot cancel a workflow run that is completed."}, {}

    def _rerun(self, source: Source, run: Run) -> Answer:
        if self._actions.rerun(source, run):
            return 201, {}, {}
        return 403, {"message": "This workflow is already running"}, {}

    def _log(self, source: Source, number: str, _given: dict[str, Any]) -> Answer | None:
        found = [run for run in self._mine(source) if actions_pages.job_id(run) == int(number)]
        return self._sent_on(found[0].log(self._actions.root)) if found else None

    def _zip(self, source: Source, number: str, _given: dict[str, Any]) -> Answer | None:
        for run in self._mine(source):
            for name in run.uploads:
                if actions_pages.artifact_id(run, name) == int(number):
                    return self._sent_on(run.upload(self._actions.root, name))
        return None

    def _mine(self, source: Source) -> list[Run]:
        return [run for run in self._actions.runs.values() if run.repository == source.name]

    def _sent_on(self, path: Path) -> Answer:
        name = secrets.token_hex(16)
        self._files[name] = path
        return 302, "", {"Location": f"/{FILES}{name}"}
