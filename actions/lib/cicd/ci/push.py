"""What a push means for a project. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Optional, Sequence, Tuple

from cicd.ci.build_queue import Lane, comes_back, is_older
from cicd.ci.run import FAILED, OPEN, PASSED, Before, Stage
from cicd.config import Project

HEADS, TAGS = "refs/heads/", "refs/tags/"
UNDER_WAY = OPEN | {PASSED}


@dataclass(frozen=True)
class Push:
    """
    One ref of one repository that moved, without a word of anybody's text.

    `paths` is None when what changed is not known in full; `delivery` is GitHub's id of the event, the
    same when it is sent again; `asked` when a person wants the build, and not GitHub; `authors`
    is everybody who is known to have written, pushed or asked for the commit.
    """

    repository: str
    ref: str
    commit: str
    user: str = "unknown"
    before: str = ""
    deleted: bool = False
    forced: bool = False
    fork: bool = False
    archived: bool = False
    default_branch: str = ""
    delivery: str = ""
    skip_ci: bool = False
    skip_deploy: bool = False
    paths: Optional[Tuple[str, ...]] = None
    asked: bool = False
    authors: Tuple[str, ...] = ()

    @property
    def branch(self) -> str:
        """The branch that moved; empty when it was a tag."""
        return self.ref[len(HEADS) :] if self.ref.startswith(HEADS) else ""


@dataclass(frozen=True)
class PushContext:
    """What is known when a push comes: the stage of its commit's run, the lane, what is deployed."""

    stage: Before = None
    lane: Lane = field(default_factory=Lane)
    deployed: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Whether a push starts the pipeline, the reason in words, and whether the canary follows."""

    build: bool
    reason: str
    deploy: bool = True


def decide(
    project: Project | None,
    push: Push,
    known: Optional[PushContext] = None,
    unusable: Sequence[str] = (),
) -> Decision:
    """
    Return what to do with *push* for *project*; None stands for a repository of no project.

    *unusable* are the projects whose files cannot be used: it may be the repository of one.
    """
    if project is None:
        also = f"; it may be of {', '.join(unusable)}, whose file cannot be used" if unusable else ""
        return Decision(False, f"{push.repository} is not the repository of a configured project{also}")
    now = known or PushContext()
    refusal = (
        _not_deployed_from(push)
        or _other_branch(project, push)
        or _known_already(push, now)
        or _unwanted(project, push)
        or _too_old(push, now)
    )
    if refusal:
        return Decision(False, refusal)
    return Decision(True, _welcome(push), deploy=not push.skip_deploy)


def branch_of(project: Project, push: Push) -> str:
    """Return the branch that *project* is deployed from: its own, or the repository's default one."""
    return project.branch or push.default_branch or "main"


def is_for(project: Project, push: Push) -> bool:
    """Whether *push* moved the branch that *project* is deployed from to another commit."""
    return not push.deleted and push.branch == branch_of(project, push)


def matches(patterns: Sequence[str], path: str) -> bool:
    """
    Whether one of *patterns* fits *path*.

    `*` and `?` stay within a folder, `**` crosses folders, and a pattern that ends in `/`
    means all below it.
    """
    return any(re.fullmatch(_expression(pattern), path) for pattern in patterns)


def _not_deployed_from(push: Push) -> str:
    if push.deleted:
        return f"{_label(push)} was deleted"
    if push.ref.startswith(TAGS):
        return f"{_label(push)} is a tag, and tags are not deployed"
    if push.archived:
        return f"{push.repository} is archived"
    if push.fork:
        return f"{push.repository} is a fork"
    return "" if push.branch else f"{push.ref} is not a branch"


def _other_branch(project: Project, push: Push) -> str:
    wanted = branch_of(project, push)
    return "" if push.branch == wanted else f"{push.branch} is not the branch that is deployed ({wanted})"


def _known_already(push: Push, known: PushContext) -> str:
    again = not push.asked and comes_back(known.lane, push.commit, push.before, push.delivery)
    if known.stage in UNDER_WAY and not (again and known.stage == PASSED):
        packaged = "; cicd.publish_apt_package packages it" if known.stage == PASSED else ""
        return f"this commit was pushed before and is {known.stage}{packaged}"
    if push.asked:
        return ""
    if push.commit in known.deployed:
        return "this commit is deployed already"
    if known.stage and not again:
        return f"this commit was pushed before and {_ended(known.stage)}; cicd.git_push builds it again"
    return ""


def _unwanted(project: Project, push: Push) -> str:
    if push.skip_ci:
        return "its message says [skip ci]"
    wanted = (*project.paths, *project.watch_paths)
    if push.asked or not wanted or push.paths is None or any(matches(wanted, p) for p in push.paths):
        return ""
    return f"none of the {len(push.paths)} changed files belongs to {project.name}"


def _too_old(push: Push, known: PushContext) -> str:
    head = known.lane.head
    if push.asked or head is None or not is_older(known.lane, push.commit, push.before):
        return ""
    state = ", which is deployed" if head.commit in known.deployed else ", which was pushed after it"
    return f"it is older than {head.commit[:7]}{state}"


def _welcome(push: Push) -> str:
    what = "a force-pushed commit" if push.forced else "a new commit"
    asked = f", asked for by {push.user}" if push.asked else ""
    held = ", without a deploy: [skip deploy]" if push.skip_deploy else ""
    return f"{what} on {push.branch}{asked}{held}"


def _ended(stage: Stage) -> str:
    return "failed" if stage == FAILED else f"was {stage}"


def _label(push: Push) -> str:
    return push.branch or push.ref[len(TAGS) :] or push.ref


def _expression(pattern: str) -> str:
    whole = pattern + "**" if pattern.endswith("/") else pattern
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.sub(r"\*\*/|\*\*|\*|\?|[^*?]+", lambda m: parts.get(m.group()) or re.escape(m.group()), whole)
