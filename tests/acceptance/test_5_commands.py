"""Each command as `st2 run` and as people speak: a result that a person can act on."""

import json
import re
import time

import pytest
import requests

from cicd import phrases
from demo.stories import PROJECT


def said(execution: dict) -> str:
    """Return what an action says, as StackStorm's chat shows it."""
    result = execution["result"]["result"]
    return str(result.get("message") or f"{result['error']} {result['hint']}")


def both(stackstorm, words: str, action: str, **parameters) -> str:
    """Say *words* and run *action*: the same answer but for times, and for words in the place of commands."""
    for _ in range(5):
        spoken, ran = stackstorm.wait(stackstorm.say(words)), stackstorm.run(action, **parameters)
        answers = (said(spoken), phrases.spoken(said(ran)))
        without_times = [re.sub(r"\d+ (s|min)\b", "", answer) for answer in answers]
        if without_times[0] == without_times[1]:
            break
        time.sleep(5)
    assert spoken["action"]["ref"] == ran["action"]["ref"] == action
    assert spoken["status"] == ran["status"]
    assert without_times[0] == without_times[1]
    return said(ran)


def consul_and_dpkg(world) -> tuple[object, list[str]]:
    """Return Consul's release keys with their indexes, and the digests of every host's dpkg status."""
    url = f"{world.description['consul']['url']}/v1/kv/?recurse"
    alive = ("/hosts/", "/.sensors/")  # what hosts and sensors write by themselves
    items = requests.get(url, timeout=10).json()
    keys = [item for item in items if not any(part in item["Key"] for part in alive)]
    hosts = [*world.hosts("canary"), *world.hosts("production")]
    return keys, [world.on_host(host, "sha256sum", "/var/lib/dpkg/status") for host in hosts]


def test_what_is_deployed_says_rings_hosts_and_the_next_step(world, stackstorm):
    answer = both(stackstorm, f"what is deployed for {PROJECT}", "cicd.get_release", project=PROJECT)

    assert f"production: {world.key(f'{PROJECT}::version')} (healthy" in answer
    assert f"canary: {world.key(f'{PROJECT}::canary_version')} (healthy" in answer
    assert f"on {len(world.hosts('production'))} of {len(world.hosts('production'))} hosts" in answer
    assert answer.splitlines()[-1].strip().startswith("next: ")


def test_what_an_action_says_stands_below_everything_else_that_st2_run_shows(st2):
    shown, refused = (
        st2("run", "cicd.get_release", f"project={PROJECT}"),
        st2("run", "cicd.thaw", f"project={PROJECT}"),
    )

    assert "next: " in shown.partition("  stdout: ")[2]
    assert f"{PROJECT} has no freeze." in refused.partition("  stdout: ")[2]


def test_the_help_of_st2_run_has_what_a_person_may_give_and_no_more(st2):
    shown = st2("run", "cicd.deploy", "-h")

    assert "ERROR" not in shown
    assert re.findall(r"^    (\w+)$", shown, re.M) == ["project", "version", "package", "new_history"]


def test_what_is_deployed_anywhere_is_one_line_for_each_project(stackstorm):
    answer = both(stackstorm, "what is deployed", "cicd.get_release")

    assert [line.partition(":")[0] for line in answer.splitlines()] == [PROJECT]


def test_who_changed_it_says_when_who_and_why(stackstorm):
    answer = both(stackstorm, f"who changed {PROJECT}", "cicd.list_history", project=PROJECT)

    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  \S+: ", answer)
    assert "promote the canary" in answer


def test_compare_lists_the_commits_between_two_versions(world, stackstorm):
    older, newer = (world.key(f"{PROJECT}::{name}") for name in ("version", "canary_version"))
    answer = both(
        stackstorm,
        f"compare {PROJECT} {older} {newer}",
        "cicd.compare_versions",
        project=PROJECT,
        from_version=older,
        to_version=newer,
    )

    assert answer.startswith(f"{PROJECT} {older} -> {newer}: ")
    assert f"\n+ {newer.rpartition('.')[2]}  " in answer or "the same commit" in answer


def test_a_plan_shows_everything_and_changes_nothing(world, stackstorm):
    before = consul_and_dpkg(world)
    ended = stackstorm.run("cicd.plan_deploy", project=PROJECT)
    after = consul_and_dpkg(world)

    result = ended["result"]["result"]
    assert ended["status"] == "succeeded", result
    assert before == after
    assert {host["host"] for host in result["hosts"]} == {host["name"] for host in world.hosts("production")}
    assert all(line.startswith("Inst greeter") for host in result["hosts"] for line in host["apt"]), result
    assert result["plan"] in result["message"] or result["refused"]
    assert len(json.dumps(result)) < 10_000


def test_a_plan_of_production_names_the_guard_that_would_refuse(stackstorm):
    stackstorm.run("cicd.freeze", project=PROJECT, reason="stock-taking")
    try:
        answer = both(stackstorm, f"plan production {PROJECT}", "cicd.plan_deploy", project=PROJECT)
    finally:
        stackstorm.run("cicd.thaw", project=PROJECT)

    assert "refused: greeter is frozen by" in answer
    assert "stock-taking" in answer
    assert "cicd.thaw" in answer
    assert "not possible now" in answer


def test_deploy_production_does_what_was_planned_and_refuses_when_anything_moved(stackstorm):
    stale = stackstorm.run("cicd.plan_deploy", project=PROJECT)["result"]["result"]["plan"]
    for action, parameters in (("cicd.freeze", {"reason": "moves the release"}), ("cicd.thaw", {})):
        assert stackstorm.run(action, project=PROJECT, **parameters)["status"] == "succeeded"
    refused = stackstorm.run("cicd.deploy_production", project=PROJECT, plan=stale)
    fresh = stackstorm.run("cicd.plan_deploy", project=PROJECT)["result"]["result"]
    done = stackstorm.run("cicd.deploy_production", project=PROJECT, plan=fresh["plan"])

    assert refused["status"] == "failed"
    assert "the release moved; nothing was changed" in refused["result"]["output"]["error"]["error"]
    assert done["status"] == "succeeded", (fresh, done["result"])


@pytest.mark.parametrize(
    "words",
    [
        f"deploy production {PROJECT} version=9.9-9.abcdef0",
        f"deploy production {PROJECT} ring=canary",
        f"what is deployed for {PROJECT} user=root",
        f"freeze {PROJECT} because x user=root",
        f"rollback canary {PROJECT} version=1.0",
        f"plan production {PROJECT} apply=true",
        f"please deploy production {PROJECT}",
        f"deploy production {PROJECT} now",
    ],
)
def test_words_that_no_command_has_start_nothing(stackstorm, words):
    with pytest.raises(Exception, match=r"400|403|[Nn]ot|match|immutable|override|Additional"):
        stackstorm.say(words)
