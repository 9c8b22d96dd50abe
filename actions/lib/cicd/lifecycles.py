"""The lifecycles that the configuration describes, and which one each project has."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence, Tuple, TypedDict, cast

from cicd import config_file
from cicd.config_schema import Keys, Problem
from cicd.errors import ConfigError
from cicd.release import approvals, freeze_windows, lifecycle
from cicd.release.lifecycle import AUTO, MANUAL, PAIR, Lifecycle, Overrides, Stage


class GivenRing(Overrides, total=False):
    """A ring as it stands in the configuration; see docs/rings.md."""

    name: str
    tag: Optional[str]
    after: Optional[List[str]]
    promote: Optional[str]
    promoters: Optional[List[str]]
    approval: Optional[Mapping[str, object]]
    freeze_windows: Optional[List[Mapping[str, str]]]
    version_key: Optional[str]
    datacenter: Optional[str]


class Given(TypedDict, total=False):
    """What of the configuration, or of a project's part of it, says which rings there are."""

    lifecycles: Optional[Mapping[str, List[GivenRing]]]
    lifecycle: Optional[str]
    rings: Optional[List[GivenRing]]


def of_project(config: Given, name: str, values: Given) -> Lifecycle:
    """
    Return the lifecycle of the project *name*, whose own part of *config* is *values*.

    ConfigError names the key of what contradicts itself. *config* is one that the schema refuses nothing in.
    """
    chosen = values.get("lifecycle")
    if chosen and values.get("rings"):
        raise _wrong(("projects", name, "rings"), "stands beside `lifecycle`: keep one of them")
    if chosen:
        named = config.get("lifecycles") or {}
        if chosen not in named:
            known = ", ".join(sorted(named)) or "none"
            raise _wrong(
                ("projects", name, "lifecycle"), f"is {chosen}, which is none of `lifecycles` ({known})"
            )
        return parse(named[chosen], ("lifecycles", chosen))
    own, everybodys = values.get("rings"), config.get("rings")
    if own:
        return parse(own, ("projects", name, "rings"))
    return parse(everybodys, ("rings",)) if everybodys else PAIR


def refuse_contradictions(config: Given) -> None:
    """Raise ConfigError when a list of *config* contradicts itself, also one that no project has."""
    for name, rings in (config.get("lifecycles") or {}).items():
        parse(rings, ("lifecycles", name))
    if everybodys := config.get("rings"):
        parse(everybodys, ("rings",))


def refuse_shared(project: str, kind: str, values: Mapping[str, str], others: Mapping[str, str]) -> None:
    """
    Raise ConfigError when two rings of *project* have one of the *values* of *kind*, by ring, in common.

    *others* are those that rings of other projects have, with whose they are.
    """
    known = dict(others)
    for ring, value in values.items():
        if value in known:
            raise _wrong(("projects", project), f"has the {kind} {value} for {ring} and for {known[value]}")
        known[value] = ring


def parse(rings: Sequence[GivenRing], keys: Keys) -> Lifecycle:
    """Return the lifecycle that *rings*, which stand at *keys* of the configuration, describe."""
    stages: List[Stage] = []
    for number, given in enumerate(rings):
        before = (stages[-1].name,) if stages else ()
        stages.append(_stage(given, before, (*keys, number)))
    found = lifecycle.problem(stages)
    if found:
        raise _wrong((*keys, found[0]), f"contradicts itself: {found[1]}")
    return Lifecycle(tuple(stages))


def _stage(given: GivenRing, before: Tuple[str, ...], keys: Keys) -> Stage:
    where, policy = Problem(keys, "").name, given.get("approval")
    stage = Stage(
        name=given["name"],
        tag=given.get("tag") or "",
        after=tuple(given.get("after") or before),
        promote=given.get("promote") or MANUAL,
        promoters=tuple(given.get("promoters") or ()),
        approval=approvals.policy_from(policy, f"{where}.approval") if policy else None,
        freeze_windows=freeze_windows.parse(given.get("freeze_windows"), f"{where}.freeze_windows"),
        deploy=overrides(given),
        version_key=given.get("version_key") or "",
        datacenter=given.get("datacenter") or "",
    )
    if stage.promote == AUTO and stage.promoters:
        raise _wrong(
            (*keys, "promoters"), "stands in a ring that is promoted to by itself: remove one of them"
        )
    return stage


def overrides(given: Overrides) -> Overrides:
    """Return the keys of `deploy` among those *given*; StackStorm has an empty list where none was given."""
    names = [name for name in Overrides.__annotations__ if given.get(name) not in (None, [])]
    found = {name: given[name] for name in names}  # type: ignore[literal-required]
    if "batches" in found:
        found["batches"] = tuple(found["batches"])
    return cast(Overrides, found)


def _wrong(keys: Keys, why: str) -> ConfigError:
    return ConfigError(
        f"`{Problem(keys, why).name}` {why} in {config_file.place(keys)}.",
        f"Correct it in {config_file.path()}, see docs/rings.md, {config_file.REGISTER}.",
    )
