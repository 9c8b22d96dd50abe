"""The rings that a version passes on its way, in their order, and what each asks of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Mapping, Tuple, TypedDict

from cicd.errors import Refused
from cicd.release.analysis_policy import AnalysisPolicy
from cicd.release.approvals import Policy
from cicd.release.freeze_windows import Window

MANUAL, AUTO = "manual", "auto"
CANARY, PRODUCTION = "canary", "production"
BY_ITSELF = "by itself"  # how the history begins to say why, where nobody asked for a promotion


class Overrides(TypedDict, total=False):
    """What of the configuration's section `deploy` is different, see DeploySettings."""

    batches: Tuple[str, ...]
    failure_budget: str
    min_healthy: str
    max_canaries: str
    auto_rollback: bool
    time_limit: int
    lost_after: int
    alarm_window: int
    min_bake_seconds: int


@dataclass(frozen=True)
class Stage:
    """
    One ring of a lifecycle.

    `tag` is the Consul tag of its hosts: of several rings that fit a host the first one has it, and a ring
    without a tag has every host that is left. `after` are the rings on which a version is proven before it
    comes here. `datacenter` is the Consul datacentre that they are in, empty where that is the one with the
    record. `promote` is `manual`, or `auto`: by itself once everything holds. `promoters` may ask for
    it, anybody when empty. `deploy` overrides keys of that section, `approval` and `analysis` the project's.
    `version_key` is where Consul has the wanted version as plain text. `traffic` are the percentages of the
    requests that come to it by themselves, one after the other.
    """

    name: str
    tag: str = ""
    after: Tuple[str, ...] = ()
    promote: str = MANUAL
    promoters: Tuple[str, ...] = ()
    approval: Policy | None = None
    freeze_windows: Tuple[Window, ...] = ()
    deploy: Overrides = field(default_factory=lambda: Overrides())
    version_key: str = ""
    datacenter: str = ""
    analysis: AnalysisPolicy | None = None
    traffic: Tuple[float, ...] = ()

    def bake_seconds(self, usual: int) -> int:
        """Return for how long a version must be good here before it goes on: *usual*, or the ring's own."""
        return self.deploy.get("min_bake_seconds", usual)


@dataclass(frozen=True)
class Lifecycle:
    """All rings of a project; the first one has no ring before it, and gets what CI passed."""

    stages: Tuple[Stage, ...]

    @property
    def names(self) -> Tuple[str, ...]:
        """The names of the rings, in their order."""
        return tuple(stage.name for stage in self.stages)

    @property
    def first(self) -> str:
        """The ring that every version comes to first."""
        return self.stages[0].name

    @property
    def canary(self) -> str:
        """The ring that may get a share of the requests: the one called canary, or else the first."""
        return CANARY if CANARY in self.names else self.first

    @property
    def last(self) -> str:
        """The ring that a version comes to last."""
        return self.stages[-1].name

    @property
    def productions(self) -> Tuple[str, ...]:
        """The rings that `deploy_production` walks: those called production, or else the last one."""
        named = tuple(name for name in self.names if name.split("-")[0] == PRODUCTION)
        return named or (self.last,)

    def stage(self, name: str) -> Stage:
        """Return the ring called *name*; refused when there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise Refused(f"There is no ring {name:.40}.", f"There are {', '.join(self.names)}.")

    @property
    def datacenters(self) -> Tuple[str, ...]:
        """The datacentres that rings are in, beside the one with the record."""
        return tuple(dict.fromkeys(stage.datacenter for stage in self.stages if stage.datacenter))

    def rings_in(self, datacenter: str) -> Tuple[str, ...]:
        """Return the rings in *datacenter*; an empty one is that with the record."""
        return tuple(stage.name for stage in self.stages if stage.datacenter == datacenter)

    def followers(self, name: str) -> Tuple[str, ...]:
        """Return the rings that get what is proven on the ring *name*."""
        return tuple(stage.name for stage in self.stages if name in stage.after)


PAIR = Lifecycle(
    (
        Stage(CANARY, version_key="{project}::canary_version"),
        Stage(PRODUCTION, after=(CANARY,), version_key="{project}::version"),
    )
)


def problem(stages: Iterable[Stage]) -> Tuple[int, str] | None:
    """Return the number of the first stage that contradicts those before it, and why; None when none does."""
    known: dict[str, Tuple[str, str]] = {}
    for number, stage in enumerate(stages):
        why = _contradiction(stage, known)
        if why:
            return number, why
        known[stage.name] = _place(stage)
    return None if known else (0, "there is no ring")


def traffic_problem(known: Lifecycle) -> Tuple[int, str] | None:
    """Return the number of the first stage whose `traffic` cannot be, and why; None when all can."""
    for number, stage in enumerate(known.stages):
        why = _traffic_contradiction(stage, known) if stage.traffic else ""
        if why:
            return number, f"`traffic` {why}"
    return None


def _traffic_contradiction(stage: Stage, known: Lifecycle) -> str:
    if stage.name != known.canary:
        return f"is of {stage.name}, and only {known.canary} can get a share of the requests"
    if stage.datacenter:
        return "is of a ring in another datacentre, whose load balancers are not followed"
    if not known.followers(stage.name):
        return "is of a ring after which none comes"
    if any(later <= share for share, later in zip(stage.traffic, stage.traffic[1:])):
        return "does not grow from step to step"
    odd = [share for share in stage.traffic if abs(share * 10 - round(share * 10)) > 1e-9]
    return f"has {odd[0]:g}, which is not a multiple of 0.1" if odd else ""


def _contradiction(stage: Stage, before: Mapping[str, Tuple[str, str]]) -> str:
    if stage.name in before:
        return f"`name` is {stage.name}, which another ring has"
    strange = [name for name in stage.after if name not in before]
    if strange:
        return f"`after` names {strange[0]}, which is not a ring before it"
    if before and not stage.after:
        return "`after` names no ring: only the first one has none before it"
    same = [name for name, place in before.items() if place == _place(stage)]
    return f"`tag` is that of {same[0]}, so a host would be in both" if same else ""


def _place(stage: Stage) -> Tuple[str, str]:
    """Return where its hosts are found; the canary's usual tag is not that of the others."""
    return stage.datacenter, stage.tag or (CANARY if stage.name == CANARY else "")
