"""A project is added: shown, made place by place, checked, and undone when that goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import List, Mapping, Sequence, Tuple

from cicd.clients.stackstorm import StackStorm
from cicd.errors import CicdError, ConfigError, Refused
from cicd.finding import WRONG, Finding
from cicd.onboarding import host_files, plan, records, wanted
from cicd.onboarding.item import THERE, Item
from cicd.onboarding.journal import Journal, alone
from cicd.onboarding.membership import as_administrator, refuse_taken_port
from cicd.onboarding.places import look
from cicd.onboarding.plan import Plan
from cicd.onboarding.wanted import Wanted
from cicd.sanitize import one_line
from cicd.setup.checkup import Checkup
from cicd.store.snapshot import release_key
from cicd.store.store import Store

Untaken = List[Tuple[Item, str]]  # what could not be removed, and why


@dataclass(frozen=True)
class Addition:
    """A project that *who* adds by *execution*; *given* is the configuration that sensors must read, too."""

    wanted: Wanted
    given: Mapping[str, object]
    who: str
    execution: str
    made: List[Item] = field(default_factory=list)
    to_do: List[Finding] = field(default_factory=list)  # what a checkup misses that others have to bring

    @property
    def name(self) -> str:
        """The project."""
        return self.wanted.project.name

    def plan(self) -> Plan:
        """Return what would be made; Refused when something of this name is there and differs."""
        refuse_taken_port(self.wanted)
        return plan.to_add(self.name, look(self.wanted))

    def make(self) -> Plan:
        """
        Make what is missing, and return what that was.

        When something fails, what this made is undone and nothing else; the error says so. What a killed run
        made is completed.
        """
        with alone(self.wanted.settings, self.name, self.who, self.execution):
            # Another project may have been added while this one waited.
            newest = wanted.parse(self.given, self.name, self.wanted.request)
            return replace(self, wanted=newest)._make_alone()

    def _make_alone(self) -> Plan:
        found, journal = self.plan(), Journal(Store(self.wanted.settings), self.name)
        if not found.change:
            return found
        journal.begin(self.wanted.request, self.who)
        try:
            self._make(found, journal)
        except Exception as error:
            raise self._undone(error, journal) from error
        journal.end()
        return found

    def _remove_reported(self) -> None:
        """Remove what hosts and sensors wrote meanwhile of a project that nothing was deployed of yet."""
        if not Store(as_administrator(self.wanted.settings)).item(release_key(self.name)):
            for item in records.items(self.wanted, keep_history=False):
                item.remove()

    def _make(self, found: Plan, journal: Journal) -> None:
        for item in found.change:
            journal.note(item.what)
            self.made.append(item)
            item.make()
        self._check(found)

    def _check(self, found: Plan) -> None:
        reached = bool(self.wanted.settings.administration.ssh_key_file)
        if reached:
            host_files.wait_registered(self.wanted)
        checkup = Checkup(self.wanted.settings, [self.wanted.project], self.given, StackStorm())
        ours = [one for one in checkup.findings() if one.state == WRONG and self._is_ours(one)]
        wrong = [one for one in ours if not self._is_others(one, found, reached)]
        if wrong:
            said = "; ".join(f"{one.what}: {one.said}" for one in wrong)
            raise ConfigError(f"what was made does not work: {one_line(said, 800)}", wrong[0].fix)
        self.to_do.extend(one for one in ours if one not in wrong)

    def _is_ours(self, finding: Finding) -> bool:
        words = (self.name, self.wanted.project.job, self.wanted.project.repository)
        return any(re.search(rf"(?<![\w.+-]){re.escape(word)}(?![\w.+-])", finding.what) for word in words)

    def _is_others(self, finding: Finding, found: Plan, reached: bool) -> bool:
        """Whether *finding* is about what others make: code is pushed, files are brought to hosts."""
        code = f"GitHub {self.wanted.project.repository}"
        left = [f"{code} webhook"] if any("webhook" in one.what for one in found.left) else []
        of_hosts = finding.what.startswith((f"{self.name}'s", f"{self.name} on"))
        return finding.what in (code, *left) or (of_hosts and not reached)

    def _undone(self, error: Exception, journal: Journal) -> CicdError:
        """Undo what was made, the last first, and return *error* with what became of it."""
        reported = Item(f"what hosts reported of {self.name}", THERE, remove=self._remove_reported)
        known = Item(f"the note in Consul that {self.name} is added", THERE, remove=journal.take_back)
        stuck = taken_away([*self.made[::-1], reported]) or taken_away([known])
        why = error.message if isinstance(error, CicdError) else f"{type(error).__name__}: {error}"
        hint = (
            error.hint if isinstance(error, CicdError) else "This is a defect of the pack; please report it."
        )
        undone = [item.what for item in self.made if item not in [one for one, _ in stuck]]
        return Refused(
            f"{self.name} was not added: {why.rstrip('.')}. {said(undone, stuck)}",
            f"{hint} {_cleaning(self.name, journal, bool(stuck))}".strip(),
            undone=undone,
            stuck=[item.what for item, _ in stuck],
        )


def _cleaning(name: str, journal: Journal, is_stuck: bool) -> str:
    """Return how to take away what is left of *name*; nothing where that would be a project that works."""
    if journal.before.get("whole"):
        return "What existed before is unchanged; call the action again when that works." if is_stuck else ""
    if is_stuck or journal.before:
        return f"To clean up: st2 run cicd.remove_project project={name} apply=true"
    return ""


def taken_away(items: Sequence[Item]) -> Untaken:
    """Remove *items*, each whatever became of the others; return those that could not be removed, and why."""
    stuck: Untaken = []
    for item in items:
        try:
            item.remove()
        except Exception as error:  # whatever it is, the others are to go
            stuck.append((item, getattr(error, "message", "") or f"{type(error).__name__}: {error}"))
    return stuck


def said(undone: Sequence[str], stuck: Untaken) -> str:
    """Return what became of what was made, as sentences."""
    sentences = [f"Undone: {', '.join(undone)}." if undone else "Nothing had been made."]
    if stuck:
        sentences.append(f"Could not be undone: {', '.join(f'{item.what} ({why})' for item, why in stuck)}.")
    return " ".join(sentences)
