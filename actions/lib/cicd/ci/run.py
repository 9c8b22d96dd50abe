"""The record of a commit's pipeline run: its data, as plain data, and how it moves between stages. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Literal,
    Mapping,
    NamedTuple,
    Optional,
    TypedDict,
    cast,
    get_args,
)

from cicd.ci import step_times
from cicd.ci.step_times import CI_PASSED, CI_STARTS, TESTED, VERIFIED, StoredTimes, Times
from cicd.clock import SKEW_SECONDS
from cicd.errors import UnreadableError
from cicd.release import stop
from cicd.release.stop import Stop
from cicd.release.stored import StoredStop

Stage = Literal["accepted", "waiting", "starting", "building", "passed", "failed", "superseded"]
Before = Optional[Stage]  # None: there is no run yet
ACCEPTED: Stage = "accepted"  # its build may start once its turn comes
WAITING: Stage = "waiting"  # another build of the project runs
STARTING: Stage = "starting"  # an action asks the CI server for the build
BUILDING: Stage = "building"  # the CI server has the build, queued or running
PASSED: Stage = "passed"
FAILED: Stage = "failed"
SUPERSEDED: Stage = "superseded"  # a newer commit took its turn, or passed before it
OPEN: FrozenSet[Before] = frozenset({ACCEPTED, WAITING, STARTING, BUILDING})
SAME_BYTES = "built with the same bytes"
ENDED: FrozenSet[Before] = frozenset({PASSED, FAILED, SUPERSEDED})


class Transition(NamedTuple):
    """The stages from which something leads, and the one it leads to."""

    leaving: FrozenSet[Before]
    to: Stage


# By the function that makes them. What failed may pass after all: somebody may build it again there.
TRANSITIONS: Mapping[str, Transition] = {
    "accept": Transition(frozenset({None}) | ENDED, ACCEPTED),
    "wait": Transition(frozenset({ACCEPTED}), WAITING),
    "start": Transition(frozenset({ACCEPTED, WAITING}), STARTING),
    "queue": Transition(frozenset({STARTING}), BUILDING),
    "put_back": Transition(frozenset({STARTING}), ACCEPTED),
    "refuse": Transition(frozenset({STARTING}), FAILED),
    "lose": Transition(frozenset({BUILDING}), ACCEPTED),
    "succeed": Transition(OPEN | {FAILED}, PASSED),
    "fail": Transition(OPEN, FAILED),
    "supersede": Transition(frozenset({ACCEPTED, WAITING}), SUPERSEDED),
    "come_late": Transition(OPEN | {FAILED}, SUPERSEDED),
}


@dataclass(frozen=True)
class Run:
    """
    How far the pipeline came with one commit.

    `at` is the epoch second when `stage` last changed, `user` who pushed; `deploy`: the canary follows.
    `build` is the CI server's number and `queue_id` its queue's, 0 while there is none; `lost` is 1 after it
    lost the build once; `status` says how a build ended that did not pass.
    `by` is the newer commit that superseded this one, `order` the turn in the queue.
    `artifacts` is the sha256 of what the build archived, by path.
    `claimed_by` is the execution that goes on with what passed; `step`, since `step_at`, and `stop` are how
    far it came, `version` what it published, `reproduced` what came of the build on a second host.
    `times` are those of its steps, by number. `more` is what a newer pack recorded beside all that.
    """

    stage: Stage
    at: float
    user: str = ""
    branch: str = ""
    deploy: bool = True
    build: int = 0
    queue_id: int = 0
    lost: int = 0
    status: str = ""
    by: str = ""
    order: int = 0
    artifacts: Mapping[str, str] = field(default_factory=dict)
    claimed_by: str = ""
    step: str = ""
    step_at: float = 0.0
    stop: Stop | None = None
    version: str = ""
    reproduced: str = ""
    times: Times = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether its build did not end."""
        return self.stage in OPEN

    @property
    def doubt(self) -> str:
        """Why its package may not be what another build host makes; empty when that is not known."""
        return "" if self.reproduced.startswith(SAME_BYTES) else self.reproduced


class StoredRun(TypedDict, total=False):
    """A run as Consul keeps it, see Run; a newer pack may have recorded more."""

    stage: str
    at: float
    user: str
    branch: str
    deploy: bool
    build: int
    queue_id: int
    lost: int
    status: str
    by: str
    order: int
    artifacts: Dict[str, str]
    claimed_by: str
    step: str
    step_at: float
    stop: Optional[StoredStop]
    version: str
    reproduced: str
    times: StoredTimes


Command = Callable[[Optional[Run]], Optional[Run]]  # None from one: the run may not move so
# Recorded once there is any.
LATER = ("order", "artifacts", "claimed_by", "step", "step_at", "stop", "version", "reproduced", "times")


