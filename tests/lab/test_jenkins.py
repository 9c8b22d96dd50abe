"""The Jenkins stand-in, driven by the library that drives the real one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jenkins
import pytest
import requests

from cicd.ci import jenkins_job
from cicd.clients.jenkins import DIRECTORY, PARAMETERS
from cicd.config import Project
from lab.jenkins.queue import Queue
from lab.jenkins.server import server
from lab.jenkins.settings import Settings

SCRIPTS = {"script/cisetup": "#!/bin/sh\necho prepared\n", "script/cibuild": "#!/bin/sh\necho tested\n"}


@dataclass
class StandIn:
    """A running stand-in and a client of it."""

    settings: Settings
    client: jenkins.Jenkins
    wait_for: Any

    def build(self, work: Any, commit: str, **parameters: str) -> dict[str, Any]:
        """Build *commit*, wait for the end and return the build."""
        given = {"PROJECT": "greeter", "COMMIT": commit, "BRANCH": "main", "REPOSITORY": str(work.bare)}
        item = self.client.build_job("greeter", {**given, "TRACE": "t", **parameters})
        number = self.wait_for(lambda: self.client.get_queue_item(item).get("executable"))["number"]
        return self.wait_for(lambda: self.ended(number))

    def ended(self, number: int) -> dict[str, Any] | None:
        info = self.client.get_build_info("greeter", number)
        return None if info["building"] else info

    def console(self, build: dict[str, Any]) -> str:
        return self.client.get_build_console_output("greeter", build["number"])


@pytest.fixture
def settings(tmp_path: Path, receiver) -> Settings:
    (tmp_path / "token").write_text("api-token\n")
    (tmp_path / "hook").write_text("hook-token\n")
    return Settings(
        host="127.0.0.1",
        port=0,
        url="http://jenkins.lab/",
        user="cicd",
        token_file=str(tmp_path / "token"),
        jobs=("greeter",),
        folder=str(tmp_path / "jenkins"),
        callback_url=f"{receiver.url}/jenkins",
        callback_token_file=str(tmp_path / "hook"),
        protocols="file",
    )


@pytest.fixture
def stand_in(settings, wait_for) -> Iterator[StandIn]:
    queue = Queue(settings)
    queue.start()
    http = server(settings, queue)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    client = jenkins.Jenkins(f"http://127.0.0.1:{http.server_port}", "cicd", "api-token", timeout=10)
    yield StandIn(settings, client, wait_for)
    http.shutdown()
    http.server_close()
    thread.join()


def test_a_build_runs_both_scripts_of_the_exact_commit(stand_in, work):
    commit = work.commit(SCRIPTS)
    work.commit({"script/cibuild": "#!/bin/sh\nexit 1\n"})
    work.push("main")

    build = stand_in.build(work, commit)

    assert build["result"] == "SUCCESS"
    console = stand_in.console(build)
    assert console.index("prepared") < console.index("tested") < console.index("Finished: SUCCESS")


def test_what_cisetup_keeps_in_its_cache_is_there_for_the_next_build(stand_in, work):
    setup = '#!/bin/sh\ncat "$CICD_CACHE/wheel" || { echo downloaded; echo cached >"$CICD_CACHE/wheel"; }\n'
    commit = work.commit({**SCRIPTS, "script/cisetup": setup})
    work.push("main")
    first, second = (stand_in.console(stand_in.build(work, commit)) for _ in range(2))

    assert "downloaded" in first
    assert "cached" in second
    assert "downloaded" not in second


def test_a_build_tells_its_parameters_as_jenkins_does(stand_in, work):
    commit = work.commit(SCRIPTS)
    work.push("main")

    build = stand_in.build(work, commit, UNKNOWN="dropped")

    (parameters,) = [action["parameters"] for action in build["actions"] if "parameters" in action]
    assert {p["name"]: p["value"] for p in parameters} == {
        "PROJECT": "greeter",
        "COMMIT": commit,
        "BRANCH": "main",
        "REPOSITORY": str(work.bare),
        "TRACE": "t",
        "DIRECTORY": "",
    }


def test_the_plugin_tells_every_phase_in_its_own_format(stand_in, work, receiver, wait_for):
    commit = work.commit(SCRIPTS)
    work.push("main")
    stand_in.build(work, commit)
    wait_for(lambda: len(receiver.requests) == 4)

    assert {path for path, _, _ in receiver.requests} == {"/jenkins?token=hook-token"}
    bodies = receiver.bodies()
    assert [body["build"]["phase"] for body in bodies] == ["QUEUED", "STARTED", "COMPLETED", "FINALIZED"]
    started, final = bodies[1]["build"], bodies[3]["build"]
    assert "status" not in started
    assert final["status"] == "SUCCESS"
    assert bodies[3]["name"] == "greeter"
    assert final["full_url"] == "http://jenkins.lab/job/greeter/1/"
    assert final["scm"]["commit"] == final["parameters"]["COMMIT"] == commit
    assert final["scm"]["branch"] == "origin/main"
    assert sorted(final["scm"]["changes"]) == sorted(SCRIPTS)


def test_a_failing_test_fails_the_build(stand_in, work, receiver, wait_for):
    commit = work.commit({**SCRIPTS, "script/cibuild": "#!/bin/sh\necho broken >&2\nexit 3\n"})
    work.push("main")

    build = stand_in.build(work, commit)

    assert build["result"] == "FAILURE"
    assert "broken\nERROR: ./script/cibuild ended with 3\nFinished: FAILURE" in stand_in.console(build)
    wait_for(lambda: len(receiver.requests) == 4)
    assert receiver.bodies()[-1]["build"]["status"] == "FAILURE"


@pytest.mark.parametrize("missing", sorted(SCRIPTS))
def test_a_missing_script_fails_the_build_by_name(stand_in, work, missing):
    commit = work.commit({name: text for name, text in SCRIPTS.items() if name != missing})
    work.push("main")

    build = stand_in.build(work, commit)

    assert build["result"] == "FAILURE"
    assert f"{missing} is missing" in stand_in.console(build)


@pytest.mark.parametrize("commit", ["main", "--help", "a" * 40, ""])
def test_what_is_no_known_commit_is_not_built(stand_in, work, commit):
    work.commit(SCRIPTS)
    work.push("main")

    assert stand_in.build(work, commit)["result"] == "FAILURE"


def test_a_stopped_build_is_aborted_with_all_it_started(stand_in, work, wait_for):
    commit = work.commit({**SCRIPTS, "script/cibuild": "#!/bin/sh\nsleep 300 & sleep 300\n"})
    work.push("main")
    given = {"PROJECT": "greeter", "COMMIT": commit, "BRANCH": "main", "REPOSITORY": str(work.bare)}
    stand_in.client.build_job("greeter", given)
    wait_for(lambda: stand_in.client.get_job_info("greeter")["lastBuild"])
    wait_for(lambda: "cibuild" in stand_in.client.get_build_console_output("greeter", 1))

    stand_in.client.stop_build("greeter", 1)

    assert wait_for(lambda: stand_in.ended(1))["result"] == "ABORTED"


def test_the_job_lists_its_builds_newest_first(stand_in, work):
    commit = work.commit(SCRIPTS)
    work.push("main")
    for _ in range(2):
        stand_in.build(work, commit)

    job = stand_in.client.get_job_info("greeter")

    assert [build["number"] for build in job["builds"]] == [2, 1]
    assert job["nextBuildNumber"] == 3
    assert stand_in.client.get_jobs()[0]["color"] == "blue"


def test_builds_outlive_a_restart(stand_in, work, settings):
    commit = work.commit(SCRIPTS)
    work.push("main")
    stand_in.build(work, commit)

    again = Queue(settings)

    assert [(build.number, build.result) for build in again.builds["greeter"]] == [(1, "SUCCESS")]


def test_an_unknown_job_and_build_are_not_found(stand_in):
    with pytest.raises(jenkins.JenkinsException, match="nosuch"):
        stand_in.client.get_job_info("nosuch")
    with pytest.raises(jenkins.JenkinsException, match="number"):
        stand_in.client.get_build_info("greeter", 7)


def test_only_the_user_with_the_token_is_let_in(stand_in):
    url = stand_in.client.server

    assert requests.get(f"{url}api/json", timeout=5).status_code == 401
    assert requests.get(f"{url}api/json", auth=("cicd", "wrong"), timeout=5).status_code == 401
    assert stand_in.client.get_whoami()["id"] == "cicd"


def test_nobody_listening_to_callbacks_does_not_fail_a_build(stand_in, work, receiver):
    receiver.status = 500
    commit = work.commit(SCRIPTS)
    work.push("main")

    assert stand_in.build(work, commit)["result"] == "SUCCESS"


def test_a_job_is_created_once_and_is_still_there_after_a_restart(stand_in):
    stand_in.client.create_job("announcer", jenkins.EMPTY_CONFIG_XML)

    assert stand_in.client.job_exists("announcer")
    with pytest.raises(jenkins.JenkinsException):
        stand_in.client.create_job("announcer", jenkins.EMPTY_CONFIG_XML)
    assert set(Queue(stand_in.settings).builds) == {"greeter", "announcer"}


def test_a_build_of_a_folder_runs_the_scripts_of_that_folder_in_it(stand_in, work):
    scripts = {f"api/{name}": text for name, text in SCRIPTS.items()}
    commit = work.commit({**scripts, "api/script/cibuild": "#!/bin/sh\nls ../shared\n", "shared/common": "x"})
    work.push("main")

    inside = stand_in.build(work, commit, DIRECTORY="api")
    outside = stand_in.build(work, commit)

    assert (inside["result"], outside["result"]) == ("SUCCESS", "FAILURE")
    assert "common" in stand_in.console(inside)


def test_what_a_jenkinsfile_archives_is_listed_with_its_fingerprint_and_fetched(stand_in, work):
    made = "#!/bin/sh\nmkdir -p dist/doc && echo made >dist/app.jar && echo read >dist/doc/read.txt\n"
    pipeline = (
        "pipeline { stages { archiveArtifacts artifacts: 'dist/*.jar, dist/**/*.txt', fingerprint: true } }"
    )
    files = {**SCRIPTS, "script/cibuild": made, "Jenkinsfile": pipeline}
    commit = work.commit(files)
    work.push("main")
    build = stand_in.build(work, commit)
    page = requests.get(
        f"{stand_in.client.server}job/greeter/{build['number']}/artifact/dist/app.jar",
        auth=("cicd", "api-token"),
        timeout=10,
    )
    missing = requests.get(
        f"{stand_in.client.server}job/greeter/{build['number']}/artifact/Jenkinsfile",
        auth=("cicd", "api-token"),
        timeout=10,
    )

    assert build["artifacts"] == [
        {"displayPath": "app.jar", "fileName": "app.jar", "relativePath": "dist/app.jar"},
        {"displayPath": "read.txt", "fileName": "read.txt", "relativePath": "dist/doc/read.txt"},
    ]
    assert build["fingerprint"][0]["hash"] == hashlib.md5(b"made\n").hexdigest()
    assert (page.status_code, page.content) == (200, b"made\n")
    assert missing.status_code == 404


def test_a_job_made_of_our_xml_is_taken_shows_its_parameters_and_comes_back_as_it_was(stand_in):
    xml = jenkins_job.config_xml(Project("web", "acme/shop", job="shop/web"))
    stand_in.client.create_job("shop", jenkins_job.folder_xml())
    stand_in.client.create_job("shop/web", xml)
    properties = stand_in.client.get_job_info("shop/web")["property"]
    (definitions,) = [one["parameterDefinitions"] for one in properties if "parameterDefinitions" in one]

    assert stand_in.client.get_job_config("shop/web") == xml
    assert [one["name"] for one in definitions] == [*PARAMETERS, DIRECTORY]
    assert properties[-1]["_class"].endswith("HudsonNotificationProperty")
    stand_in.client.delete_job("shop")
    assert not stand_in.client.job_exists("shop/web")


def test_a_job_that_jenkins_could_not_read_or_place_is_refused(stand_in):
    with pytest.raises(jenkins.JenkinsException, match="500"):
        stand_in.client.create_job("odd", "<nonsense/>")
    with pytest.raises(jenkins.JenkinsException, match="folder"):
        stand_in.client.create_job("nowhere/web", jenkins.EMPTY_CONFIG_XML)
    assert not stand_in.client.job_exists("odd")
