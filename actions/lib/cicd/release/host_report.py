"""What cicd-converge reports of a project on its host: printed as its last line, and kept in Consul. Pure."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import List, Mapping, NamedTuple, Sequence, TypedDict, cast

from cicd.sanitize import neutral_data

FAILED = "failed"
NOTHING: Mapping[str, float] = MappingProxyType({})


class Stored(TypedDict, total=False):
    """A report as an agent writes it; an older agent says less, and `apt` is said of a plan alone."""

    project: str
    host: str
    state: str
    code: str
    message: str
    ring: str
    wanted: str
    installed: str
    dpkg: str
    edited: str
    log: str
    registered: str
    foreign: str
    agent: str
    alive: str
    restarts: str
    at: str
    generation: int
    seconds: Mapping[str, float]
    apt: List[str]


class HostReport(NamedTuple):
    """
    How one run of cicd-converge ended: converged, unchanged, held, planned or failed, and why.

    `installed` is the version that dpkg has, in the state `dpkg`; `edited` names changed files of the
    package, `registered` the service as the host's own agent has it, `foreign` what that agent did not
    register. `agent` is the version of cicd-converge, `alive` by what it shows that it lives, `restarts` how
    often systemd restarted the unit by itself since it was started. `seconds` is what the run's parts took,
    `seconds_total` all of it by the clock of who asked for it. What it did not say is empty.
    """

    host: str = ""
    project: str = ""
    state: str = ""
    code: str = ""
    message: str = ""
    ring: str = ""
    wanted: str = ""
    installed: str = ""
    dpkg: str = ""
    edited: str = ""
    log: str = ""
    registered: str = ""
    foreign: str = ""
    agent: str = ""
    alive: str = ""
    restarts: str = ""
    at: str = ""
    generation: int = 0
    seconds: Mapping[str, float] = NOTHING
    apt: Sequence[str] = ()
    seconds_total: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the host is not as it was to be."""
        return self.state == FAILED


Reports = Mapping[str, HostReport]  # by node
SILENT = HostReport()  # of a host that never reported
TEXTS = HostReport._fields[: HostReport._fields.index("generation")]


def parse(stored: Stored) -> HostReport:
    """Return the report that an agent wrote as *stored*; ValueError or TypeError when it is none."""
    texts = (str(stored.get(name) or "") for name in TEXTS)
    generation, seconds = int(stored.get("generation") or 0), dict(stored.get("seconds") or NOTHING)
    return HostReport._make(
        [*texts, generation, seconds, [str(line) for line in stored.get("apt") or ()], 0.0]
    )


def printed(output: str) -> HostReport:
    """Return the report that is the last line of an agent's *output*; ValueError when there is none."""
    try:
        report = parse(json.loads(output.strip().splitlines()[-1]))
    except (AttributeError, IndexError, TypeError):
        raise ValueError("no report") from None
    if not report.state:
        raise ValueError("no state")
    return report


def neutral(report: HostReport) -> HostReport:
    """Return *report* with every text in it made neutral."""
    return HostReport._make(neutral_data(part) for part in report)


def as_json(report: HostReport) -> Stored:
    """Return what *report* says, as plain data."""
    return cast(Stored, {name: value for name, value in report._asdict().items() if value})


def failure(host: str, code: str, message: str) -> HostReport:
    """Return the report of a *host* that could not give one itself."""
    return HostReport(host=host, state=FAILED, code=code, message=message)


def prefix(project: str) -> str:
    """Return below which key Consul keeps the last report of each host."""
    return f"cicd/{project}/hosts/"
