"""The configuration's `analysis`: read, and refused by name where it contradicts itself."""

from __future__ import annotations

from typing import Any, Container, Iterable, Iterator, Mapping, Sequence, Tuple

from cicd import config_file
from cicd.config_schema import Keys, Problem
from cicd.errors import ConfigError
from cicd.release.analysis_policy import HAPROXY, HTTP, PROMETHEUS, AnalysisPolicy
from cicd.release.lifecycle import Lifecycle
from cicd.sections import MonitoringSettings


def parse(given: Mapping[str, Any] | None, keys: Keys) -> AnalysisPolicy | None:
    """
    Return the analysis that is *given* at *keys* of the configuration; None where there is none.

    ConfigError names the key that contradicts another one; the schema refuses nothing in what is given.
    """
    values = {key: value for key, value in (given or {}).items() if value not in (None, [], {})}
    if not values:
        return None
    found = _problem(values)
    if found:
        raise _wrong((*keys, found[0]), found[1])
    if "margin" in values:
        values["margin"] = _share(values["margin"])
    return AnalysisPolicy(**{**values, "sources": tuple(dict.fromkeys(values["sources"]))})


def refuse_unfollowed(project: str, lifecycle: Lifecycle) -> None:
    """Raise ConfigError when a ring of *project* has an analysis, and no ring comes after it."""
    for stage in lifecycle.stages:
        if stage.analysis and not lifecycle.followers(stage.name):
            raise _wrong(("projects", project), f"has an analysis of {stage.name}, after which no ring comes")


def refuse_unjudged(project: str, lifecycle: Lifecycle, judged: Container[str]) -> None:
    """Raise ConfigError when a ring of *project* has `traffic`, and is not among those that are *judged*."""
    for stage in lifecycle.stages:
        if stage.traffic and stage.name not in judged:
            raise _wrong(
                ("projects", project),
                f"has `traffic` for {stage.name}, whose steps need an `analysis`, and has none of it",
            )


def refuse_unmeasured(project: str, policies: Iterable[AnalysisPolicy], known: MonitoringSettings) -> None:
    """Raise ConfigError when *policies* of *project* want figures of what is not *known*."""
    used = {source for policy in policies for source in policy.sources}
    for source, url in {HAPROXY: known.haproxy, PROMETHEUS: known.prometheus}.items():
        if source in used and not url:
            raise _wrong(("monitoring", source), f"is missing, and {project} is judged by it")


def _problem(values: Mapping[str, Any]) -> Tuple[str, str] | None:
    """Return the key of *values* that is wrong, and why."""
    return next(_problems(values), None)


def _problems(values: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    sources = values.get("sources") or ()
    if not sources:
        yield "sources", "is missing: nothing would be measured"
    if not _share(values.get("margin", "1%")):
        yield "margin", "must be more than 0 %"
    if HTTP in sources and not values.get("path"):
        yield "path", "is missing: the source http asks for it"
    yield from _query_problems(values, sources, values.get("queries") or {})


def _query_problems(
    values: Mapping[str, Any], sources: Sequence[str], queries: Mapping[str, str]
) -> Iterator[Tuple[str, str]]:
    if PROMETHEUS in sources and not {"requests", "failures"} <= set(queries):
        yield "queries", "needs `requests` and `failures` for the source prometheus"
    if "slow" in queries and not values.get("slow_ms"):
        yield "slow_ms", "is missing: the query `slow` counts what takes longer"
    if values.get("slow_ms") and "slow" not in queries:
        yield "slow_ms", "is set without the query `slow`, and nothing else counts slow requests"
    for name, query in queries.items():
        if "{hosts}" not in query:
            yield "queries", f"has {name} without {{hosts}}, so it would count all hosts together"


def _share(percent: str) -> float:
    return float(percent.rstrip("%")) / 100


def _wrong(keys: Keys, why: str) -> ConfigError:
    return ConfigError(
        f"`{Problem(keys, why).name}` {why} in {config_file.place(keys)}.",
        config_file.correction(keys, "docs/analysis.md"),
    )
