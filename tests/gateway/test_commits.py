"""What the commits of a push tell."""

import pytest

from gateway.github_event import COMMITS_LIMIT, PATHS_LIMIT, summary


def pushed(*commits, message="Fix the greeting", **more):
    return {
        "created": False,
        "forced": False,
        "commits": list(commits),
        "head_commit": {"message": message},
        **more,
    }


def commit(added=(), removed=(), modified=()):
    return {"added": list(added), "removed": list(removed), "modified": list(modified)}


@pytest.mark.parametrize(
    ("message", "skip_ci", "skip_deploy"),
    [
        ("Fix the greeting", False, False),
        ("[skip ci]", True, False),
        ("Fix a typo [CI skip]\n\nIn the docs.", True, False),
        ("Text\n\n[no ci]", True, False),
        ("[skip-ci]", True, False),
        ("[skip deploy]", False, True),
        ("[Deploy Skip] [ci skip]", True, True),
        ("[no deploy]", False, True),
        ("skip ci", False, False),
        ("[skip cider]", False, False),
        ("[ skip ci ]", False, False),
        ("x" * 1_000_000 + "[skip ci]", True, False),
    ],
)
def test_the_head_commits_message_says_what_is_skipped(message, skip_ci, skip_deploy):
    told = summary(pushed(commit(), message=message))

    assert (told["skip_ci"], told["skip_deploy"]) == (skip_ci, skip_deploy)


def test_what_every_commit_touched_is_listed_once_and_sorted():
    told = summary(pushed(commit(["b"], ["a"]), commit(modified=["b", "docs/a b+c@1.md"])))

    assert told["paths"] == ["a", "b", "docs/a b+c@1.md"]
    assert told["paths_complete"]


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../b", "a//b", ".", "a\nb", "{{ x }}", "<% x %>", "$(id)", "ä", "x" * 256],
)
def test_an_odd_path_is_left_out_and_the_list_is_called_incomplete(path):
    told = summary(pushed(commit(["a", path])))

    assert (told["paths"], told["paths_complete"]) == (["a"], False)


@pytest.mark.parametrize("path", [".github/x.yml", "a/.b", "..a", "a..", "...", "a/b/c"])
def test_dots_in_names_are_fine(path):
    assert summary(pushed(commit([path])))["paths"] == [path]


def test_more_paths_than_the_limit_are_cut_and_the_list_is_called_incomplete():
    exact = summary(pushed(commit([f"f{number:04}" for number in range(PATHS_LIMIT)])))
    more = summary(pushed(commit([f"f{number:04}" for number in range(PATHS_LIMIT + 1)])))

    assert exact["paths_complete"]
    assert (more["paths"], more["paths_complete"]) == (exact["paths"], False)


@pytest.mark.parametrize(
    "push",
    [
        pushed(commit(["a"]), created=True),
        pushed(commit(["a"]), forced=True),
        pushed(*[commit(["a"])] * COMMITS_LIMIT),
        {"commits": [commit(["a"])]},
    ],
)
def test_a_push_whose_commits_are_not_all_that_changed_is_incomplete(push):
    assert not summary(push)["paths_complete"]


@pytest.mark.parametrize(
    "odd", [None, [], "x", {"commits": "x"}, {"commits": [None, {"added": {}}]}, pushed(0)]
)
def test_whatever_comes_is_summarised(odd):
    assert summary(odd)["paths"] == []
