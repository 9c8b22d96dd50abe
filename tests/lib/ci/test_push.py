"""What a push means."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.ci import build_queue
from cicd.ci.build_queue import Lane
from cicd.ci.push import Push, PushContext, decide, is_for, matches
from cicd.config import Project

GREETER = Project("greeter", "acme/greeter", branch="main")
ANY_BRANCH = replace(GREETER, branch="")
API = Project("api", "acme/shop", branch="main", paths=("api/", "*.lock"), watch_paths=("shared/",))
A, B, D = "a" * 40, "b" * 40, "d" * 40
PUSH = Push("acme/greeter", "refs/heads/main", A, "ann", before=B, default_branch="main")
C = "c" * 40
AT_B = build_queue.record_move(build_queue.record_move(Lane(), C, D, "d0"), B, C, "d1")
BACK_AT_C = build_queue.record_move(AT_B, C, B, "d2")


def push(**changes) -> Push:
    return replace(PUSH, **changes)


DECISIONS = [
    (GREETER, push(), PushContext(), True, "a new commit on main"),
    (None, push(), PushContext(), False, "not the repository of a configured project"),
    (GREETER, push(ref="refs/heads/feature/x"), PushContext(), False, "feature/x is not the branch"),
    (GREETER, push(ref="refs/heads/mainly"), PushContext(), False, "mainly is not the branch"),
    (GREETER, push(default_branch="trunk"), PushContext(), True, "a new commit on main"),
    (ANY_BRANCH, push(default_branch="trunk"), PushContext(), False, "the branch that is deployed (trunk)"),
    (ANY_BRANCH, push(ref="refs/heads/trunk", default_branch="trunk"), PushContext(), True, "on trunk"),
    (GREETER, push(ref="refs/tags/v1"), PushContext(), False, "v1 is a tag"),
    (GREETER, push(deleted=True), PushContext(), False, "main was deleted"),
    (GREETER, push(ref="refs/tags/v1", deleted=True), PushContext(), False, "v1 was deleted"),
    (GREETER, push(fork=True), PushContext(), False, "is a fork"),
    (GREETER, push(archived=True), PushContext(), False, "is archived"),
    (GREETER, push(forced=True), PushContext(), True, "a force-pushed commit on main"),
    (GREETER, push(skip_ci=True), PushContext(), False, "[skip ci]"),
    (GREETER, push(skip_deploy=True), PushContext(), True, "without a deploy: [skip deploy]"),
    (GREETER, push(), PushContext(stage="accepted"), False, "and is accepted"),
    (GREETER, push(), PushContext(stage="building"), False, "and is building"),
    (GREETER, push(), PushContext(stage="passed"), False, "and is passed"),
    (GREETER, push(), PushContext(stage="failed"), False, "and failed; cicd.git_push builds it again"),
    (GREETER, push(), PushContext(stage="superseded"), False, "was superseded"),
    (GREETER, push(asked=True), PushContext(stage="failed"), True, "asked for by ann"),
    (GREETER, push(asked=True), PushContext(stage="building"), False, "and is building"),
    (GREETER, push(), PushContext(deployed=(A,)), False, "is deployed already"),
    (
        GREETER,
        push(commit=C, before=D),
        PushContext(lane=AT_B),
        False,
        f"than {B[:7]}, which was pushed after",
    ),
    (
        GREETER,
        push(commit=C, before=D),
        PushContext(lane=AT_B, deployed=(B,)),
        False,
        f"{B[:7]}, which is deployed",
    ),
    (GREETER, push(commit=C, before=D, forced=True), PushContext(lane=AT_B), False, f"older than {B[:7]}"),
    (GREETER, push(commit=C, before=B, forced=True), PushContext(lane=AT_B), True, "a force-pushed commit"),
    (GREETER, push(), PushContext(lane=AT_B), True, "a new commit"),
    (GREETER, push(before="e" * 40), PushContext(lane=AT_B), True, "a new commit"),
    (
        GREETER,
        push(commit=B, before=C, delivery="d3"),
        PushContext("failed", BACK_AT_C),
        True,
        "a new commit",
    ),
    (
        GREETER,
        push(commit=B, before=C, delivery="d3"),
        PushContext("superseded", BACK_AT_C),
        True,
        "a new commit",
    ),
    (
        GREETER,
        push(commit=B, before=C, delivery="d3"),
        PushContext("passed", BACK_AT_C),
        True,
        "a new commit",
    ),
    (
        GREETER,
        push(commit=B, before=C, delivery="d3"),
        PushContext("passed", BACK_AT_C, (B,)),
        False,
        "is deployed",
    ),
    (
        GREETER,
        push(commit=B, before=C, delivery="d3"),
        PushContext("waiting", BACK_AT_C),
        False,
        "and is waiting",
    ),
    (GREETER, push(commit=B, before=C, delivery="d1"), PushContext("failed", BACK_AT_C), False, "and failed"),
    (
        GREETER,
        push(commit=B, before=C, delivery="d1"),
        PushContext("passed", BACK_AT_C),
        False,
        "and is passed",
    ),
    (API, push(paths=("api/x.py",)), PushContext(), True, "a new commit"),
    (API, push(paths=("poetry.lock",)), PushContext(), True, "a new commit"),
    (API, push(paths=("web/poetry.lock", "README.md")), PushContext(), False, "none of the 2 changed files"),
    (API, push(paths=("shared/deep/x.py",)), PushContext(), True, "a new commit"),
    (API, push(paths=("apix/x.py",)), PushContext(), False, "none of the 1 changed files"),
    (API, push(paths=()), PushContext(), False, "none of the 0 changed files"),
    (API, push(paths=None), PushContext(), True, "a new commit"),
    (API, push(paths=("web/x",), asked=True), PushContext(), True, "asked for by ann"),
    (GREETER, push(paths=("docs/x",)), PushContext(), True, "a new commit"),
]


@pytest.mark.parametrize(("project", "pushed", "known", "build", "reason"), DECISIONS)
def test_defect_8_every_push_is_decided_with_a_reason(project, pushed, known, build, reason):
    decision = decide(project, pushed, known)

    assert decision.build is build
    assert reason in decision.reason


def test_skip_deploy_builds_and_does_not_deploy():
    assert decide(GREETER, push(skip_deploy=True)).deploy is False
    assert decide(GREETER, push()).deploy is True


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("api/", "api/a/b.py", True),
        ("api/", "api", False),
        ("*.py", "a.py", True),
        ("*.py", "a/b.py", False),
        ("**/*.py", "b.py", True),
        ("**/*.py", "a/c/b.py", True),
        ("a/**", "a/b/c", True),
        ("a/?.py", "a/b.py", True),
        ("a/?.py", "a//.py", False),
        ("a.py", "abpy", False),
        ("a[b]c", "abc", False),
    ],
)
def test_a_pattern_fits_paths_as_people_expect(pattern, path, fits):
    assert matches([pattern], path) is fits


commits = st.sampled_from([character * 40 for character in "abcdef0"])
pushes = st.builds(
    Push,
    st.sampled_from(["acme/greeter", "acme/shop"]),
    st.sampled_from(["refs/heads/main", "refs/heads/x", "refs/tags/main", "refs/pull/1/head"]),
    commits,
    before=commits,
    deleted=st.booleans(),
    forced=st.booleans(),
    fork=st.booleans(),
    archived=st.booleans(),
    default_branch=st.sampled_from(["", "main", "x"]),
    delivery=st.sampled_from(["", "d1", "d2"]),
    skip_ci=st.booleans(),
    skip_deploy=st.booleans(),
    paths=st.none() | st.tuples(st.sampled_from(["api/x", "web/x"])),
    asked=st.booleans(),
)
lanes = st.builds(build_queue.record_move, st.just(Lane()), commits, commits, st.sampled_from(["", "d1"]))
stages = st.none() | st.sampled_from(["accepted", "waiting", "building", "passed", "failed", "superseded"])
known = st.builds(PushContext, stages, lanes, st.tuples(commits))
projects = st.sampled_from([GREETER, ANY_BRANCH, API])


@given(projects, pushes, known)
def test_only_a_living_branch_of_the_project_that_nobody_builds_yet_is_built(project, pushed, before):
    decision = decide(project, pushed, before)

    assert decision.reason
    if decision.build:
        assert is_for(project, pushed)
        assert not any((pushed.fork, pushed.archived, pushed.skip_ci))
        assert before.stage in (None, "failed", "superseded", "passed")
        moved = before.lane.head.commit != pushed.commit
        assert before.stage is None or (pushed.asked and before.stage != "passed") or moved


@given(projects, pushes, known)
def test_a_decision_depends_on_nothing_else(project, pushed, before):
    assert decide(project, pushed, before) == decide(project, pushed, before)
