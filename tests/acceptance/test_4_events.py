"""One push is one run: replayed, in a burst, without its callback, and without a gateway."""

import base64
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from demo.stackstorm import ENDED
from demo.stories import PROJECT, REPOSITORY, set_version
from demo.world import wait_for

PUSHES = 20
PHASES = ("QUEUED", "STARTED", "COMPLETED", "FINALIZED")


def change(version: str, waits_for: str = ""):
    """A change of the sample application that CI accepts, once the origin has the ref *waits_for*, if any."""

    def apply(clone: Path) -> None:
        root = Path(__file__).parents[2] / "examples" / PROJECT
        subprocess.run(["cp", "-r", f"{root}/.", clone], check=True)
        set_version(clone, version)
        if waits_for:
            with (clone / "script" / "cibuild").open("a") as script:
                script.write(f"until git ls-remote --exit-code origin {waits_for}; do sleep 1; done\n")

    return apply


def commit_of(trace: str) -> str:
    return trace.rpartition("@")[2]


def webhook(world, hook: str) -> str:
    """Where StackStorm itself takes events, past the gateway."""
    key = (Path(world.description["root"]) / "secrets" / "st2_api_key").read_text().strip()
    return f"{world.description['stackstorm']['api_url']}/webhooks/cicd/{hook}?st2-api-key={key}"


def raw_push(commit: str, message: str = "Change it", ref: str = "refs/heads/main") -> bytes:
    """GitHub's own event, with text in it."""
    made = {"id": commit, "message": message, "added": [], "removed": [], "modified": ["greeter.py"]}
    repository = {"name": PROJECT, "full_name": REPOSITORY, "default_branch": "main", "description": message}
    event = {
        "ref": ref,
        "before": "b" * 40,
        "after": commit,
        "created": False,
        "deleted": False,
        "forced": False,
        "compare": f"https://github.com/{REPOSITORY}/compare/a...b",
        "repository": {**repository, "fork": False, "archived": False},
        "pusher": {"name": "ann", "email": "ann@lab.invalid"},
        "head_commit": {**made, "timestamp": "2026-11-24T12:00:00Z"},
        "commits": [made],
    }
    return json.dumps(event).encode()


def deliver_straight(world, body: bytes, delivery: str) -> int:
    headers = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery}
    return requests.post(webhook(world, "github"), data=body, headers=headers, timeout=30).status_code


def jenkins(world, path: str) -> dict:
    described = world.description["jenkins"]
    token = Path(described["token_file"]).read_text().strip()
    url = f"{described['url']}/job/{PROJECT}/{path}"
    return requests.get(url, auth=(described["user"], token), timeout=10).json()


def builds_of(world, commit: str) -> list[dict]:
    tree = "builds[number,url,queueId,result,actions[parameters[name,value]]]{0,100}"
    found = jenkins(world, f"api/json?tree={tree}")["builds"]
    return [build for build in found if commit in json.dumps(build["actions"])]


def tell_phase(world, commit: str, build: dict, phase: str, status: str) -> int:
    """Jenkins' Notification plugin tells StackStorm of *phase*."""
    state = {"number": build["number"], "phase": phase, "status": status, "full_url": build["url"]}
    parameters = {"PROJECT": PROJECT, "COMMIT": commit, "TRACE": f"{REPOSITORY}@{commit}"}
    body = {"name": PROJECT, "build": {**state, "parameters": parameters}}
    return requests.post(webhook(world, "jenkins"), json=body, timeout=30).status_code


def packages_of(world, commit: str) -> int:
    repository = world.description["repository"]
    path = f"dists/{repository['distribution']}/{repository['component']}/binary-amd64/Packages"
    index = requests.get(f"{repository['url']}/{path}", timeout=10).text
    return index.lower().count(f"x-git-commit: {commit}")


def canaries_of(stackstorm, trace: str) -> int:
    history = stackstorm.run("cicd.list_history", project=PROJECT, last=100)["result"]["result"]["history"]
    return sum(entry["what"] == "advertise_canary" and entry["trace"] == trace for entry in history)


def events(stackstorm, last: int = 20) -> list[dict]:
    return stackstorm.run("cicd.list_events", last=last)["result"]["result"]["events"]


def decisions(world, commit: str) -> list[str]:
    """Return what was decided on *commit*, each time that it came."""
    items = requests.get(
        f"{world.description['consul']['url']}/v1/kv/cicd/events/?recurse", timeout=10
    ).json()
    kept = [json.loads(base64.b64decode(item["Value"])) for item in items]
    return [entry["decision"] for entry in kept if entry["commit"] == commit]


