"""The systemd units of a project: what its package does with each, why systemd would not load one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Sequence, Tuple

from cicd.sanitize import one_line

FOLDER = "/usr/lib/systemd/system"
# What activates others comes before them: a socket does not start beside its running service.
ORDER = ("socket", "path", "timer", "service", "target")
Setting = Tuple[int, str, str]
# Of each kind one of these settings, or what begins so, is needed.
NEEDED = {
    "socket": ("Listen",),
    "timer": (
        "OnActiveSec",
        "OnBootSec",
        "OnStartupSec",
        "OnUnit",
        "OnCalendar",
        "OnClockChange",
        "OnTimezone",
    ),
    "path": ("Path", "DirectoryNotEmpty"),
}


@dataclass(frozen=True)
class Unit:
    """A unit file, *path* in the repository, and what is done to its *names*: its own, or its instances."""

    path: str
    names: Tuple[str, ...]
    enable: bool
    start: bool
    on_upgrade: str
    activates: str = ""  # the unit that a socket, timer or path starts
    lasts: bool = True  # whether a healthy one stays active

    @property
    def file(self) -> str:
        """Name of the unit's file."""
        return self.path.rpartition("/")[2]

    @property
    def kind(self) -> str:
        """`service`, `timer` and so on."""
        return self.path.rpartition(".")[2]


def read(said: Mapping[str, Any], content: bytes) -> Unit:
    """Return the unit that `units` *said*, with *content* in the repository."""
    settings = list(_settings(content.decode("utf-8", errors="replace")))
    last = {(section, key): value for _, section, key, value in settings}
    stem, _, kind = said["path"].rpartition("/")[2].rpartition(".")
    installs = any(section == "Install" for _, section, _, _ in settings)
    start = said.get("start", installs)
    passes = kind == "service" and last.get(("Service", "Type")) == "oneshot"
    return Unit(
        said["path"],
        tuple(f"{stem}{one}.{kind}" for one in said.get("instances", ("",))),
        said.get("enable", installs),
        start,
        said.get("on_upgrade", "none" if passes and not start else "restart"),
        _activated(stem, kind, last),
        not passes or _is_true(last.get(("Service", "RemainAfterExit"), "")),
    )


def ordered(units: Sequence[Unit]) -> list[Unit]:
    """Return *units* in the order in which they start and stop."""
    return sorted(units, key=lambda unit: ORDER.index(unit.kind))


def problems(said: Mapping[str, Any], content: bytes, may_be_named: Callable[[str], bool]) -> list[str]:
    """
    Return why systemd would not load the unit that is *said*, with *content*, or not as what it should be.

    *may_be_named* says whether the project may bring a unit of a name: `Alias` is one too.
    """
    settings = list(_settings(content.decode("utf-8", errors="replace")))
    path, kind = said["path"], said["path"].rpartition(".")[2]
    own = [(line, key, value) for line, section, key, value in settings if section == kind.capitalize()]
    aliases = [
        f"line {line}: `Alias` is {one_line(name, 60)}, which is not a name of this project"
        for line, section, key, value in settings
        if (section, key) == ("Install", "Alias")
        for name in value.split()
        if not may_be_named(name)
    ]
    found = [*aliases, *(_service_problems(own) if kind == "service" else _needed_problems(kind, own))]
    if said.get("enable") and not any(section == "Install" for _, section, _, _ in settings):
        found.append("line 1: `enable` is true, and without [Install] nothing can enable it")
    return [f"{path} {problem}" for problem in found]


def _activated(stem: str, kind: str, last: Mapping[tuple[str, str], str]) -> str:
    """The unit that a socket, timer or path starts; of a socket that starts one each time its template."""
    if kind not in NEEDED:
        return ""
    if kind == "socket":
        each = "@" if _is_true(last.get(("Socket", "Accept"), "")) else ""
        return last.get(("Socket", "Service"), f"{stem}{each}.service")
    return last.get((kind.capitalize(), "Unit"), f"{stem}.service")


def _is_true(value: str) -> bool:
    return value in ("yes", "true", "on", "1")


def _settings(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield line, section, key and value of each setting of a unit."""
    section, before = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(("#", ";")):
            continue
        line, before = before + line, ""
        if line.endswith("\\"):
            before = f"{line[:-1]} "
        elif line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        else:
            key, _, value = line.partition("=")
            yield number, section, key.strip(), value.strip()


def _needed_problems(kind: str, settings: Sequence[Setting]) -> Iterator[str]:
    needed = NEEDED.get(kind, ())
    if needed and not any(key.startswith(needed) and value for _, key, value in settings):
        yield f"line 1: [{kind.capitalize()}] has no setting that begins with {' or '.join(needed)}"


def _service_problems(service: Sequence[Setting]) -> Iterator[str]:
    last = {key: value for _, key, value in service}
    is_oneshot = last.get("Type") == "oneshot"
    commands: list[tuple[int, str]] = []
    for line, key, value in service:
        if key == "ExecStart":
            commands = [*commands, (line, value)] if value else []
    stays = "ExecStop" in last and _is_true(last.get("RemainAfterExit", ""))
    if not commands and not (is_oneshot and (stays or "SuccessAction" in last)):
        yield "line 1: [Service] has no ExecStart"
    if len(commands) > 1 and not is_oneshot:
        yield f"line {commands[1][0]}: a second ExecStart, which only Type=oneshot may have"
    for line, value in commands:
        program = value.lstrip("@-:+!|").split(" ")[0]
        if "/" in program and not program.startswith(("/", "%", '"', "'", "$")):
            yield f"line {line}: ExecStart runs {one_line(program, 60)}, which is not an absolute path"
    if is_oneshot and last.get("Restart") in ("always", "on-success"):
        yield f"line 1: Restart={last['Restart']} is not for Type=oneshot"
