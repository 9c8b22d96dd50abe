"""Every way a build can end: the Jenkins stand-in, a real Consul, and what the pack makes of it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd import config
from cicd.ci import build_reconciler, event_log, push_handler, run
from cicd.ci.builds import Builds
from cicd.ci.github_push import asked_for
from cicd.ci.push import Push
from cicd.clients.jenkins import Jenkins
from cicd.errors import CiAway, CiError, CiMissing, Refused
from cicd.store.store import Store
from lab.jenkins.queue import Queue
from lab.jenkins.server import server
from lab.jenkins.settings import Settings as JenkinsSettings
from tests.lib.consul_settings import changed

LONG = 10**6


@dataclass
class Ci:
    """One project's CI: its Jenkins, and all that the pack does with it."""

    settings: config.Settings
    stand_in: JenkinsSettings
    work: Any
    wait_for: Callable[[Callable[[], Any]], Any]
    http: ThreadingHTTPServer | None = None
    queue: Queue | None = None
    other: str = ""  # another job of the same name

    @property
    def builds(self) -> Builds:
        return Builds(self.project, self.store, Jenkins(self.settings))

    @property
    def project(self) -> config.Project:
        return self.settings.project("greeter")

    @property
    def store(self) -> Store:
        return Store(self.settings)

    def boot(self, executors: int = 2) -> None:
        """Start Jenkins; what was built is on disk, what waited is lost."""
        port = self.http.server_port if self.http else 0
        self.halt()
        self.queue = Queue(replace(self.stand_in, executors=executors))
        self.queue.start()
        self.http = self.wait_for(lambda: self._listening(port))
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def _listening(self, port: int) -> ThreadingHTTPServer | None:
        with contextlib.suppress(OSError):  # a process that is just being started has the former socket, too
            return server(replace(self.stand_in, port=port), self.queue)
        return None

    def halt(self) -> None:
        """Stop answering."""
        if self.http:
            self.http.shutdown()
            self.http.server_close()

    def commit(self, script: str = "echo tested") -> str:
        """Return a commit whose tests are *script*, pushed."""
        scripts = {"script/cisetup": "#!/bin/sh\n", "script/cibuild": f"#!/bin/sh\n{script}\n"}
        made = self.work.commit(scripts, message=f"Change {time.monotonic_ns()}")
        self.work.push("main")
        return made

    def push(self, commit: str, before: str = "") -> list[push_handler.Outcome]:
        """GitHub tells of *commit*."""
        told = Push("acme/greeter", "refs/heads/main", commit, "ann", before=before, default_branch="main")
        return push_handler.take(self.settings, self.store, told, "github")

    def start(self, script: str = "echo tested") -> str:
        """Push a commit and start its build."""
        commit = self.commit(script)
        assert [outcome.start for outcome in self.push(commit)] == [True]
        assert self.builds.start(commit)["queue_id"]
        return commit

    def end(self, script: str, job: str = "greeter") -> str:
        """Push a commit and wait for the end of its build."""
        commit = self.start(script)
        self.wait_for(lambda: self.queue.builds[job][-1:] and self.queue.builds[job][-1].result)
        return commit

    def poll(self) -> list[build_reconciler.Event]:
        """Return what one poll of the sensor tells."""
        return list(build_reconciler.find(self.settings, self.store))

    def run(self, commit: str) -> dict[str, Any]:
        return self.store.json(run.key("greeter", commit), dict) or {}

    def age(self, commit: str, seconds: float = LONG) -> None:
        """Let the run of *commit* be *seconds* old."""
        key = f"cicd/greeter/runs/{commit}"
        self.store.update(key, lambda run: {**run, "at": run["at"] - seconds})


@pytest.fixture
def ci(tmp_path: Path, work, consul: str, wait_for, monkeypatch) -> Iterator[Ci]:
    monkeypatch.setattr(build_reconciler, "CALLBACK_SECONDS", 0)
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
    made = Ci(None, stand_in, work, wait_for)
    made.boot()
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    made.settings = config.parse(
        {
            "consul": {"url": consul},
            "jenkins": {"url": f"http://127.0.0.1:{made.http.server_port}", "token_file": str(token)},
            "source": {"clone_url": str(work.bare)},
            "ssh": {"private_key_file": "none", "known_hosts_file": "none"},
            "repository": {"url": "http://none", "config_file": "none", "gpg_key": "none"},
            "projects": {"greeter": {"repository": "acme/greeter"}},
        }
    )
    yield made
    made.halt()


