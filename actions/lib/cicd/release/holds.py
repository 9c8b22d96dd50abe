"""What people put on a project to stop deploys: locks, freezes, pins and vetoes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping

from cicd.errors import Refused
from cicd.release.lifecycle import PRODUCTION
from cicd.release.stored import StoredHold, StoredHolds


@dataclass(frozen=True)
class Hold:
    """Who stopped what, why, and since when (epoch seconds); a pin names its version."""

    who: str
    why: str
    since: float
    version: str = ""


@dataclass(frozen=True)
class Holds:
    """
    Everything that holds a project now.

    `lock` stops every deploy, `freeze` every promotion, `pin` every promotion of another
    version, a veto every deploy of its version. None of them stops a rollback. An `excluded`
    host belongs to no ring: deploys neither touch it nor wait for it.
    """

    lock: Hold | None = None
    freeze: Hold | None = None
    pin: Hold | None = None
    vetoes: Mapping[str, Hold] = field(default_factory=dict)
    excluded: Mapping[str, Hold] = field(default_factory=dict)


def put(holds: Holds, project: str, kind: str, hold: Hold) -> Holds:
    """Return *holds* with *hold* as its lock, freeze or pin; refused while somebody else's is there."""
    present = getattr(holds, kind)
    if present and present.who != hold.who:
        raise Refused(
            f"{project} has a {kind} by {present.who} already: {present.why}.",
            f"Ask {present.who}, or {_way_out(project, kind)}",
        )
    return _with(holds, kind, hold)


def steal(holds: Holds, hold: Hold) -> Holds:
    """Return *holds* with *hold* as its lock, whoever had it."""
    return _with(holds, "lock", hold)


def end(holds: Holds, project: str, kind: str, who: str) -> Holds:
    """Return *holds* without its lock, freeze or pin; a lock ends by who put it, or after it was stolen."""
    present = getattr(holds, kind)
    if present is None:
        raise Refused(f"{project} has no {kind}.", f"See: st2 run cicd.get_release project={project}")
    if kind == "lock" and present.who != who:
        raise Refused(
            f"{project} is locked by {present.who}, not by {who or 'nobody'}: {present.why}.",
            f"Ask {present.who}, or {_way_out(project, kind)}",
        )
    return _with(holds, kind, None)


def veto(holds: Holds, hold: Hold) -> Holds:
    """Return *holds* with a veto on *hold*'s version; the first one's reason stays."""
    return replace(holds, vetoes={hold.version: hold, **holds.vetoes})


def lift(holds: Holds, project: str, version: str) -> Holds:
    """Return *holds* without the veto on *version*; refused when there is none."""
    if version not in holds.vetoes:
        raise Refused(
            f"{project} {version} is not vetoed.", f"See: st2 run cicd.get_release project={project}"
        )
    return replace(holds, vetoes={name: hold for name, hold in holds.vetoes.items() if name != version})


def exclude(holds: Holds, host: str, hold: Hold) -> Holds:
    """Return *holds* with *host* left out of its ring; the first reason stays."""
    return replace(holds, excluded={host: hold, **holds.excluded})


def include(holds: Holds, project: str, host: str) -> Holds:
    """Return *holds* with *host* back in its ring; refused when it was not excluded."""
    if host not in holds.excluded:
        raise Refused(
            f"{host} is not excluded from {project}.", f"See: st2 run cicd.get_release project={project}"
        )
    return replace(holds, excluded={name: hold for name, hold in holds.excluded.items() if name != host})


def refuse_deploy(holds: Holds, project: str, version: str) -> None:
    """Raise Refused when *version* may not be deployed to any ring now."""
    if holds.lock:
        raise _held(project, "lock", holds.lock, "locked")
    if version in holds.vetoes:
        vetoed = holds.vetoes[version]
        raise Refused(
            f"{project} {version} was vetoed by {vetoed.who}: {vetoed.why}.",
            f"Correct the code, commit and push. If it was not at fault: {lifting(project, version)}",
        )


def refuse_promotion(holds: Holds, project: str, version: str) -> None:
    """Raise Refused when *version* may not be promoted now."""
    refuse_deploy(holds, project, version)
    if holds.freeze:
        raise _held(project, "freeze", holds.freeze, "frozen")
    if holds.pin and holds.pin.version != version:
        raise _held(project, "pin", holds.pin, f"pinned to {holds.pin.version}")


def blocking_hold(holds: Holds, version: str, is_promoted: bool) -> str:
    """
    Return the kind of hold that keeps *version* off the hosts of a ring, empty when there is none.

    *is_promoted* is true of every ring but the first.
    """
    if version in holds.vetoes:
        return "veto"
    if holds.lock:
        return "lock"
    if not is_promoted:
        return ""
    if holds.freeze:
        return "freeze"
    return "pin" if holds.pin and holds.pin.version != version else ""


def ending(project: str, kind: str) -> str:
    """Return the command that ends the hold of *kind*."""
    return {
        "lock": f"st2 run cicd.unlock_deploys project={project}",
        "freeze": f"st2 run cicd.thaw project={project}",
        "pin": f"st2 run cicd.unpin_version project={project}",
    }[kind]


def lifting(project: str, version: str) -> str:
    """Return the command that lifts the veto on *version*."""
    return f"st2 run cicd.lift_veto project={project} version={version} reason=…"


def rollback(project: str, ring: str) -> str:
    """Return the command that takes *ring* back."""
    return f"st2 run cicd.rollback project={project} ring={ring}"


def promotion(project: str, ring: str) -> str:
    """Return the command that promotes to *ring*."""
    if ring == PRODUCTION:
        return f"st2 run cicd.deploy_production project={project}"
    return f"st2 run cicd.promote project={project} ring={ring}"


def _way_out(project: str, kind: str) -> str:
    if kind == "lock":
        return f"take it over: st2 run cicd.steal_lock project={project} reason=…"
    return f"end it: {ending(project, kind)}"


def from_json(data: StoredHolds | None) -> Holds:
    """Return the holds stored as *data*; a record from before there were any has none."""
    given: StoredHolds = data or {}
    return Holds(
        lock=_one(given.get("lock")),
        freeze=_one(given.get("freeze")),
        pin=_one(given.get("pin")),
        vetoes=_named(given.get("vetoes")),
        excluded=_named(given.get("excluded")),
    )


def _one(data: StoredHold | None) -> Hold | None:
    return Hold(**data) if data else None


def _named(data: Mapping[str, StoredHold] | None) -> dict[str, Hold]:
    return {name: Hold(**hold) for name, hold in (data or {}).items()}


def _with(holds: Holds, kind: str, hold: Hold | None) -> Holds:
    return replace(holds, **{kind: hold})  # type: ignore[arg-type]  # a lock, freeze or pin


def _held(project: str, kind: str, hold: Hold, state: str) -> Refused:
    return Refused(
        f"{project} is {state} by {hold.who}: {hold.why}.",
        f"When that is over: {ending(project, kind)}. A rollback need not wait.",
    )
