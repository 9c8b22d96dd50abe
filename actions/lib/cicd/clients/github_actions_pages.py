"""What GitHub's API of Actions answers, as far as it is read."""

from __future__ import annotations

from typing import List, Optional, TypedDict


class Named(TypedDict, total=False):
    """A repository, `full_name` is owner/name."""

    full_name: str


class WorkflowRun(TypedDict, total=False):
    """
    A run of a workflow.

    `head_sha` is the commit whose workflow runs, and `path` its file; `display_title` is what `run-name`
    makes of the inputs. Times are in ISO 8601, `conclusion` is None until it is completed.
    """

    id: int
    head_sha: str
    head_branch: Optional[str]
    path: str
    event: str
    display_title: str
    status: str
    conclusion: Optional[str]
    html_url: str
    created_at: str
    run_started_at: str
    updated_at: str
    repository: Named
    head_repository: Optional[Named]


class WorkflowRuns(TypedDict):
    """Runs, newest first."""

    workflow_runs: List[WorkflowRun]


class Dispatched(TypedDict, total=False):
    """The run that a dispatch made."""

    workflow_run_id: int


class WorkflowDocument(TypedDict, total=False):
    """A workflow; `state` is active unless somebody, or GitHub, disabled it."""

    state: str


class JobDocument(TypedDict, total=False):
    """A job of a run."""

    id: int
    conclusion: Optional[str]


class Jobs(TypedDict):
    """The jobs of a run."""

    jobs: List[JobDocument]


class ArtifactDocument(TypedDict, total=False):
    """What a run uploaded as one zip; `digest` is `sha256:` and that of the zip."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool
    digest: Optional[str]


class Artifacts(TypedDict):
    """What a run uploaded."""

    artifacts: List[ArtifactDocument]