def without_job(ci: Ci) -> str:
    commit = ci.commit()
    ci.push(commit)
    ci.stand_in = replace(ci.stand_in, jobs=())
    ci.boot()
    with pytest.raises(CiMissing, match="does not exist there"):
        ci.builds.start(commit)
    return commit


def cancelled(ci: Ci) -> str:
    ci.boot(executors=0)
    commit = ci.start()
    Jenkins(ci.settings).cancel(ci.project, ci.run(commit)["queue_id"])
    return commit


def lost_twice(ci: Ci) -> str:
    ci.boot(executors=0)
    commit = ci.start()
    ci.boot(executors=0)
    assert [event.trigger for event in ci.poll()] == [build_reconciler.DUE]
    assert ci.builds.start(commit)["queue_id"]
    ci.boot(executors=0)
    return commit


def overdue(ci: Ci) -> str:
    commit = ci.start("sleep 300")
    ci.wait_for(lambda: ci.queue.builds["greeter"])
    ci.settings = changed(ci.settings, "jenkins", build_timeout=-1)
    return commit


def never_begun(ci: Ci) -> str:
    ci.boot(executors=0)
    commit = ci.start()
    ci.age(commit)
    return commit


def aborted(ci: Ci) -> str:
    commit = ci.start("sleep 300")
    ci.wait_for(lambda: ci.queue.builds["greeter"])
    Jenkins(ci.settings).stop(ci.project, 1)
    ci.wait_for(lambda: ci.queue.builds["greeter"][0].result)
    return commit


ENDS = {
    "SUCCESS": (lambda ci: ci.end("echo tested"), "SUCCESS"),
    "UNSTABLE": (lambda ci: ci.end("exit 99"), "UNSTABLE"),
    "FAILURE": (lambda ci: ci.end("exit 1"), "FAILURE"),
    "NOT_BUILT": (lambda ci: ci.end("exit 98"), "NOT_BUILT"),
    "ABORTED": (aborted, "ABORTED"),
    "cancelled in the queue": (cancelled, "CANCELLED"),
    "lost by restarts, twice": (lost_twice, "LOST"),
    "longer than its limit": (overdue, "OVERDUE"),
    "never begun": (never_begun, "OVERDUE"),
}


@pytest.mark.parametrize(("end", "status"), ENDS.values(), ids=ENDS.keys())
def test_defect_9_without_any_callback_a_run_ends_within_one_poll(ci, end, status):
    commit = end(ci)

    events = ci.poll()

    assert [(event.trigger, event.payload["status"]) for event in events] == [
        (build_reconciler.FINISHED, status)
    ]
    number = events[0].payload["build"]
    assert events[0].payload["commit"] == commit
    assert events[0].trace == f"acme/greeter@{commit}"
    if status == "SUCCESS":
        assert ci.builds.passed(commit, number)["proceed"]
        assert ci.run(commit)["stage"] == "passed"
    else:
        with pytest.raises(CiError):
            ci.builds.passed(commit, number)
        assert ci.builds.failed(commit)[0].status == status
        assert (ci.run(commit)["stage"], ci.run(commit)["status"]) == ("failed", status)
    assert ci.poll() == []
    assert ci.builds.turns.lane().running is None


def test_a_build_that_ended_just_now_may_still_be_told(ci, monkeypatch):
    ci.end("echo tested")
    monkeypatch.setattr(build_reconciler, "CALLBACK_SECONDS", 600)
    assert ci.poll() == []

    monkeypatch.setattr(build_reconciler, "CALLBACK_SECONDS", 0)
    assert [event.trigger for event in ci.poll()] == [build_reconciler.FINISHED]


def test_a_missing_job_fails_the_run_with_what_to_do(ci):
    commit = without_job(ci)

    assert (ci.run(commit)["stage"], ci.run(commit)["status"]) == ("failed", "REFUSED")
    assert ci.builds.turns.lane().running is None


def test_a_build_beyond_its_limit_is_stopped(ci):
    commit = overdue(ci)

    ci.builds.failed(commit)

    ci.wait_for(lambda: ci.queue.builds["greeter"][0].result == "ABORTED")


def test_a_queue_lost_by_a_restart_is_asked_for_once_more(ci):
    ci.boot(executors=0)
    commit = ci.start()
    ci.boot()

    (due,) = ci.poll()
    assert (due.trigger, due.payload["commit"]) == (build_reconciler.DUE, commit)
    assert ci.builds.start(commit)["queue_id"]
    ci.wait_for(lambda: [b.result for b in ci.queue.builds["greeter"]] == ["SUCCESS"])


