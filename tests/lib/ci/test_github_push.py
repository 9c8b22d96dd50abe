"""GitHub's event, reduced: with a gateway or without, it tells the same, and no text gets through."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.ci import github_push
from cicd.errors import InputError
from gateway import reduce as gateway

A, B = "a" * 40, "b" * 40
RAW = {
    "ref": "refs/heads/main",
    "before": B,
    "after": A,
    "created": False,
    "deleted": False,
    "forced": False,
    "base_ref": None,
    "compare": "https://github.com/acme/greeter/compare/b...a",
    "repository": {
        "name": "greeter",
        "full_name": "acme/greeter",
        "default_branch": "main",
        "fork": False,
        "archived": False,
        "description": "{{ config_context.token }}",
    },
    "pusher": {"name": "ann", "email": "ann@example.com"},
    "sender": {"login": "ann"},
    "head_commit": {
        "id": A,
        "message": "Fix it",
        "timestamp": "2026-11-24T22:00:00+01:00",
        "author": {"name": "Eve Example", "email": "eve@example.com", "username": "eve"},
        "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
    },
    "commits": [
        {
            "id": A,
            "message": "Fix it",
            "added": ["api/x.py"],
            "removed": [],
            "modified": ["README.md"],
            "author": {"name": "bob", "email": "bob@example.com"},
        }
    ],
}
HOSTILE = [
    "{{ 7 * 7 }}",
    "<% ctx().st2 %>",
    "{% raw %}",
    "$(touch /tmp/x)",
    "\x1b[31mred",
    "a\r\nb",
    "\u202ereversed",
    "x" * 100_000,
]


def raw(**changes) -> dict:
    return {**copy.deepcopy(RAW), **changes}


def test_what_a_push_means_is_read_from_the_event():
    push = github_push.parse(github_push.reduce(RAW))

    assert (push.repository, push.branch, push.commit, push.before) == ("acme/greeter", "main", A, B)
    assert push.paths == ("README.md", "api/x.py")
    assert push.user == "ann"


def test_everybody_who_could_have_put_a_commit_there_is_an_author():
    push = github_push.parse(github_push.reduce(raw(sender={"login": "carol"})))

    assert push.authors == ("ann", "bob", "bob@example.com", "carol", "eve", "web-flow")
    assert (
        github_push.parse(github_push.reduce(raw(pusher={"name": "unknown"}, sender=None))).user == "unknown"
    )


def test_who_asks_for_a_build_is_an_author_and_a_name_that_is_given_is_one_more():
    assert github_push.asked_for("acme/shop", "main", A, "ann", "bob", "").authors == ("ann", "bob")
    assert github_push.asked_for("acme/shop", "main", A, "@ann").user == "@ann"


@pytest.mark.parametrize(
    ("message", "skip_ci", "skip_deploy"),
    [
        ("Fix it", False, False),
        ("Fix it [skip ci]", True, False),
        ("Fix it\n\n[CI skip]", True, False),
        ("[no ci]", True, False),
        ("Fix it [skip deploy]", False, True),
        ("[skip deploy] [skip ci]", True, True),
        ("skip ci", False, False),
    ],
)
def test_markers_in_the_message_of_the_head_commit_are_found(message, skip_ci, skip_deploy):
    push = github_push.parse(github_push.reduce(raw(head_commit={"message": message})))

    assert (push.skip_ci, push.skip_deploy) == (skip_ci, skip_deploy)


@pytest.mark.parametrize(
    "changes",
    [
        {"created": True},
        {"forced": True},
        {"commits": []},
        {"commits": [{"added": ["a\nb"]}]},
        {"commits": [{"added": [f"{n}.py" for n in range(300)]}]},
        {"commits": None},
    ],
)
def test_paths_count_only_when_they_are_all_that_changed(changes):
    assert github_push.parse(github_push.reduce(raw(**changes))).paths is None


def test_a_deletion_is_told_by_its_flag_or_by_its_commit():
    assert github_push.parse(github_push.reduce(raw(deleted=True))).deleted
    assert github_push.parse(github_push.reduce(raw(after="0" * 40))).deleted


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/heads/a;touch /tmp/x"},
        {"ref": "refs/heads/{{ config_context }}"},
        {"ref": "refs/heads/a..b"},
        {"ref": "refs/pull/1/head"},
        {"ref": None},
        {"after": "main"},
        {"after": A.upper()},
        {"repository": {"full_name": "acme"}},
        {"repository": None},
        {"repository": [1]},
    ],
)
def test_an_event_that_names_nothing_usable_is_refused(changes):
    with pytest.raises(InputError):
        github_push.reduce(raw(**changes))


places = st.sampled_from(
    [
        ("pusher", "name"),
        ("head_commit", "message"),
        ("repository", "default_branch"),
        ("head_commit", "timestamp"),
        ("head_commit", "author"),
        ("sender", "login"),
        ("cicd", "authors"),
    ]
)


def _placed(name: str, text: str) -> object:
    return {"author": {"name": text, "username": text}, "authors": [text]}.get(name, text)


@given(places, st.sampled_from(HOSTILE) | st.text())
def test_no_hostile_text_gets_through(place, text):
    given_event = raw(commits=[{"added": [text], "message": text}])
    given_event[place[0]] = {**given_event.get(place[0], {}), place[1]: _placed(place[1], text)}

    reduced = json.dumps(github_push.reduce(given_event))

    assert not any(mark in reduced for mark in ("{{", "{%", "<%", "\\u001b", "$(", "\\u202e", "\\r"))
    assert len(reduced) < 30_000


simple = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([A, B, "refs/heads/main"])
json_values = st.recursive(
    simple, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(st.fixed_dictionaries({key: json_values | st.just(value) for key, value in RAW.items()}))
def test_with_a_gateway_and_without_one_an_event_means_the_same(given_event):
    forwarded = gateway.push(given_event)
    try:
        reduced = github_push.reduce(given_event)
    except InputError:
        assert forwarded.ignored
        return

    assert not forwarded.ignored
    assert github_push.parse(reduced) == github_push.parse(forwarded.body)


@given(json_values)
def test_whatever_comes_is_reduced_or_refused(anything):
    with pytest.raises(InputError):
        github_push.reduce(anything)
