"""Each CI server that a project may have, by its stand-in, in one form for tests."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from cicd import config
from cicd.ci import build_reconciler, ci_servers, push_handler, run
from cicd.ci.builds import Builds
from cicd.ci.push import Push
from cicd.ci.run import Run
from cicd.clients.ci_server import BuildResult, CiServer
from cicd.config import Project
from cicd.store.store import Store
from lab.github import server as github
from lab.jenkins import server as jenkins
from lab.jenkins.queue import Queue
from lab.jenkins.settings import Settings as JenkinsSettings

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / "examples" / "greeter" / ".github" / "workflows" / "ci.yaml").read_text()
FILE = ".github/workflows/ci.yaml"
ACT = str(Path(sys.executable).with_name("act"))
JENKINSFILE = "archiveArtifacts artifacts: 'dist/*'\n"
LONG = 10**6


class Driver:
    """One project whose CI is *driver*: its server, and all that the pack does with it."""

    driver = ""

    def __init__(self, folder: Path, work: Any, consul: str, wait_for: Callable[..., Any]) -> None:
        self.folder, self.work, self._consul, self.wait_for = folder, work, consul, wait_for
        (folder / "token").write_text("api-token\n")
        (folder / "acme").mkdir()
        (folder / "acme" / "greeter.git").symlink_to(work.bare)
        requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
        self.url, self.settings = "", self._settings("http://127.0.0.1:9")

    def listen(self, http: Any) -> None:
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{http.server_port}"
        self.settings = self._settings(self.url)

    def _settings(self, url: str) -> config.Settings:
        token = str(self.folder / "token")
        ci = {} if self.driver == "jenkins" else {"ci": {"driver": self.driver}}
        return config.parse(
            {
                "consul": {"url": self._consul},
                "jenkins": {"url": url, "token_file": token} if self.driver == "jenkins" else {},
                "github": {"api_url": url, "token_file": token},
                "source": {"clone_url": str(self.work.bare)},
                "ssh": {"private_key_file": "none", "known_hosts_file": "none"},
                "repository": {"url": "http://none", "config_file": "none", "gpg_key": "none"},
                "projects": {"greeter": {"repository": "acme/greeter", "branch": "main", **ci}},
            }
        )

    @property
    def project(self) -> Project:
        return self.settings.project("greeter")

    @property
    def server(self) -> CiServer:
        return ci_servers.of(self.settings, self.project)

    @property
    def builds(self) -> Builds:
        return Builds(self.project, Store(self.settings), self.server)

    def commit(self, script: str = "echo tested", **files: str) -> str:
        """Return a pushed commit whose tests are *script*."""
        scripts = {"script/cisetup": "#!/bin/sh\n", "script/cibuild": f"#!/bin/sh\n{script}\n"}
        own = {FILE: WORKFLOW, "Jenkinsfile": JENKINSFILE}
        made = self.work.commit({**own, **scripts, **files}, message=f"Change {time.monotonic_ns()}")
        self.work.push("main")
        return made

    def take(self, commit: str) -> None:
        """Let the pack take the push of *commit*."""
        told = Push("acme/greeter", "refs/heads/main", commit, "ann", default_branch="main")
        push_handler.take(self.settings, Store(self.settings), told, "github")

    def started(self, script: str = "echo tested") -> str:
        """Return a commit whose build was started."""
        commit = self.commit(script)
        self.take(commit)
        assert self.builds.start(commit)["queue_id"]
        return commit

    def ended(self, commit: str) -> BuildResult:
        """Return the build of *commit* once it has ended."""

        def found() -> BuildResult | None:
            for one in self.server.results(self.project, commit):
                if one.status:
                    return one
            return None

        return self.wait_for(found)

    def run(self, commit: str) -> Run:
        found = self.builds.turns.runs.find(commit)
        assert found
        return found

    def age(self, commit: str) -> None:
        """Let the run of *commit* be a minute old."""
        key = run.key("greeter", commit)
        Store(self.settings).update(key, lambda known: {**known, "at": known["at"] - 30})

    def poll(self) -> list[str]:
        """Return the triggers of one poll of the sensor."""
        return [event.trigger for event in build_reconciler.find(self.settings, Store(self.settings))]

    def lose_the_answer(self, monkeypatch: Any) -> None:
        """Let the next start happen without an answer."""
        raise NotImplementedError

    def another(self, commit: str) -> int:
        """Return the number of a build that somebody else started, and that says it is of *commit*."""
        raise NotImplementedError


class JenkinsDriver(Driver):
    driver = "jenkins"

    def boot(self) -> Any:
        settings = JenkinsSettings(
            host="127.0.0.1",
            port=0,
            url="http://jenkins.lab/",
            user="cicd",
            token_file=str(self.folder / "token"),
            jobs=("greeter",),
            folder=str(self.folder / "jenkins"),
            callback_url="http://127.0.0.1:9/jenkins",
            callback_token_file=str(self.folder / "token"),
            protocols="file",
        )
        self.queue = Queue(settings)
        self.queue.start()
        return jenkins.server(settings, self.queue)

    def lose_the_answer(self, monkeypatch: Any) -> None:
        take = jenkins.Api._queued

        def lost(api: jenkins.Api, path: str, given: Any) -> Any:
            take(api, path, given)
            monkeypatch.undo()
            return 502, "", {}

        monkeypatch.setattr(jenkins.Api, "_queued", lost)

    def another(self, commit: str) -> int:
        given = self.server.wanted(self.project, commit, "main")
        self.server.ask_for(self.project, {**given, "TRACE": "elsewhere"})
        return self.ended(commit).number


class GitHubDriver(Driver):
    driver = "github_actions"

    def boot(self) -> Any:
        return github.server(
            github.Settings(
                host="127.0.0.1",
                port=0,
                token_file=str(self.folder / "token"),
                repositories=str(self.folder),
                record=str(self.folder / "github.json"),
                actions=str(self.folder / "actions"),
                act=ACT,
            )
        )

    def ask(self, method: str, path: str, **body: Any) -> requests.Response:
        """Return the API's answer to the pack's user."""
        headers = {"Authorization": "Bearer api-token"}
        given = {"params": body} if method == "GET" else {"json": body}
        return requests.request(method, f"{self.url}/{path}", headers=headers, timeout=30, **given)

    def dispatch(self, commit: str, ref: str = "main") -> int:
        """Return the run that somebody started by hand on the branch *ref*."""
        path = "repos/acme/greeter/actions/workflows/ci.yaml/dispatches"
        inputs = {"project": "greeter", "commit": commit}
        answer = self.ask("POST", path, ref=ref, inputs=inputs, return_run_details=True)
        return int(answer.json()["workflow_run_id"])

    def lose_the_answer(self, monkeypatch: Any) -> None:
        # The head of the branch is asked for first.
        self.ask("POST", "lab/trouble", status=502, times=1, late=True, after=1)

    def another(self, commit: str) -> int:
        self.work.git("push", "-q", "--force", str(self.work.bare), f"{commit}:refs/heads/elsewhere")
        number = self.dispatch(commit, "elsewhere")
        self.wait_for(lambda: self.server.result(self.project, number).status)
        return number


@contextmanager
def running(kind: type[Driver], *given: Any) -> Iterator[Driver]:
    """Yield the driver *kind* with its server."""
    made = kind(*given)
    http = made.boot()
    made.listen(http)
    try:
        yield made
    finally:
        http.shutdown()
        http.server_close()