def test_a_jenkins_that_is_away_is_asked_again_until_it_answers(ci):
    commit = ci.commit()
    ci.push(commit)
    ci.halt()
    with pytest.raises(CiAway) as error:
        ci.builds.start(commit)
    assert "The build starts once it answers" in error.value.hint
    assert ci.run(commit)["stage"] == "accepted"
    ci.age(commit)
    with pytest.raises(CiAway):
        ci.poll()

    ci.http = None
    ci.boot()
    ci.settings = changed(ci.settings, "jenkins", url=f"http://127.0.0.1:{ci.http.server_port}")

    assert [event.trigger for event in ci.poll()] == [build_reconciler.DUE]
    assert ci.builds.start(commit)["queue_id"]


def test_an_action_that_died_while_it_started_a_build_starts_no_second_one(ci):
    commit = ci.end("echo tested")
    number = ci.queue.builds["greeter"][0].number
    ci.store.update(f"cicd/greeter/runs/{commit}", lambda run: {**run, "stage": "starting", "queue_id": 0})
    ci.age(commit, build_reconciler.PATIENCE_SECONDS + 1)

    assert ci.poll() == []
    assert [(e.trigger, e.payload["build"]) for e in ci.poll()] == [(build_reconciler.FINISHED, number)]


def test_an_action_that_died_before_it_started_a_build_is_made_up_for(ci):
    commit = ci.commit()
    ci.push(commit)
    ci.store.update(f"cicd/greeter/runs/{commit}", lambda run: {**run, "stage": "starting"})
    ci.age(commit, build_reconciler.PATIENCE_SECONDS + 1)

    assert [(event.trigger, event.payload["commit"]) for event in ci.poll()] == [
        (build_reconciler.DUE, commit)
    ]
    assert ci.builds.start(commit)["queue_id"]


@pytest.mark.parametrize("is_found", [overdue, never_begun], ids=lambda end: end.__name__)
def test_a_builds_limit_is_kept_though_the_clock_was_set_back(ci, monkeypatch, is_found):
    commit = is_found(ci)
    ci.store.update(f"cicd/greeter/runs/{commit}", lambda run: {**run, "at": time.time() + LONG})
    ci.poll()

    assert ci.run(commit)["at"] <= time.time()


def test_a_callback_that_comes_twice_counts_once(ci):
    commit = ci.end("echo tested")

    assert [ci.builds.passed(commit, 1)["proceed"] for _ in range(3)] == [True, False, False]


def test_an_execution_that_died_with_its_claim_proceeds_when_it_runs_again(ci):
    commit = ci.end("echo tested")

    claims = [ci.builds.passed(commit, 1, execution)["proceed"] for execution in ("e1", "e1", "e2")]

    assert claims == [True, True, False]


def test_a_failure_told_twice_is_recorded_once(ci):
    commit = ci.end("exit 1")

    assert [ci.builds.failed(commit)[0].status for _ in range(2)] == ["FAILURE", "FAILURE"]


def test_a_callback_for_an_unknown_build_changes_nothing(ci):
    commit = ci.start("sleep 300")

    with pytest.raises(CiMissing):
        ci.builds.passed(commit, 77)
    assert ci.run(commit)["stage"] == "building"


@pytest.mark.parametrize("claim", [Builds.began, Builds.passed], ids=lambda claim: claim.__name__)
def test_a_callback_for_a_commit_that_nobody_pushed_is_refused(ci, claim):
    with pytest.raises(Refused, match="No run of greeter waits"):
        claim(ci.builds, "f" * 40, 1)


def test_a_start_is_announced_as_jenkins_has_it_and_of_no_other_build(ci):
    commit = ci.start("sleep 300")
    ci.wait_for(lambda: ci.queue.builds["greeter"])

    assert [ci.builds.began(commit, number).number for number in (0, 1)] == [1, 1]
    other = ci.commit()
    ci.push(other, before=commit)
    with pytest.raises(
        CiError, match=f"greeter #1 built greeter at {commit[:7]}, not greeter at {other[:7]}"
    ):
        ci.builds.began(other, 1)
    with pytest.raises(CiMissing):
        ci.builds.began(commit, 77)


def test_a_callback_that_claims_another_commit_counts_for_nothing(ci):
    first = ci.end("echo tested")
    ci.builds.passed(first, 1)
    second = ci.start("sleep 300")

    with pytest.raises(CiError, match="as its callback claims"):
        ci.builds.passed(second, 1)
    with pytest.raises(CiError, match=r"Jenkins says (QUEUED|RUNNING)"):
        ci.builds.failed(second)
    assert ci.run(second)["stage"] == "building"