def settle(stackstorm) -> None:
    """Wait until no execution of the pack is under way."""

    def is_quiet() -> bool:
        newest = stackstorm.client.executions.query(limit=100)
        return all(e.status in ENDED for e in newest if e.action["ref"].startswith("cicd."))

    wait_for("the end of all executions", is_quiet, 120)


def test_one_delivery_five_times_and_twenty_times_at_once_and_every_phase_twice(world, stackstorm, teller):
    trace = teller.push("Replay this {{ config_context }} <% ctx() %>", change("5.0.0"))
    commit = commit_of(trace)
    body = raw_push(commit, "Replay this {{ config_context }} <% ctx() %>")
    for number in range(5):
        assert deliver_straight(world, body, f"replay-{number}") == 202
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda n: deliver_straight(world, body, "replay"), range(20))) == {202}
    build = wait_for("the build", lambda: [b for b in builds_of(world, commit) if b["result"]], 120)[0]
    for phase in PHASES:
        for _ in range(2):
            status = build["result"] if phase in PHASES[2:] else ""
            assert tell_phase(world, commit, build, phase, status) == 202
    ended = teller.follow(trace, "cicd.ci_success")
    settle(stackstorm)

    assert ended["status"] == "succeeded"
    assert len(builds_of(world, commit)) == 1
    assert packages_of(world, commit) == 1
    assert canaries_of(stackstorm, trace) == 1
    assert decisions(world, commit).count("build") == 1
    assert decisions(world, commit).count("ignore") == 25


def test_no_text_of_an_event_is_in_what_followed_from_it(stackstorm):
    newest = stackstorm.client.executions.query(action="cicd.git_push", limit=30)
    # StackStorm keeps with an execution what its trigger carried; nothing evaluates that.
    followed = [{**one.to_dict(), "trigger_instance": None} for one in newest]

    assert followed
    assert not any("Replay this" in json.dumps(execution) for execution in followed)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ref": "refs/tags/v9.9"}, "is a tag"),
        ({"ref": "refs/heads/topic"}, "is not the branch that is deployed"),
        ({"message": "Fix [skip ci]"}, "[skip ci]"),
    ],
)
def test_a_push_that_starts_nothing_is_listed_with_its_reason(world, stackstorm, changes, reason):
    commit = f"{abs(hash(reason)):040x}"[-40:]
    assert deliver_straight(world, raw_push(commit, **changes), reason) == 202

    def decided() -> list[dict]:
        return [entry for entry in events(stackstorm, 5) if entry["commit"] == commit]

    (entry,) = wait_for("the decision", decided, 60)
    assert entry["decision"] == "ignore"
    assert reason in entry["reason"]
    assert builds_of(world, commit) == []


def test_a_push_in_a_hostile_form_is_refused_and_listed(world, stackstorm):
    body = raw_push("c" * 40, ref="refs/heads/{{ config_context.jenkins.token_file }}")
    assert deliver_straight(world, body, "hostile") == 202

    wait_for("the refusal", lambda: "cannot be used" in events(stackstorm, 1)[0]["reason"], 60)


def gave_way(entry: dict) -> bool:
    """Whether a push made room for a newer one, or was heard only after it: StackStorm keeps no order."""
    return entry["run"].startswith("superseded by ") or entry["reason"].endswith("which was pushed after it")


@pytest.mark.long
def test_of_many_pushes_in_a_row_the_running_one_and_the_newest_are_built(world, stackstorm, teller):
    gate = f"refs/gates/{time.time_ns()}"
    traces = [
        teller.push(f"Burst {number}", change(f"6.0.{number}", waits_for="" if number else gate))
        for number in range(PUSHES)
    ]
    commits = [commit_of(trace) for trace in traces]
    wait_for("all decisions", lambda: all(decisions(world, commit) for commit in commits), 120)
    subprocess.run(["git", "push", "-q", "origin", f"HEAD:{gate}"], cwd=world.clone, check=True)
    ended = teller.follow(traces[-1], "cicd.ci_success")
    settle(stackstorm)

    assert ended["status"] == "succeeded"
    assert [commit for commit in commits if builds_of(world, commit)] == [commits[0], commits[-1]]
    listed = {entry["commit"]: entry for entry in events(stackstorm) if entry["commit"] in commits}
    assert listed[commits[0]]["run"].startswith("packaged as 6.0.0-")
    assert listed[commits[-1]]["run"].startswith(f"packaged as 6.0.{PUSHES - 1}-")
    assert all(gave_way(listed[commit]) for commit in commits[1:-1])
    assert world.key(f"{PROJECT}::canary_version").startswith(f"6.0.{PUSHES - 1}-")


