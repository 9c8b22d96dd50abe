"""A build whose callback never came: the Jenkins stand-in, a real Consul, and what the sensor asks."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cicd import config, lost_builds
from cicd.consul import Store
from cicd.errors import JenkinsError
from cicd.jenkins import Jenkins, verify
from lab.jenkins.queue import Queue
from lab.jenkins.server import server
from lab.jenkins.settings import Settings as JenkinsSettings


@pytest.fixture
def settings(tmp_path: Path, work, consul: str) -> Iterator[config.Settings]:
    """The pack's configuration, with a Jenkins whose callbacks go nowhere."""
    token = tmp_path / "token"
    token.write_text("api-token\n")
    stand_in = JenkinsSettings(
        host="127.0.0.1",
        port=0,
        url="http://jenkins.lab/",
        user="cicd",
        token_file=str(token),
        jobs=("greeter",),
        folder=str(tmp_path / "jenkins"),
        callback_url="http://127.0.0.1:9/jenkins",
        callback_token_file=str(token),
        protocols="file",
    )
    queue = Queue(stand_in)
    queue.start()
    http = server(stand_in, queue)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    yield config.parse(
        {
            "consul": {"url": consul},
            "jenkins": {"url": f"http://127.0.0.1:{http.server_port}", "token_file": str(token)},
            "source": {"clone_url": str(work.bare)},
            "ssh": {"private_key_file": "none", "known_hosts_file": "none"},
            "repository": {"url": "http://none", "config_file": "none", "gpg_key": "none"},
            "projects": {"greeter": {"repository": "acme/greeter"}},
        }
    )
    http.shutdown()
    http.server_close()
    thread.join()


def build(settings: config.Settings, commit: str, wait_for, claimed: str = "greeter"):
    project, jenkins = settings.project("greeter"), Jenkins(settings)
    parameters = {"PROJECT": claimed, "COMMIT": commit, "BRANCH": "main", "TRACE": "t"}
    jenkins.start(project, {**parameters, "REPOSITORY": settings.clone_url(project)})

    def ended():
        try:
            result = jenkins.of_commit(project, commit)
        except JenkinsError:
            return None
        return result if result.status else None

    return wait_for(ended)


def commit_of(work, status: int) -> str:
    scripts = {"script/cisetup": "#!/bin/sh\n", "script/cibuild": f"#!/bin/sh\necho tested\nexit {status}\n"}
    commit = work.commit(scripts)
    work.push("main")
    return commit


@pytest.mark.parametrize(("status", "said"), [(0, "SUCCESS"), (1, "FAILURE")])
def test_defect_9_a_build_whose_callback_was_lost_is_found(settings, work, wait_for, status, said):
    commit, store = commit_of(work, status), Store(settings)
    long_ago = time.time() - 2 * lost_builds.PATIENCE_SECONDS
    store.advance("greeter", commit, {None}, {"stage": "building", "at": long_ago})
    build(settings, commit, wait_for)

    found = list(lost_builds.find(settings, store, Jenkins(settings)))

    assert [event.payload["status"] for event in found] == [said]
    assert found[0].payload["commit"] == commit
    assert found[0].trace == f"acme/greeter@{commit}"


@pytest.mark.parametrize("run", [{"stage": "passed", "at": 0}, {"stage": "building", "at": 1e12}])
def test_a_run_that_was_told_or_may_still_be_told_is_left_alone(settings, work, wait_for, run):
    commit, store = commit_of(work, 0), Store(settings)
    store.advance("greeter", commit, {None}, run)
    build(settings, commit, wait_for)

    assert list(lost_builds.find(settings, store, Jenkins(settings))) == []


def test_a_callback_that_claims_another_commit_counts_for_nothing(settings, work, wait_for):
    result = build(settings, commit_of(work, 0), wait_for)

    with pytest.raises(JenkinsError, match="as its callback claims"):
        verify(result, settings.project("greeter"), "f" * 40)


def test_a_failed_build_is_never_packaged_and_its_console_is_neutral(settings, work, wait_for):
    commit = work.commit(
        {
            "script/cisetup": "#!/bin/sh\n",
            "script/cibuild": "#!/bin/sh\necho '{{ 7 * 7 }} <% ctx() %>'\nexit 1\n",
        }
    )
    work.push("main")
    result, project = build(settings, commit, wait_for), settings.project("greeter")

    with pytest.raises(JenkinsError, match="FAILURE, not SUCCESS"):
        verify(result, project, commit)
    console = Jenkins(settings).console_tail(project, result.number)
    assert "7 * 7" in console
    assert "{{" not in console
    assert "<%" not in console
