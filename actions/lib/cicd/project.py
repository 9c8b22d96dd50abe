"""One project of the configuration: what its keys mean, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Tuple, cast

from cicd import allowed, analyses, ci_choice, identifiers, lifecycles
from cicd.allowed import NOTHING_MORE, Allowed
from cicd.ci_choice import USUAL_CI, CiChoice
from cicd.errors import ConfigError
from cicd.lifecycles import Given
from cicd.release import approvals
from cicd.release import freeze_windows as windows
from cicd.release.analysis_policy import NO_ANALYSIS, AnalysisPolicy
from cicd.release.approvals import NO_POLICY, Policy
from cicd.release.freeze_windows import Window
from cicd.release.lifecycle import PAIR, Lifecycle, Overrides
from cicd.release.record import EVERYTHING


@dataclass(frozen=True)
class Project:
    """One project that is deployed."""

    name: str
    repository: str
    branch: str = ""  # the repository's default branch
    directory: str = ""  # of the repository; empty is all of it
    job: str = ""
    ci: CiChoice = USUAL_CI
    role: str = "app"
    min_bake_seconds: int = 600
    approval: Policy = NO_POLICY
    freeze_windows: Tuple[Window, ...] = ()
    paths: tuple[str, ...] = ()
    watch_paths: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()  # those of the repository's section when empty
    component: str = ""
    allowed: Allowed = NOTHING_MORE
    lifecycle: Lifecycle = PAIR
    deploy: Overrides = field(default_factory=lambda: Overrides())  # keys of that section that are its own
    requires: Mapping[str, str] = field(default_factory=dict)  # the least version of other projects, by name
    packages: tuple[str, ...] = ()  # names of packages that are this project's, whoever published one first
    environment: Mapping[str, str] = field(default_factory=dict)  # what its application finds on each host
    verify_reproducible: str = ""  # that of `package` when empty
    analysis: AnalysisPolicy = NO_ANALYSIS

    def approval_of(self, ring: str) -> Policy:
        """Return who must approve what comes to *ring*: its own policy, or the project's for production."""
        own = self.lifecycle.stage(ring).approval
        if own is not None:
            return own
        return self.approval if ring in self.lifecycle.productions else NO_POLICY

    def analysis_of(self, ring: str) -> AnalysisPolicy:
        """Return how *ring* is judged: its own analysis, or the project's where another ring follows."""
        own = self.lifecycle.stage(ring).analysis
        if own is not None:
            return own
        return self.analysis if self.lifecycle.followers(ring) else NO_ANALYSIS


def parse(name: str, values: Mapping[str, Any], config: Mapping[str, Any], bake: int) -> Project:
    """
    Return the project *name* of *config*, whose own part of it is *values*; the schema refuses nothing in it.

    *bake* are the seconds that a canary bakes where it says nothing. ConfigError names the first wrong key.
    """
    values = _given(values)
    if name == EVERYTHING:
        raise ConfigError(f"{name!r} is not a name for a project: it means all of them.", "Rename it.")
    directory = values.get("directory") or ""
    return Project(
        name=identifiers.check("project", name),
        repository=identifiers.check("repository", values["repository"]),
        branch=identifiers.check("branch", values["branch"]) if values.get("branch") else "",
        job=values.get("job") or name,
        ci=ci_choice.parse(values.get("ci")),
        role=values.get("role") or "app",
        min_bake_seconds=int(values.get("min_bake_seconds", bake)),
        approval=approvals.policy_from(values.get("approval"), f"projects.{name}.approval"),
        freeze_windows=windows.parse(values.get("freeze_windows"), f"projects.{name}.freeze_windows"),
        directory=directory,
        paths=tuple(values.get("paths") or ([f"{directory}/"] if directory else ())),
        watch_paths=tuple(values.get("watch_paths") or ()),
        distributions=tuple(identifiers.check("distribution", d) for d in values.get("distributions") or ()),
        component=identifiers.check("distribution", values["component"]) if values.get("component") else "",
        allowed=allowed.parse(values.get("allowed"), f"projects.{name}.allowed"),
        lifecycle=lifecycles.of_project(cast(Given, config), name, cast(Given, values)),
        deploy=lifecycles.overrides(cast(Overrides, values.get("deploy") or {})),
        requires=_requires(name, values.get("requires") or {}, config),
        packages=tuple(identifiers.check("package", name) for name in values.get("packages") or ()),
        environment=dict(values.get("environment") or {}),
        verify_reproducible=values.get("verify_reproducible") or "",
        analysis=analyses.parse(values.get("analysis"), ("projects", name, "analysis")) or NO_ANALYSIS,
    )


def _requires(name: str, given: Mapping[str, str], config: Mapping[str, Any]) -> Mapping[str, str]:
    strange = [one for one in given if one not in config["projects"] or one == name]
    if strange:
        raise ConfigError(
            f"`projects.{name}.requires` names {strange[0]}, which is not another project.",
            "Name projects of the configuration, each with its least version.",
        )
    return dict(given)


def _given(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (values or {}).items() if value is not None}