@pytest.mark.long
def test_without_a_gateway_a_push_reaches_the_canary_all_the_same(world, stackstorm, teller, hook):
    hook("stackstorm")
    trace = teller.push("Come {{ 7 * 7 }} straight [skip nothing]", change("7.0.0"))
    ended = teller.follow(trace, "cicd.ci_success")

    assert ended["status"] == "succeeded"
    assert world.key(f"{PROJECT}::canary_version").startswith("7.0.0-")
    assert stackstorm.client.executions.query(action="cicd.reduce_push", limit=1)[0].status == "succeeded"


def test_skip_deploy_publishes_the_package_and_leaves_the_canary(world, stackstorm, teller):
    canary = world.key(f"{PROJECT}::canary_version")
    trace = teller.push("Try it [skip deploy]", change("8.0.0"))
    ended = teller.follow(trace, "cicd.ci_success")

    assert ended["status"] == "succeeded"
    assert packages_of(world, commit_of(trace)) == 1
    assert world.key(f"{PROJECT}::canary_version") == canary


def github(world, path: str) -> list[dict]:
    described = world.description["github"]
    token = Path(described["token_file"]).read_text().strip()
    url = f"{described['url']}/repos/{REPOSITORY}/{path}"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).json()


def states(world, commit: str) -> dict[str, str]:
    """Return the newest state of each context of *commit*, as GitHub was told."""
    newest_last = github(world, f"commits/{commit}/statuses")[::-1]
    return {status["context"]: status["state"] for status in newest_last}


def test_github_was_told_of_every_build_and_every_canary(world, stackstorm):
    passed = {entry["commit"] for entry in events(stackstorm) if entry["run"].startswith("packaged as ")}

    def told() -> bool:
        return all(states(world, commit).get("cicd/ci") == "success" for commit in passed)

    assert passed
    wait_for("GitHub's statuses", told, 150)
    canaries = [d for d in github(world, "deployments") if d["environment"] == "canary"]

    def deployed() -> bool:
        newest = github(world, f"deployments/{canaries[0]['id']}/statuses")
        return [status["state"] for status in newest] == ["success", "in_progress"]

    wait_for("the end of the newest deployment", deployed, 150)
    for commit in passed:
        (page,) = {status["target_url"] for status in github(world, f"commits/{commit}/statuses")}
        assert page == f"{world.description['status']['url']}/projects/{PROJECT}/commits/{commit}"
        assert commit in requests.get(page, timeout=10).text


@pytest.mark.long
def test_a_push_that_nobody_told_reaches_the_canary(world, stackstorm, teller, hook):
    hook("nobody")
    trace = teller.push("Tell nobody", change("9.0.0"))
    ended = teller.follow(trace, "cicd.ci_success")

    assert ended["status"] == "succeeded"
    assert world.key(f"{PROJECT}::canary_version").startswith("9.0.0-")
    assert [e["source"] for e in events(stackstorm) if e["commit"] == commit_of(trace)] == ["missed"]


def test_the_checkup_finds_everything_in_order(stackstorm, hook):
    hook("gateway")
    checked = stackstorm.run("cicd.check_setup")

    assert checked["status"] == "succeeded", checked["result"]["result"]["message"]
    states = {finding["state"] for finding in checked["result"]["result"]["findings"]}
    assert states <= {"good", "skipped"}
    assert len(json.dumps(checked["result"])) < 10_000


def test_the_checkup_names_a_host_that_cannot_be_reached(world, stackstorm, lab, hook):
    hook("gateway")
    lost = world.hosts("production")[-1]
    lab("host", lost["name"], "off")
    try:
        checked = stackstorm.run("cicd.check_setup", project=PROJECT)
    finally:
        lab("host", lost["name"], "on")
        for _ in range(2):  # a host that has booted may converge once more, out of traffic for a moment
            wait_for("the host in traffic again", lambda: world.healthy(PROJECT).get(lost["name"]), 120)
            time.sleep(10)

    assert checked["status"] == "failed"
    wrong = [one for one in checked["result"]["result"]["findings"] if one["state"] == "wrong"]
    assert [lost["name"] in one["what"] for one in wrong] == [True]
    assert wrong[0]["fix"]
