"""GitHub Actions: runs wait for a runner, run, and every step of theirs is told by a webhook."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path
from typing import Any

from lab.git.webhook import Webhook
from lab.github import actions_pages, workflow
from lab.github.record import Invalid
from lab.github.run import COMPLETED, FIRST, IN_PROGRESS, QUEUED, Run, load
from lab.github.runner import Runner
from lab.github.source import Source


class Actions:
    """All runs of all repositories; *root* is where they are kept, *act* the program that runs them."""

    def __init__(self, root: Path, act: str, runners: int) -> None:
        self.root = root
        self.runs = load(root)
        self._act = act
        self._waiting: queue.Queue[tuple[Source, Run]] = queue.Queue()
        self._running: dict[int, Runner] = {}
        self._lock = threading.Lock()
        for number in range(runners):
            threading.Thread(target=self._work, name=f"runner-{number}", daemon=True).start()

    def dispatch(self, source: Source, file: str, body: dict[str, Any], actor: str) -> Run | None:
        """Return the new run of the workflow *file* at the head of the branch in *body*; None without one."""
        ref = str(body.get("ref", "")).removeprefix("refs/heads/")
        if not source.has(f"refs/heads/{ref}"):
            raise Invalid(f"No ref found for: {ref}")
        head = str(source.branch(ref)["commit"]["sha"])
        found = workflow.read(source.bare, head, file)
        if found is None:
            return None
        given = {name: str(value) for name, value in (body.get("inputs") or {}).items()}
        _refuse_inputs(found, given)
        with self._lock:
            number = 1 + sum(run.repository == source.name for run in self.runs.values())
            title = found.title(given)
            asked = (source.name, file, found.name, title, ref, head, actor, given)
            run = Run(max(self.runs, default=FIRST) + 1, number, *asked)
            run.save(self.root)
            self.runs[run.id] = run
        self._queue(source, run)
        return run

    def rerun(self, source: Source, run: Run) -> bool:
        """Run *run* once more, under the same id; False while it runs."""
        with self._lock:
            if run.status != COMPLETED:
                return False
            run.attempt, run.started, run.cancelled = run.attempt + 1, time.time(), False
            run.move(self.root, QUEUED)
        self._queue(source, run)
        return True

    def cancel(self, source: Source, run: Run) -> bool:
        """Cancel *run*; False when it has ended."""
        with self._lock:
            if run.status == COMPLETED:
                return False
            run.cancelled = True
            runner = self._running.get(run.id)
        if runner:
            runner.stop()
        elif run.status == QUEUED:
            self._end(source, run, "cancelled")
        return True

    def of(self, source: Source, number: int) -> Run | None:
        """Return run *number* of the repository; None when it has none."""
        run = self.runs.get(number)
        return run if run and run.repository == source.name else None

    def _queue(self, source: Source, run: Run) -> None:
        self._tell(source, run, "requested")
        self._waiting.put((source, run))

    def _work(self) -> None:
        while True:
            source, run = self._waiting.get()
            if run.status == QUEUED:
                self._run(source, run)

    def _run(self, source: Source, run: Run) -> None:
        run.move(self.root, IN_PROGRESS)
        self._tell(source, run, "in_progress")
        runner = Runner(self._act, source.bare, self.root, run)
        self._running[run.id] = runner
        try:
            conclusion = runner.run()
        except Exception as error:  # a runner outlives any run
            run.log(self.root).write_text(f"##[error]{type(error).__name__}: {error}\n")
            conclusion = "failure"
        del self._running[run.id]
        self._end(source, run, conclusion)

    def _end(self, source: Source, run: Run, conclusion: str) -> None:
        run.move(self.root, COMPLETED, conclusion)
        self._tell(source, run, "completed")

    def _tell(self, source: Source, run: Run, action: str) -> None:
        hook = Webhook(source.bare)
        if hook.is_armed:
            hook.send("workflow_run", actions_pages.event(source, run, action))


def _refuse_inputs(found: workflow.Workflow, given: dict[str, str]) -> None:
    if found.inputs is None:
        raise Invalid("Workflow does not have 'workflow_dispatch' trigger")
    strange = sorted(set(given) - set(found.inputs))
    if strange:
        raise Invalid(f"Unexpected inputs provided: {strange}")
