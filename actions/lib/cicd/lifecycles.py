"""The lifecycles that the configuration describes, and which one each project has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple, TypedDict, cast

from cicd import analyses, config_file
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
    analysis: Optional[Mapping[str, object]]
    traffic: Optional[List[float]]


class Given(TypedDict, total=False):
    """What of the configuration, or of a project's part of it, says which rings there are."""

    lifecycles: Optional[Mapping[str, List[GivenRing]]]
    lifecycle: Optional[str]
    rings: Optional[List[GivenRing]]


@dataclass(frozen=True)
class Place:
    """The rings that a project has in one datacentre: the Consul tag and the version's key of each."""

    project: str
    datacenter: str
    tags: Mapping[str, str]
    version_keys: Mapping[str, str]


def of_project(config: Given, name: str, values: Given) -> Lifecycle:
    """
    Return the lifecycle of the project *name*, whose own part of *config* is *values*.

    ConfigError names the key of what contradicts itself. *config* is one that the schema refuses nothing in.
    """
    chosen = values.get("lifecycle")
    if chosen and values.get("rings"):
        raise _wrong(("projects", name, "rings"), "and `lifecycle` are both set: keep one of them")
    if chosen:
        named = config.get("lifecycles") or {}
        if chosen not in named:
            known = ", ".join(sorted(named)) or "none"
            raise _wrong(
                ("projects", name, "lifecycle"), f"is {chosen}, which is not in `lifecycles` ({known})"
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


def refuse_shared(places: Iterable[Place]) -> None:
    """Raise ConfigError when a host would be in two rings of *places*, or two rings would write one key."""
    keys: dict[str, dict[str, str]] = {}
    for place in places:
        _refuse_same(place.project, "tag", place.tags, {})
        known = keys.setdefault(place.datacenter, {})
        _refuse_same(place.project, "version_key", place.version_keys, known)
        known.update({key: f"{ring} of {place.project}" for ring, key in place.version_keys.items()})


def refuse_other_rings(known: Mapping[str, Lifecycle], requires: Mapping[str, Iterable[str]]) -> None:
    """Raise ConfigError when a project *requires* one of *known* that lacks a ring it is promoted to."""
    for project, names in requires.items():
        waiting = [stage.name for stage in known[project].stages if stage.after]
        for name in set(names) & set(known):
            strange = [ring for ring in waiting if ring not in known[name].names]
            if strange:
                raise _wrong(
                    ("projects", project, "requires"), f"names {name}, which has no ring {strange[0]}"
                )


def _refuse_same(project: str, kind: str, values: Mapping[str, str], others: Mapping[str, str]) -> None:
    """Raise ConfigError when a ring has one of the *values*, by ring, that another one or *others* have."""
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
    found = lifecycle.problem(stages) or lifecycle.traffic_problem(Lifecycle(tuple(stages)))
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
        analysis=analyses.parse(given.get("analysis"), (*keys, "analysis")),
        traffic=tuple(float(share) for share in given.get("traffic") or ()),
    )
    if stage.promote == AUTO and stage.promoters:
        raise _wrong((*keys, "promoters"), "is set in a ring with `promote: auto`: remove one of them")
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
        config_file.correction(keys, "docs/rings.md"),
    )
