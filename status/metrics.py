"""What is known of all projects, in Prometheus' text format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from status.tally import OUTCOMES, Histogram, Tally
from status.view import KINDS, ProjectView, RingView

PREFIX = "cicd_"


class Metric(NamedTuple):
    """A metric's name, what it means, and its samples: labels and a value each, or a histogram."""

    name: str
    meaning: str
    samples: list[tuple[dict[str, str], float]]
    kind: str = "gauge"
    histograms: Sequence[tuple[dict[str, str], Histogram]] = ()


def exposition(views: Sequence[ProjectView], tallies: Mapping[str, Tally], trouble: str) -> str:
    """Return the page of *views* and *tallies*, by project; *trouble* says that they may be old."""
    metrics = [Metric("status_current", "Whether this page shows what Consul has.", [({}, not trouble)])]
    metrics += [*_of_rings(views), *_of_projects(views), *_of_history(views, tallies)]
    return "".join(_text(metric) for metric in metrics)


def _of_rings(views: Sequence[ProjectView]) -> Iterator[Metric]:
    rings = [
        ({"project": view["name"], "ring": ring["name"]}, ring) for view in views for ring in view["rings"]
    ]
    states = [({**at, "state": ring["state"]}, 1.0) for at, ring in rings]
    yield Metric("ring_state", "1 for the state that a ring is in.", states)
    versions = [({**at, "version": ring["version"]}, 1.0) for at, ring in rings if ring["version"]]
    yield Metric("ring_version", "1 for the version that a ring is wanted to run.", versions)
    since = [(at, _epoch(ring["since"])) for at, ring in rings if ring["since"]]
    yield Metric("ring_changed_timestamp_seconds", "When a ring's state last changed.", since)
    hosts = [({**at, "health": health}, value) for at, ring in rings for health, value in _hosts(ring)]
    yield Metric("ring_hosts", "Hosts of a ring by their health.", hosts)
    bakes = [(at, ring["bake"]) for at, ring in rings if ring["bake"]]
    done = [(at, float(bake["done"])) for at, bake in bakes if bake]
    yield Metric("ring_bake_seconds", "How long a version baked that may not go on yet.", done)
    needed = [(at, float(bake["needed"])) for at, bake in bakes if bake]
    yield Metric("ring_bake_needed_seconds", "How long it has to bake.", needed)
    found = [({**at, "outcome": known["outcome"]}, 1.0) for at, ring in rings if (known := ring["verdict"])]
    yield Metric("ring_verdict", "1 for what an analysis found of a ring so far.", found)


def _of_projects(views: Sequence[ProjectView]) -> Iterator[Metric]:
    held = [
        ({"project": view["name"], "kind": kind}, float(kind in view["holds"]))
        for view in views
        for kind in KINDS
    ]
    yield Metric("project_held", "Whether someone holds a project.", held)
    waiting = [({"project": view["name"]}, float(view["waiting"])) for view in views]
    yield Metric("commits_in_ci", "Commits that wait for CI or are in it.", waiting)
    since = [
        ({"project": view["name"]}, _epoch(view["waiting_since"])) for view in views if view["waiting_since"]
    ]
    yield Metric("commits_in_ci_oldest_timestamp_seconds", "When the oldest of them last moved.", since)


def _of_history(views: Sequence[ProjectView], tallies: Mapping[str, Tally]) -> Iterator[Metric]:
    """Also what did not happen yet is a sample: a counter that begins at 1 would hide its first increase."""
    rings = [
        ({"project": view["name"], "ring": ring["name"]}, tallies[view["name"]].ring(ring["name"]))
        for view in views
        for ring in view["rings"]
        if view["name"] in tallies
    ]
    ends = [
        ({**at, "outcome": outcome}, float(ring.outcomes[outcome]))
        for at, ring in rings
        for outcome in dict.fromkeys(OUTCOMES.values())
    ]
    yield Metric("deployments_total", "Deploys of this month, by how they ended.", ends, "counter")
    backs = [(at, float(ring.rollbacks)) for at, ring in rings]
    yield Metric("rollbacks_total", "Rollbacks of this month.", backs, "counter")
    took = [(at, ring.durations) for at, ring in rings]
    yield Metric("deployment_seconds", "How long good deploys of this month took.", [], "histogram", took)
    lead = [(at, ring.lead_times) for at, ring in rings]
    yield Metric("lead_time_seconds", "From a commit to its good deploy this month.", [], "histogram", lead)


def _hosts(ring: RingView) -> Iterator[tuple[str, float]]:
    yield "good", float(ring["good"])
    yield "bad", float(ring["sick"])


def _epoch(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _text(metric: Metric) -> str:
    name = f"{PREFIX}{metric.name}"
    lines = [f"# HELP {name} {metric.meaning}", f"# TYPE {name} {metric.kind}"]
    lines += [f"{name}{_labels(labels)} {value:.15g}" for labels, value in metric.samples]
    lines += [line for at, histogram in metric.histograms for line in _buckets(name, at, histogram)]
    return "\n".join([*lines, ""])


def _buckets(name: str, at: dict[str, str], histogram: Histogram) -> Iterator[str]:
    for bound in histogram.bounds:
        yield f"{name}_bucket{_labels({**at, 'le': str(bound)})} {histogram.below[bound]}"
    yield f"{name}_bucket{_labels({**at, 'le': '+Inf'})} {histogram.count}"
    yield f"{name}_sum{_labels(at)} {histogram.sum:.15g}"
    yield f"{name}_count{_labels(at)} {histogram.count}"


def _labels(labels: dict[str, str]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
