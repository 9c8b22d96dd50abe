"""What Jenkins' remote API answers, as far as it is read."""

from __future__ import annotations

from typing import List, Optional, TypedDict


class Executable(TypedDict, total=False):
    """The build that a queue item became."""

    number: int


class Task(TypedDict, total=False):
    """What a queue item is to build."""

    url: str


class Item(TypedDict, total=False):
    """An item of Jenkins' queue; `params` has one `NAME=value` a line."""

    id: int
    task: Task
    params: str
    cancelled: bool
    executable: Optional[Executable]


class Queue(TypedDict):
    """Jenkins' queue."""

    items: List[Item]


class Parameter(TypedDict, total=False):
    """A parameter of a build, or of a job, which has no value."""

    name: str
    value: object


class Action(TypedDict, total=False):
    """What Jenkins notes beside a build, among it its parameters."""

    parameters: List[Parameter]


class Artifact(TypedDict):
    """A file that a build archived, by its path in the workspace."""

    relativePath: str


class Archived(TypedDict, total=False):
    """What a build archived."""

    artifacts: List[Artifact]


class Build(TypedDict, total=False):
    """A build; `timestamp` and `duration` are in milliseconds, `result` is None while it runs."""

    number: int
    url: str
    queueId: int
    building: bool
    result: Optional[str]
    timestamp: float
    duration: float
    actions: List[Optional[Action]]


class BuildList(TypedDict):
    """The builds of a job, newest first."""

    builds: List[Build]


class Property(TypedDict, total=False):
    """What a job is configured to do beside building."""

    _class: str
    parameterDefinitions: List[Parameter]


class Job(TypedDict, total=False):
    """A job, or Jenkins itself as far as it says that it answers."""

    buildable: bool
    mode: str
    property: List[Optional[Property]]
