"""What may go on is a subset of what came, and only of known form."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import reduce
from gateway.alarms.alarm import PROJECT
from gateway.github_event import BRANCH, GITHUB, REF, REPOSITORY, TIMESTAMP, URL, subset
from gateway.reduce import JENKINS, TRACE
from tests.gateway.wire import COMMIT, callback, push

SHAPES = [GITHUB, JENKINS]
GOOD = [
    "acme/greeter",
    "refs/heads/main",
    "main",
    "greeter",
    "SUCCESS",
    COMMIT,
    f"acme/greeter@{COMMIT}",
    "https://a.example/b",
]
HOSTILE = ["{{ 7 * 7 }}", "<% ctx() %>", "$(id)", "a;b", "a\nb", "\x1b[31m", "\u202e", "main\n", "a" * 10_000]
KEYS = sorted({*GITHUB, *JENKINS, *JENKINS["build"], "full_name", "COMMIT", "TRACE", "x"})
LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(GOOD + HOSTILE)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


def alike(shape):
    """Return JSON objects that mostly have *shape*."""
    fields = {
        key: st.one_of(alike(wanted) if isinstance(wanted, dict) else LEAVES, JSON)
        for key, wanted in shape.items()
    }
    return st.fixed_dictionaries({}, optional={**fields, "x": JSON})


def is_subset(kept, came):
    if isinstance(kept, dict):
        return isinstance(came, dict) and all(k in came and is_subset(v, came[k]) for k, v in kept.items())
    return type(kept) is type(came) and kept == came


def fits(kept, wanted):
    if isinstance(wanted, dict):
        return set(kept) <= set(wanted) and all(fits(value, wanted[key]) for key, value in kept.items())
    if isinstance(wanted, re.Pattern):
        return wanted.fullmatch(kept) is not None
    return kept in wanted if isinstance(wanted, range) else type(kept) is wanted


@given(JSON | st.one_of([alike(shape) for shape in SHAPES]))
def test_the_reduced_event_is_a_subset_whose_strings_pass_their_patterns(value):
    for shape in SHAPES:
        kept = subset(value, shape)
        assert kept == {} or is_subset(kept, value)
        assert fits(kept, shape)
        strings = json.dumps(kept, ensure_ascii=False)
        assert not re.search(r"\{\{|\{%|\{#|<%|[;`$\\\n\x00-\x1f\x7f-\U0010ffff]", strings)


@given(JSON | st.one_of([alike(shape) for shape in SHAPES]))
def test_whatever_comes_is_either_ignored_or_complete(value):
    pushed, called = reduce.push(value), reduce.jenkins(value)

    assert pushed.ignored or TRACE.fullmatch(pushed.trace)
    assert called.ignored or {"number", "phase"} <= set(called.body["build"])
    assert not called.trace or TRACE.fullmatch(called.trace)
    assert reduce.other(value).ignored


def test_a_push_keeps_its_shape_and_loses_its_free_text():
    assert reduce.push(json.loads(push())).body == {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": COMMIT,
        "deleted": False,
        "compare": "https://github.com/acme/greeter/compare/a...b",
        "repository": {"name": "greeter", "full_name": "acme/greeter"},
        "pusher": {"name": "ann"},
        "head_commit": {"id": COMMIT, "timestamp": "2026-11-24T12:00:00+01:00"},
        "cicd": {
            "skip_ci": False,
            "skip_deploy": True,
            "paths": ["app/main.py"],
            "paths_complete": False,
            "authors": [],
        },
    }


def test_only_its_delivery_tells_a_push_from_another_one():
    assert reduce.push(json.loads(push())).key == ""


def called(**build: object) -> reduce.Event:
    body = json.loads(callback())
    return reduce.jenkins({**body, "build": {**body["build"], **build}})


@pytest.mark.parametrize("parameters", [None, {}, {"PROJECT": "", "COMMIT": ""}, {"PROJECT": "greeter"}])
def test_a_callback_of_a_build_that_a_person_started_without_parameters_goes_no_further(parameters):
    assert "no pipeline asked for" in called(parameters=parameters).ignored


@pytest.mark.parametrize("name", ["main", "feature%2Fcart", "Job with spaces", None])
def test_a_callback_of_a_job_in_folders_goes_on_by_its_project_whatever_its_name(name):
    event = reduce.jenkins({**json.loads(callback()), "name": name})

    assert not event.ignored
    assert event.lane == "jenkins greeter"


def test_builds_of_one_number_and_name_in_two_folders_are_two():
    one, two = (called(full_url=f"http://jenkins/job/{folder}/job/main/7/") for folder in ("shop", "web"))

    assert one.key != two.key


@pytest.mark.parametrize(
    "site", ["https://github.example.com/", "https://github.com.example.com/", "https://git/"]
)
def test_a_link_to_another_host_is_left_out(site):
    pushed = reduce.push(json.loads(push()), site)
    called = reduce.jenkins(json.loads(callback()), site)

    assert not pushed.ignored
    assert "compare" not in pushed.body
    assert not called.ignored
    assert "full_url" not in called.body["build"]
    assert "compare" in reduce.push(json.loads(push()), "https://github.com/").body
    assert "full_url" in reduce.jenkins(json.loads(callback()), "http://jenkins:8080/").body["build"]


def test_a_callback_keeps_its_shape_and_loses_its_log():
    build = reduce.jenkins(json.loads(callback())).body["build"]

    assert set(build) == {"number", "phase", "status", "full_url", "scm", "parameters"}
    assert set(build["parameters"]) == {"PROJECT", "COMMIT", "TRACE"}
    assert build["scm"] == {"commit": COMMIT, "branch": "main"}


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (REPOSITORY, "a/b A-1/.github a/_x.y-z octocat_acme/b", "a a/b/c _a/b -a/b a/.. a/. ../b a/b@c a/ä"),
        (
            REF,
            "refs/heads/a refs/tags/v1.0 refs/heads/f/x+y@z=1",
            "main refs/heads/ refs/pull/1 refs/heads/-x",
        ),
        (BRANCH, "main release/1.x", "a..b ../x a:b a~1 a^ a{b a$b a`b a|b"),
        (PROJECT, "greeter a_b.c+d-1", "-x .x a/b a@b " + "a" * 65),
        (
            TIMESTAMP,
            "2026-11-24T12:00:00Z 2026-11-24T12:00:00.123+01:00",
            "2026-11-24 2026-11-24T12:00:00 1763985600 2026-11-24T12:00:00Zx",
        ),
        (URL, "http://a/b?c=d&e=%20 https://a:8080/", "ftp://a javascript:x http:// http://a/<b http://a'b"),
        (TRACE, f"a/b@{COMMIT}", f"a/..@{COMMIT} a/b@{'g' * 40} a/b@ {COMMIT}"),
    ],
)
def test_patterns(pattern, good, bad):
    assert [text for text in good.split() if not pattern.fullmatch(text)] == []
    assert [text for text in bad.split() if pattern.fullmatch(text)] == []
