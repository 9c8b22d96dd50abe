"""Hostile text on its whole way: git, gateway, rule, workflow, shell, Jenkins, package, chat and GitHub."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway import github_event
from tests.conformance.local import ROOT
from tests.whole import hostile
from tests.whole.hostile import ACTING, MARK, PRODUCT, Hostile
from tests.whole.world import (
    CIBUILD,
    JENKINS_TOKEN,
    MAIN,
    ODD,
    ODD_PROJECT,
    PROJECT,
    SCRIPT,
    SECRETS,
    TOPIC,
    Whole,
    wait_until,
)

# Eight hostile texts a push; HOSTILE_FROM is the first seed.
FIRST = int(os.environ.get("HOSTILE_FROM", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HOSTILE_PUSHES", "3")))
LARGEST = 1024 * 1024


def commit(whole: Whole, push: Hostile) -> dict[str, Any]:
    """Commit and push *push*, and return what GitHub tells, with more hostile text than git takes."""
    end = "exit 0" if push.passes else "exit 1"
    files = {
        CIBUILD: f"{SCRIPT}cat console.txt\nsleep 1\n{end}\n",
        "console.txt": push.console,
        push.file: push.file,
    }
    branch = ODD if push.is_odd else MAIN
    told = whole.commit(push.message, files, branch, push.author)
    told["head_commit"]["author"]["name"] = told["repository"]["description"] = push.author
    told["sender"]["login"] = told["pusher"]["email"] = push.author
    return told


def tell(whole: Whole, push: Hostile, told: dict[str, Any]) -> None:
    """Tell of *push* by its route; what is too large for the gateway is refused, and found all the same."""
    if push.route == "straight":
        assert whole.deliver_straight(told, told["after"][:12]).status_code == 202
    elif push.route == "gateway":
        is_large = len(json.dumps(told)) > LARGEST
        assert whole.deliver(told, told["after"][:12]).status_code == (413 if is_large else 202)


def describe(whole: Whole, build: dict[str, Any], text: str) -> None:
    """Describe *build* in Jenkins."""
    url = f"{whole.jenkins.url}/job/{build['job']}/{build['number']}/submitDescription"
    form = {"description": text}
    answer = requests.post(url, data=form, auth=("cicd", JENKINS_TOKEN), timeout=30, allow_redirects=False)
    assert answer.status_code == 302


def strings(value: Any) -> Iterator[str]:
    """Yield every string in JSON-like *value*."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(list(value) + list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def acting(value: Any) -> list[str]:
    """Return the strings in *value* that would still act where they are shown."""
    return [text[:200] for text in strings(value) if ACTING.search(text)]


def newest(whole: Whole) -> list[dict[str, Any]]:
    """Return the newest executions, whole: more than one push leaves behind."""
    return whole.rest.get("/executions/?limit=100&include_attributes=")


def everything(whole: Whole) -> str:
    """Return all that is kept of a push, but for what the gateway keeps for people to read."""
    kept = [newest(whole), whole.keys()]
    kept += [whole.rest.get(f"/{kind}/?limit=100") for kind in ("triggerinstances", "ruleenforcements")]
    record = whole.folder / "github.json"
    logs = [whole.local.log, whole.gateway.log.read_text(), record.read_text() if record.exists() else ""]
    return json.dumps(kept, ensure_ascii=False) + "".join(logs)


def executed(whole: Whole) -> list[Path]:
    """Return the files that a command in a text would have made."""
    folders = [whole.folder, whole.host.home]
    found = [path for folder in folders for path in folder.rglob(MARK)]
    return found + [
        path for folder in (ROOT, "/", "/tmp", Path.home()) if (path := Path(folder) / MARK).exists()
    ]


def nothing_acted(whole: Whole) -> None:
    """Hold that no text was evaluated or executed, that no secret got out, and that none still acts."""
    kept = everything(whole)
    assert [word for word in (PRODUCT, *SECRETS) if word in kept] == []
    assert "git_push" in kept
    assert executed(whole) == []
    # Without a gateway one action takes the raw event, to take the text out.
    inner = [one for one in newest(whole) if one["action"]["ref"] != "cicd.reduce_push"]
    assert acting([[one["parameters"], one.get("result")] for one in inner]) == []
    assert acting(whole.keys()) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_push_of_hostile_text_is_data_all_the_way(whole, seed):
    push = hostile.made(seed)
    project, last = (ODD_PROJECT if push.is_odd else PROJECT), "ci_success" if push.passes else "ci_failure"
    told = commit(whole, push)
    tell(whole, push, told)
    wait_until(lambda: whole.builds(told["after"]))
    describe(whole, whole.builds(told["after"])[0], push.description)
    wait_until(lambda: whole.ended(last, told["after"]))
    (ended,) = whole.ended(last, told["after"])

    assert ended["status"] == "succeeded", ended["result"]["output"]
    assert whole.run(told["after"], project)["stage"] == ("passed" if push.passes else "failed")
    assert len(whole.builds(told["after"])) == 1
    assert whole.packages(told["after"]) == push.passes
    nothing_acted(whole)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_branch_of_hostile_name_starts_nothing_and_is_refused_visibly(whole, seed):
    push = hostile.made(seed)
    told = whole.commit("Work", {"app.conf": f"x = {seed}\n"}, TOPIC)
    ref = f"refs/heads/{push.branch}"
    answer = whole.deliver({**told, "ref": ref}, f"branch {seed}").json()

    if github_event.REF.fullmatch(ref):
        assert answer["decision"] == "accepted"
        wait_until(lambda: whole.ended("git_push", told["after"]))
        assert "is not the branch that is deployed" in listed(whole, told["after"])
    else:
        line = json.loads(whole.gateway.log.read_text().splitlines()[-1])
        assert line["decision"] == answer["decision"] == "ignored"
        assert "the ref" in line["reason"]
        assert whole.executions("git_push", told["after"]) == []
    assert whole.builds(told["after"]) == []
    nothing_acted(whole)


def listed(whole: Whole, commit: str) -> str:
    """Return the line on *commit* that chat shows of the newest events."""
    said = whole.rest.run("cicd.list_events", {"last": 20})["result"]["result"]["message"]
    return next((line for line in said.splitlines() if commit[:7] in line), "")
