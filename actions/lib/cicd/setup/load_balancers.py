"""The part of a checkup that reads what load balancers report, and whom they could send the rest to."""

from __future__ import annotations

from typing import Iterator, Mapping, Sequence

from cicd.config import Project, Settings
from cicd.finding import GOOD, WARNING, WRONG, Finding
from cicd.release import traffic
from cicd.release.host import ConsulHost
from cicd.release.traffic import Reports
from cicd.sanitize import one_line
from cicd.setup import render_reports
from cicd.setup.render_reports import PREFIX, RenderReport
from cicd.store.store import Store

STABLE = "_stable"  # how the tag of hosts outside the canary ends


def findings(settings: Settings, store: Store, projects: Sequence[Project]) -> Iterator[Finding]:
    """Yield what is found of each load balancer, and of *projects* whose share grows by itself."""
    reports = traffic.reports((item["Key"], item["Value"]) for item in store.items(traffic.REPORTS))
    yield from reported(reports)
    yield from rendered(render_reports.parse((one["Key"], one["Value"]) for one in store.items(PREFIX)))
    for project in projects:
        if project.lifecycle.stage(project.lifecycle.canary).traffic:
            yield from of_project(settings, project, reports, store.health(project))


def reported(reports: Reports) -> Iterator[Finding]:
    """Yield how each load balancer of *reports* is."""
    for name, report in sorted(reports.items()):
        node = one_line(name, 100)
        error = one_line(str(report.get("error") or ""), 300)
        fix = (
            "Read `journalctl -u cicd-traffic` there. If its host is gone: "
            f"consul kv delete cicd/.traffic/applied/{node}"
        )
        said = error or "has the shares of the requests that are wanted"
        yield Finding(f"load balancer {node}", WRONG if error else GOOD, said, fix if error else "")


def rendered(reports: Mapping[str, RenderReport]) -> Iterator[Finding]:
    """Yield how the files of each host are that cicd-render makes."""
    for name, report in sorted(reports.items()):
        node, error = one_line(name, 100), one_line(report.error, 300)
        fix = (
            "Read `journalctl -u cicd-render` there. "
            f"If its host is gone: consul kv delete cicd/.render/{node}"
        )
        served = ", ".join(one_line(project, 64) for project in sorted(report.projects))
        said = error or f"has all its files{f', with the backends of {served}' if served else ''}"
        yield Finding(f"cicd-render on {node}", WRONG if error else GOOD, said, fix if error else "")


def of_project(
    settings: Settings, project: Project, reports: Reports, hosts: Sequence[ConsulHost]
) -> Iterator[Finding]:
    """Yield what the share of *project*, with its *hosts*, lacks to grow by itself."""
    what, tags = f"{project.name}'s share of the requests", settings.tags(project)
    if not reports:
        said = "no load balancer reports, so its canary gets none"
        yield Finding(what, WRONG, said, "Install cicd-traffic on the load balancers' hosts.")
    canary = project.lifecycle.canary
    others = [one for one in hosts if one.ring(tags) not in ("", canary)]
    if others and not any(tag.endswith(STABLE) for one in others for tag in one.tags):
        said = f"no host outside {canary} carries a tag that ends with {STABLE}"
        fix = "Set STABLE_TAG in the project's file of cicd-converge, or the canary gets more than its share."
        yield Finding(what, WARNING, said, fix)