@pytest.mark.parametrize("name", ["PROJECT", "BRANCH", "REPOSITORY", "TRACE"])
def test_a_build_with_another_parameter_counts_for_nothing(ci, name):
    commit = ci.commit()
    ci.push(commit)
    given = {"PROJECT": "greeter", "COMMIT": commit, "BRANCH": "main", "REPOSITORY": str(ci.work.bare)}
    given["TRACE"] = f"acme/greeter@{commit}"
    Jenkins(ci.settings).ask_for(
        ci.project, {**given, name: "x" if name != "REPOSITORY" else f"{ci.work.bare}/."}
    )
    ci.wait_for(lambda: ci.queue.builds["greeter"] and ci.queue.builds["greeter"][0].result)

    with pytest.raises(CiError, match=f"differs in {name}"):
        ci.builds.passed(commit, 1)


@pytest.mark.parametrize(("script", "said"), [("echo tested", "SUCCESS"), ("sleep 300", "RUNNING")])
def test_a_failure_that_jenkins_does_not_confirm_changes_nothing(ci, script, said):
    commit = ci.start(script)
    ci.wait_for(lambda: ci.queue.builds["greeter"])
    if said == "SUCCESS":
        ci.wait_for(lambda: ci.queue.builds["greeter"][0].result)

    with pytest.raises(CiError, match=f"Jenkins says {said}"):
        ci.builds.failed(commit)
    assert ci.run(commit)["stage"] == "building"


def test_a_failed_build_that_a_person_repeats_in_jenkins_counts_when_it_passes(ci, tmp_path):
    commit = ci.end(f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; exit 1; }}")
    ci.builds.failed(commit)
    Jenkins(ci.settings).ask_for(ci.project, ci.queue.builds["greeter"][0].parameters)
    ci.wait_for(lambda: [b.result for b in ci.queue.builds["greeter"]] == ["FAILURE", "SUCCESS"])

    with pytest.raises(CiError, match="FAILURE, not SUCCESS"):
        ci.builds.passed(commit, 1)
    assert ci.builds.passed(commit, 2)["proceed"]


def test_the_console_is_shown_by_its_last_lines_and_evaluated_by_nobody(ci):
    commit = ci.end("head -c 1000000 /dev/zero | tr '\\0' a; echo; echo '{{ 7 * 7 }} <% ctx() %>'; exit 1")

    console = Jenkins(ci.settings).console_tail(ci.project, ci.builds.failed(commit)[0].number)

    assert "7 * 7" in console
    assert "ended with 1" in console
    assert "{{" not in console
    assert "<%" not in console
    assert len(console) < 2100


def test_of_20_pushes_the_running_one_and_the_newest_are_built(ci):
    commits = [ci.start("echo tested; sleep 1")]
    for _ in range(19):
        commits.append(ci.commit())
        (outcome,) = ci.push(commits[-1], before=commits[-2])
        assert not outcome.start
        assert "waits for the build of" in outcome.decision.reason
    ci.wait_for(lambda: ci.queue.builds["greeter"][0].result)

    assert ci.builds.passed(commits[0], 1)["next"] == commits[-1]
    ci.builds.start(commits[-1])
    ci.wait_for(lambda: [build.result for build in ci.queue.builds["greeter"]] == ["SUCCESS"] * 2)

    assert [build.parameters["COMMIT"] for build in ci.queue.builds["greeter"]] == [commits[0], commits[-1]]
    runs = [ci.run(commit) for commit in commits[1:-1]]
    assert {run["stage"] for run in runs} == {"superseded"}
    assert [run["by"] for run in runs] == commits[2:]
    said = event_log.lines(event_log.events(ci.store, 25)[0]).splitlines()
    assert len(said) == 20
    assert all("; now superseded by " in line for line in said[1:-1])


def test_a_build_that_ends_after_a_newer_one_passed_does_not_proceed(ci):
    first = ci.start("sleep 2")
    ci.wait_for(lambda: ci.queue.builds["greeter"])
    ci.builds.turns.runs.advance(first, run.fail(time.time(), 0, "OVERDUE"))
    ci.builds.turns.end(first)
    second = ci.start("echo tested")
    ci.wait_for(lambda: [b.result for b in ci.queue.builds["greeter"]] == ["SUCCESS"] * 2)
    assert ci.builds.passed(second, 2)["proceed"]

    late = ci.builds.passed(first, 1)

    assert not late["proceed"]
    assert late["superseded"] == second
    assert ci.run(first)["stage"] == "superseded"


