"""What a push means for a project. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cicd.config import Project


@dataclass(frozen=True)
class Decision:
    """Whether a push starts the pipeline, and the reason in words."""

    build: bool
    reason: str


def decide(project: Project | None, repository: str, branch: str, known_stage: str | None) -> Decision:
    """
    Return what to do with a push to *branch* of *repository*.

    *known_stage* is how far an earlier delivery of the same commit came, None for a new one.
    """
    if project is None:
        return Decision(False, f"{repository} is not a configured project")
    if branch != project.branch:
        return Decision(False, f"{branch} is not the branch that is deployed ({project.branch})")
    if known_stage not in (None, "failed"):
        return Decision(False, f"this commit was pushed before and is {known_stage}")
    return Decision(True, f"a new commit on {branch}")
