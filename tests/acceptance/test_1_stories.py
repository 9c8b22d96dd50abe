"""The demo's four commits, one after the other, with the status page open beside them."""

from pathlib import Path

import pytest
import requests

from demo.steps import NAMES
from demo.stories import PROJECT, STORIES
from tests.acceptance.conftest import HOOK, ROOT
from tests.browser import Browser

# GitHub sends no trace tag: past the gateway the trace begins with what Jenkins tells.
FIRST = 1 if HOOK == "gateway" else 4
PICTURES = Path(ROOT) / "build" / "pictures"
SIZES = {"wide": (1240, 900), "phone": (360, 740)}
# Remembers each step that the page shows of each commit; a reload would forget all of it.
REMEMBER = """
window.seen = {};
const look = () => document.querySelectorAll(".run").forEach((run) => {
  const commit = run.querySelector("a").href.split("/").pop();
  const step = Number(run.querySelector(".steps").getAttribute("aria-label").split(" ")[1]);
  const steps = window.seen[commit] = window.seen[commit] || [];
  if (steps[steps.length - 1] !== step) steps.push(step);
});
look();
new MutationObserver(look).observe(document.querySelector("main"), { childList: true });
"""
LAYOUT = """
return [getComputedStyle(document.body).backgroundColor, document.documentElement.scrollWidth, innerWidth];
"""


@pytest.fixture(scope="module")
def browser(world):
    with Browser() as opened:
        opened.resize(*SIZES["wide"])
        opened.open(f"{world.description['status']['url']}/projects/{PROJECT}")
        opened.run(REMEMBER)
        yield opened


@pytest.mark.parametrize(("name", "story"), STORIES, ids=[name for name, _ in STORIES])
def test_story(teller, browser, name, story):
    story(teller)


def test_all_19_steps_of_the_first_commit_are_in_the_execution_tree(teller):
    first = next(iter(teller.view.steps.values()))

    assert [(step.number, step.status) for step in first] == [
        (n, "succeeded") for n in range(FIRST, len(NAMES) + 1)
    ]


def test_history_says_who_what_and_why(stackstorm):
    history = stackstorm.run("cicd.get_release", project=PROJECT)["result"]["result"]["history"]

    assert {"promote", "restore", "confirm", "advertise_canary"} <= {entry["what"] for entry in history}
    assert all(entry["who"] and entry["why"] and entry["when"] for entry in history)


def test_the_page_followed_each_push_without_being_reloaded(browser, teller):
    seen = browser.run("return window.seen")
    first, second, failed, taken_back = (trace.rpartition("@")[2] for trace in teller.view.steps)

    for commit in (first, second):
        assert seen[commit] == sorted(seen[commit])
        assert seen[commit][0] <= 4
        assert {15, 16} & {*seen[commit]}
        assert seen[commit][-1] == 19
    assert seen[failed][-1] == 4
    assert seen[taken_back][-1] == 15


def test_the_page_of_a_commit_has_the_seconds_and_the_execution_of_each_step(world, teller, stackstorm):
    commit = next(iter(teller.view.steps)).rpartition("@")[2]
    url = f"{world.description['status']['url']}/api/projects/{PROJECT}"
    runs = {run["commit"]: run for run in requests.get(url, timeout=10).json()["runs"]}
    steps = dict(enumerate(runs[commit]["steps"], 1))
    took = {number for number, step in steps.items() if step["seconds"] is not None}
    done = {number: stackstorm.get(step["execution"]) for number, step in steps.items() if step["execution"]}

    assert {*steps} - took == {1, 17}
    assert runs[commit]["seconds"] >= max(steps[number]["seconds"] for number in took)
    assert done[2]["action"]["ref"] == "cicd.receive_push"
    assert done[10]["action"]["ref"] == "cicd.build_package"
    assert done[15]["action"]["ref"] == done[19]["action"]["ref"] == "cicd.update_hosts"


@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_a_screen_and_a_phone_in_light_and_in_dark(browser, world, teller, size):
    url = world.description["status"]["url"]
    commit = next(iter(teller.view.steps)).rpartition("@")[2]
    places = {
        "all": "/",
        "project": f"/projects/{PROJECT}",
        "commit": f"/projects/{PROJECT}/commits/{commit}",
    }
    browser.resize(*SIZES[size])
    for name, place in places.items():
        backgrounds = set()
        browser.open(f"{url}{place}")
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            background, needed, width = browser.run(LAYOUT)
            browser.picture(PICTURES / f"{name}-{size}-{scheme}.png")
            assert needed <= width
            backgrounds.add(background)
        assert len(backgrounds) == 2