def test_a_turn_whose_run_ended_is_given_on_by_the_sensor(ci):
    first = ci.end("echo tested")
    second = ci.commit()
    ci.push(second, before=first)
    ci.builds.turns.runs.advance(first, run.succeed(time.time(), 0, ""))

    assert [(event.trigger, event.payload["commit"]) for event in ci.poll()] == [
        (build_reconciler.DUE, second)
    ]


@pytest.mark.parametrize("delivered", [5, 20])
def test_one_delivery_however_often_it_comes_is_one_build(ci, delivered):
    commit, started = ci.commit(), []

    def deliver() -> None:
        started.extend(outcome.start for outcome in ci.push(commit))

    threads = [threading.Thread(target=deliver) for _ in range(delivered)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(started) == 1
    assert len(started) == delivered
    decisions = event_log.events(ci.store, 25)[0]
    assert [entry["decision"] for entry in decisions].count("build") == 1
    assert len(decisions) == delivered


def test_a_person_builds_a_failed_commit_again_and_github_does_not(ci):
    commit = ci.end("exit 1")
    ci.builds.failed(commit)

    assert [outcome.start for outcome in ci.push(commit)] == [False]
    wish = asked_for("acme/greeter", "main", commit, "ann")
    assert [o.start for o in push_handler.take(ci.settings, ci.store, wish, "person", "greeter")] == [True]
    assert ci.builds.start(commit)["queue_id"]


@pytest.fixture(params=["shop/greeter", "teams/shop/main", "shop/feature%2Fcart"])
def in_folders(ci, request) -> Ci:
    """A project whose job lies in folders, or is that of a multibranch job's branch."""
    name = request.param.rpartition("/")[2]
    ci.stand_in = replace(ci.stand_in, jobs=(request.param, f"others/{name}", "greeter"))
    ci.boot()
    ci.settings.projects["greeter"] = replace(ci.project, job=request.param)
    ci.other = f"others/{name}"
    return ci


def test_a_job_in_folders_is_started_read_and_waited_for_as_any_other(in_folders):
    commit = in_folders.end("exit 1", in_folders.project.job)

    (told,) = in_folders.poll()
    assert told.payload["status"] == "FAILURE"
    seen, _ = in_folders.builds.failed(commit)
    assert (seen.status, seen.number) == ("FAILURE", 1)
    assert "ended with 1" in Jenkins(in_folders.settings).console_tail(in_folders.project, 1)


def test_what_waits_in_the_queue_for_a_job_of_the_same_name_elsewhere_is_not_this_ones(in_folders):
    in_folders.boot(executors=0)
    commit, jenkins = in_folders.commit(), Jenkins(in_folders.settings)
    elsewhere = replace(in_folders.project, job=in_folders.other)
    jenkins.ask_for(elsewhere, {"COMMIT": commit})

    assert jenkins.started(in_folders.project, commit, "main", time.time()) == 0
    mine = jenkins.ask_for(in_folders.project, {"COMMIT": commit})
    assert jenkins.started(in_folders.project, commit, "main", time.time()) == mine


def test_a_failure_of_another_job_or_build_never_ends_the_run(in_folders):
    job = in_folders.project.job
    commit = in_folders.start("sleep 300")
    in_folders.wait_for(lambda: in_folders.queue.builds[job])
    given = {**in_folders.queue.builds[job][0].parameters, "REPOSITORY": "/nowhere"}
    for other in (replace(in_folders.project, job=in_folders.other), in_folders.project):
        Jenkins(in_folders.settings).ask_for(other, given)
        builds = in_folders.queue.builds[other.job]
        in_folders.wait_for(lambda builds=builds: any(build.result == "FAILURE" for build in builds))

        with pytest.raises(CiError, match="Jenkins says RUNNING"):
            in_folders.builds.failed(commit)
    assert in_folders.run(commit)["stage"] == "building"
    assert in_folders.poll() == []


@pytest.mark.parametrize("stage", ["accepted", "waiting", "starting", "superseded"])
def test_a_run_whose_build_was_never_started_cannot_be_ended_by_a_callback(ci, stage):
    commit = ci.commit()
    ci.push(commit)
    ci.store.update(f"cicd/greeter/runs/{commit}", lambda run: {**run, "stage": stage})

    with pytest.raises(CiError, match=f"no build that could have ended: it is {stage}"):
        ci.builds.failed(commit)
    assert ci.run(commit)["stage"] == stage
