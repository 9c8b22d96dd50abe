"""What an operator does: speak, roll back, lose a host and get it again."""

import contextlib
import os
from pathlib import Path

import pytest

from demo.stories import PROJECT
from demo.world import wait_for
from tests.acceptance.frozen import frozen
from tests.chat_bot import ChatBot


def test_the_command_line_runs_shows_and_lists(st2):
    ran = st2("run", "cicd.get_release", f"project={PROJECT}")
    listed = st2("execution", "list")

    assert "status: succeeded" in ran
    assert "cicd.get_release" in listed
    assert "cicd.ci_success" in listed


def test_the_command_line_shows_an_execution_with_its_children(stackstorm, st2):
    newest = stackstorm.client.executions.query(action="cicd.ci_success", limit=1)[0].id

    shown = st2("execution", "get", newest)

    assert "publish_apt_package" in shown
    assert "update_ring" in shown


def test_a_person_asks_in_chat_what_is_deployed(st2):
    shown = st2("action-alias", "execute", f"what is deployed for {PROJECT}")

    assert "st2 execution get" in shown


def test_a_locked_project_is_not_deployed_until_it_is_unlocked(stackstorm):
    locked = stackstorm.wait(stackstorm.say(f"lock {PROJECT} because {{{{ 7 * 7 }}}} db; touch /tmp/x"))
    refused = stackstorm.run("cicd.deploy_production", project=PROJECT)
    unlocked = stackstorm.wait(stackstorm.say(f"unlock {PROJECT}"))

    assert locked["status"] == unlocked["status"] == "succeeded"
    assert refused["status"] == "failed"
    error = refused["result"]["output"]["error"]
    assert f"{PROJECT} is locked by" in error["error"]
    assert "49" not in error["error"]
    assert "cicd.unlock_deploys" in error["hint"]


def test_deploy_production_is_spoken_in_chat_and_its_result_announced(world, stackstorm, tmp_path):
    described = world.description["stackstorm"]
    names = ("api_url", "auth_url", "stream_url")
    key = Path(described["password_file"]).with_name("st2_api_key").read_text().strip()
    with ChatBot(tmp_path, {**{name: described[name] for name in names}, "api_auth": {"apikey": key}}) as bot:
        bot.type(f"!st2 deploy production {PROJECT}")
        bot.hears(f"Promoting {PROJECT} (execution ")
        bot.hears(f"{world.key(f'{PROJECT}::canary_version')} runs in production.", 180)
    newest = stackstorm.client.executions.query(action="cicd.deploy_production", limit=1)[0]

    assert newest.status == "succeeded"
    assert f"(execution {newest.id})" in bot.said
    assert newest.context["api_user"] == "@operator"


def test_defect_5_production_rolls_back_although_dpkg_calls_it_a_downgrade(world, stackstorm, client):
    before = client.count
    ended = stackstorm.run("cicd.rollback", project=PROJECT, ring="production")

    assert {version.partition("-")[0] for version in client.answers(before)} == {"1.0.0", "2.0.0"}
    assert ended["status"] == "succeeded", ended["result"]
    assert world.key(f"{PROJECT}::version").startswith("1.0.0-")
    for host in world.hosts("production"):
        assert "install ok installed|1.0.0-" in world.installed(host, PROJECT)


@pytest.mark.long
def test_defect_12_a_host_that_was_off_during_a_rollback_catches_up_without_stackstorm(
    world, stackstorm, teller, lab
):
    # What was rolled back is promoted only after another deploy to the canary.
    again = world.key(f"{PROJECT}::canary_version")
    assert stackstorm.run("cicd.deploy", project=PROJECT, version=again)["status"] == "succeeded"
    teller.wait_for_bake()
    deployed = stackstorm.run("cicd.deploy_production", project=PROJECT)
    assert deployed["status"] == "succeeded", deployed["result"]
    late = world.hosts("production")[-1]
    lab("host", late["name"], "off")
    wait_for("Consul missing the host", lambda: not world.healthy(PROJECT).get(late["name"]), 60)
    refused = stackstorm.run("cicd.deploy_production", project=PROJECT)
    rolled = stackstorm.run("cicd.rollback", project=PROJECT, ring="production")

    # A deploy never guesses: a ring with an unreachable host is refused, by name. A rollback has no gates.
    assert refused["status"] == "failed"
    assert late["name"] in refused["result"]["output"]["error"]["error"]
    assert rolled["status"] == "succeeded", rolled["result"]
    good = f"install ok installed|{world.key(f'{PROJECT}::version')}"
    with contextlib.nullcontext() if "ST2_API_URL" in os.environ else frozen("st2local"):
        world.an_hour_passes(PROJECT)
        lab("host", late["name"], "on")
        wait_for("the late host's version", lambda: world.installed(late, PROJECT) == good, 120)
        wait_for("the late host in traffic", lambda: world.healthy(PROJECT).get(late["name"]), 60)


def executions(stackstorm, action: str) -> list:
    return stackstorm.client.executions.query(action=action, limit=100)


def notices(stackstorm) -> list[str]:
    return [one.parameters["message"] for one in executions(stackstorm, "chatops.post_message")]


def test_a_host_that_drifts_is_converged_and_what_no_run_cures_is_told(world, stackstorm):
    host = world.hosts("production")[0]["name"]
    converged = executions(stackstorm, "cicd.converge_host")
    world.report(PROJECT, "web99", installed="0.1-1.abcdef0")

    def is_converged() -> bool:
        found = len(executions(stackstorm, "cicd.converge_host")) > len(converged)
        if not found:  # the host's own timer may tell the truth before the sensor looks
            world.report(PROJECT, host, installed="0.1-1.abcdef0", state="failed")
        return found

    wait_for("the host's new run", is_converged, 120)
    strange = f"{PROJECT}: web99 reports about {PROJECT}, but has no such service"
    wait_for("the notice", lambda: any(strange in said for said in notices(stackstorm)), 90)
    wait_for("the truth", lambda: "0.1-1" not in (world.key(f"cicd/{PROJECT}/hosts/{host}") or ""), 60)
    world.forget(f"cicd/{PROJECT}/hosts/web99")
