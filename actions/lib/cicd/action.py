"""The one place where the pack meets StackStorm: the base class of its Python actions."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Callable, Mapping

from st2common.runners.base_action import Action

from cicd import access, config, proxies, saying
from cicd.clients.stackstorm import StackStorm, is_asked_in_chat
from cicd.config import Settings
from cicd.errors import CicdError

if TYPE_CHECKING:
    from cicd.release.record import Release


class CicdAction(Action):  # type: ignore[misc]  # StackStorm ships no types
    """
    An action: configuration in, neutral data out, expected failures as `error` and `hint`.

    A subclass defines `act(settings, **parameters)`. Its result passes through the
    neutraliser, because StackStorm and Orquesta evaluate strings again as templates.
    """

    act: Callable[..., Mapping[str, object]]

    def run(self, **parameters: Any) -> tuple[bool, Any]:
        """Return `(succeeded, result)` as StackStorm's Python runner takes it, and print what it says."""
        proxies.spare_loopback()
        try:
            succeeded, result = True, self._checked(parameters)
        except CicdError as error:
            succeeded, result = False, error.as_result()
        shown = saying.shown(result)
        if saying.has_commands(shown) and is_asked_in_chat():
            shown = saying.in_chat(shown)
        sys.stdout.write(saying.sentences(shown))
        return succeeded, shown

    def _checked(self, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        settings = config.parse(self.config)
        proxies.spare_site(settings)
        access.refuse(settings.access, access.step_of(type(self).__name__), parameters.get("user") or "")
        return self._done(settings, parameters)

    def _done(self, settings: Settings, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        try:
            return self.act(settings, **parameters)
        except CicdError as error:
            raise self.explain(settings, error, **parameters) from error

    def explain(self, settings: Settings, error: CicdError, **parameters: Any) -> CicdError:
        """Return *error* as it is told; a subclass keeps it beside what this is a step of."""
        return error

    @property
    def step(self) -> str:
        """What people call this step."""
        return access.step_of(type(self).__name__).replace("_", " ")

    def is_cancelled(self) -> bool:
        """
        Say whether somebody cancelled the workflow that this action is a step of.

        StackStorm lets the process of a step run on to its end, so a long one has to ask. No answer is no.
        """
        stackstorm = StackStorm()
        try:
            parent = stackstorm.execution(os.environ["ST2_ACTION_EXECUTION_ID"], "parent").get("parent")
            status = stackstorm.execution(parent, "status")["status"] if parent else ""
        except (CicdError, KeyError, TypeError, ValueError):
            return False
        return status in ("canceling", "canceled")


class HoldAction(CicdAction):
    """One `change` by a project's Controls; `said` tells it, with the parameters in braces."""

    change: Callable[..., Release]
    said: str

    def act(self, settings: Settings, project: str, user: str, **given: str) -> Mapping[str, object]:
        from cicd.deploy.controls import Controls  # imported late, as most actions need none of it

        held = self.change(Controls(settings, project, user), **given)
        return {"holds": asdict(held.holds), "message": self.said.format(project=project, user=user, **given)}


class TimedStep(CicdAction):
    """A step of the run of `commit`, or of what is followed: the run remembers how long it took."""

    _commit = ""
    _is_later_ring = False

    def follow(self, release: Release, ring: str) -> None:
        """Count as a step of the run of what *ring* is wanted to run, unless that is a step back."""
        wanted = release.ring(ring).wanted
        self._commit = wanted.commit if wanted and not release.ring(ring).backward else ""
        self._is_later_ring = ring != release.lifecycle.first

    def _done(self, settings: Settings, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        began = time.time()
        try:
            return super()._done(settings, parameters)
        finally:
            commit = self._commit or str(parameters.get("commit") or "")
            if commit:
                from cicd.ci import run_step  # StackStorm's first import of an action is to be quick
                from cicd.store.store import Store

                step = run_step.RecordedStep(Store(settings), parameters["project"], commit, self.step)
                step.took(began, self._is_later_ring)


class DeployStep(TimedStep):
    """A step of a deploy: why it failed stays with the deploy's record, for whoever takes it back."""

    def explain(self, settings: Settings, error: CicdError, **parameters: Any) -> CicdError:
        from cicd.deploy.deploy import Deploy
        from cicd.release import going_back

        project, ring = parameters["project"], parameters["ring"]
        try:
            deploy = Deploy(settings, project)
            generation = int(parameters.get("generation") or 0)
            current = deploy.note(ring, generation, self.step, error)
        except CicdError:  # the failure itself is what counts
            return error
        goes_back = current.backward and generation in (0, current.generation)
        return going_back.loud(error, project, ring) if goes_back else error


class RunStep(CicdAction):
    """A step between CI and the canary: the commit's run remembers that it began, and why it stopped."""

    def _done(self, settings: Settings, parameters: Mapping[str, Any]) -> Mapping[str, object]:
        from cicd.ci import run_step

        return run_step.of(settings, parameters, self.step).record(
            lambda: super(RunStep, self)._done(settings, parameters)
        )
