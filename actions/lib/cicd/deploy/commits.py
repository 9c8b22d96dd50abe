"""The commits between two versions of a project."""

from __future__ import annotations

from typing import List, Sequence, Tuple, TypedDict

from cicd import identifiers
from cicd.clients.ssh import Shell
from cicd.config import Settings
from cicd.errors import HostError, InputError, Refused
from cicd.package.build_hosts import find_host
from cicd.release.version import short_commit_of
from cicd.sanitize import one_line
from cicd.store.store import Store

LIMIT = 20
SEPARATOR = "\x1f"


class Commit(TypedDict):
    """A commit `when` (epoch seconds) its author made it."""

    commit: str
    author: str
    when: int
    subject: str


class Listed(TypedDict):
    """How many commits only the one or the other version contains, and the newest of them."""

    added: int
    removed: int
    commits: List[Commit]


Comparison = TypedDict(
    "Comparison",
    {"project": str, "from": str, "to": str, "added": int, "removed": int, "commits": List[Commit]},
)


def chosen(settings: Settings, project: str, old: str, new: str) -> Tuple[str, str]:
    """Return *old* and *new*; an empty one is what is wanted on the last ring, or on the first."""
    known = Store(settings).release(settings.project(project).name)
    ends = []
    for given, ring in ((old, known.lifecycle.last), (new, known.lifecycle.first)):
        build = known.ring(ring).wanted
        if not given and build is None:
            raise Refused(
                f"{project} has no version on {ring} to compare with.",
                f"Name both: st2 run cicd.compare_versions project={project} from_version=… to_version=…",
            )
        ends.append(given or (build.version if build else ""))
    return ends[0], ends[1]


def between(settings: Settings, project: str, old: str, new: str) -> Comparison:
    """
    Return what leads from version *old* to *new*, read from git on a build host.

    `added` and `removed` count the commits that only the one or the other contains;
    `commits` are the newest of those added (of those removed, when none is added), at
    most 20: commit, author, epoch second of the commit, subject. InputError when a
    version was not built by this pipeline; HostError when git does not know its commit.
    """
    found = settings.project(project)
    ends = [short_commit_of(identifiers.check("version", version)) for version in (old, new)]
    section = settings.package
    host = find_host(Store(settings), section.service, section.tag, ends[0].ljust(40, "0"))
    with Shell(settings, host) as shell:
        url, secrets = settings.clone_url(found), settings.clone_secrets(found)
        said = shell.script("list_commits", [url, *ends, str(LIMIT), *secrets], section.timeout)
    return {"project": found.name, "from": old, "to": new, **parse(said)}


def parse(output: str) -> Listed:
    """Return the counts and the commits that list_commits.sh printed."""
    head, *lines = output.split("\n")
    try:
        added, removed = (int(number) for number in head.split())
        commits = [_commit(line) for line in lines if line]
    except (ValueError, InputError):
        raise HostError("git's answer on the build host is unreadable.", "Update git there.") from None
    return {"added": added, "removed": removed, "commits": commits}


def message(found: Comparison) -> str:
    """Return the comparison as lines to read."""
    lines = [f"{found['project']} {found['from']} -> {found['to']}: {_counted(found)}"]
    sign = "+" if found["added"] else "-"
    lines += [f"{sign} {c['commit'][:7]}  {c['author']}: {c['subject']}" for c in found["commits"]]
    missing = (found["added"] or found["removed"]) - len(found["commits"])
    return "\n".join([*lines, f"  and {missing} older"] if missing > 0 else lines)


def _counted(found: Comparison) -> str:
    counts = {"added": found["added"], "removed": found["removed"]}
    said = [f"{count} {_plural(count)} {what}" for what, count in counts.items() if count]
    return ", ".join(said) or "the same commit"


def _plural(number: int) -> str:
    return "commit" if number == 1 else "commits"


def _commit(line: str) -> Commit:
    commit, author, when, subject = _four(line.split(SEPARATOR, 3))
    return {
        "commit": identifiers.check("commit", commit),
        "author": one_line(author, 30),
        "when": int(when),
        "subject": one_line(subject, 80),
    }


def _four(parts: Sequence[str]) -> Sequence[str]:
    if len(parts) != 4:
        raise ValueError(parts)
    return parts