def accept(now: float, seen: Before, user: str, branch: str, deploy: bool, execution: str = "") -> Command:
    """Open the run, or open it again, because of a push; unless it moved since it was *seen*."""
    times = {VERIFIED: step_times.between(now, now, execution)}
    said = {"user": user, "branch": branch, "deploy": deploy, "times": times}
    again = _move("accept", now, **said, build=0, queue_id=0, lost=0, status="", by="")

    def accepted(known: Run | None) -> Run | None:
        if stage(known) != seen:
            return None
        return again(known) if known else Run(ACCEPTED, now, user, branch, deploy, times=times)

    return accepted


def wait(now: float) -> Command:
    """Let it wait for the build that runs."""
    return _move("wait", now)


def start(now: float, order: int) -> Command:
    """Give it to one action, which starts its build in turn *order*."""
    return _move("start", now, order=order)


def queue(now: float, queue_id: int, execution: str = "") -> Command:
    """Record that the CI server took its build in as *queue_id*."""
    return _timed(CI_STARTS, now, execution, _move("queue", now, queue_id=queue_id, build=0))


def put_back(now: float) -> Command:
    """Leave it for another try, since nothing was started."""
    return _move("put_back", now)


def refuse(now: float) -> Command:
    """Fail it, since the CI server does not take its build."""
    return _move("refuse", now, status="REFUSED")


def lose(now: float) -> Command:
    """Let its build start once more, since the CI server forgot it before anything ran."""
    return _move("lose", now, lost=1, queue_id=0)


def succeed(
    now: float, build: int, execution: str, artifacts: Mapping[str, str] | None = None, ended: float = 0.0
) -> Command:
    """Record that *build* passed when it *ended*, what it archived, and that *execution* goes on with it."""
    kept = {"by": "", "claimed_by": execution, "artifacts": dict(artifacts or {})}
    passed = _timed(CI_PASSED, now, execution, _move("succeed", now, build=build, **kept))
    return _timed(TESTED, min(ended, now) if ended else now, "", passed)


def come_late(now: float, build: int, execution: str, by: str) -> Command:
    """Record that *build* passed when the newer commit *by* had passed already."""
    return _move("come_late", now, build=build, by=by, claimed_by=execution)


def fail(now: float, build: int, status: str) -> Command:
    """Record that *build* ended with *status*, which is no success."""
    return _timed(TESTED, now, "", _move("fail", now, build=build, status=status))


def supersede(now: float, by: str) -> Command:
    """End it before its build began, since the newer commit *by* takes its turn."""
    return _move("supersede", now, by=by)


def stage(run: Run | None) -> Before:
    """Return where *run* is; None where there is none."""
    return run.stage if run else None


def not_ahead(run: Run, now: float) -> Run:
    """Return *run*; its time counts as *now* when it is far ahead, since the clock was set back."""
    return replace(run, at=now) if run.at - now > SKEW_SECONDS else run


def key(project: str, commit: str) -> str:
    """Return where the run of *commit* is recorded."""
    return f"cicd/{project}/runs/{commit}"


def as_json(run: Run) -> StoredRun:
    """Return *run* as plain data for the store."""
    data = asdict(run)
    more, data["times"] = data.pop("more"), step_times.as_json(run.times)
    unsaid = {name for name in LATER if not data[name]} - ({"stop"} if run.step else set())
    return cast(StoredRun, {**more, **{name: value for name, value in data.items() if name not in unsaid}})


def parse(key: str, document: StoredRun) -> Run:
    """Return the run stored at *key* as *document*; UnreadableError when it is none."""
    try:
        given = dict(document)
        known = {name: read(given[name]) for name, read in READ.items() if given.get(name) is not None}
        return Run(**known, more={name: value for name, value in given.items() if name not in READ})
    except (AttributeError, TypeError, ValueError) as error:
        raise UnreadableError(
            f"The run in Consul's key {key} is unreadable ({error!r}).",
            f"Look at it, then remove it: consul kv delete {key}",
        ) from None


def _stage(text: Any) -> Any:
    if text not in get_args(Stage):
        raise ValueError(f"stage {text}")
    return text


READ: Dict[str, Callable[[Any], Any]] = {
    "stage": _stage,
    **dict.fromkeys(("user", "branch", "status", "by", "claimed_by", "step", "version", "reproduced"), str),
    **dict.fromkeys(("build", "queue_id", "lost", "order"), int),
    **dict.fromkeys(("at", "step_at"), float),
    "artifacts": lambda value: {str(path): str(digest) for path, digest in value.items()},
    "deploy": bool,
    "stop": stop.from_json,
    "times": step_times.parse,
}


def _move(what: str, now: float, **changed: Any) -> Command:
    leaving, to = TRANSITIONS[what]

    def moved(known: Run | None) -> Run | None:
        if known is None or known.stage not in leaving:
            return None
        return replace(known, stage=to, at=now, **changed)

    return moved


def _timed(number: int, ended: float, execution: str, command: Command) -> Command:
    """Let *command* see step *number* at its end, which followed on the step before."""

    def ended_step(known: Run | None) -> Run | None:
        if known is None:
            return command(known)
        return command(replace(known, times=step_times.followed(known.times, number, ended, execution)))

    return ended_step
