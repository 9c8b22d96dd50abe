"""All that a push passes on its way to a package, on one machine, in processes that may be killed."""

from __future__ import annotations

import base64
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from lab.git import event
from tests.conformance.local import ROOT, Local, free_ports
from tests.conformance.rest import COMPLETED
from tests.fleet.loopback import Loopback
from tests.gateway.gateways import START_SECONDS, Process
from tests.gateway.wire import TOKEN, deliver, eventually
from tests.package.publishing import KEY as SIGNER
from tests.package.publishing import RepositoryHost

REPOSITORY = "acme/greeter"
PROJECT, MAIN = "greeter", "main"
# A branch of the oddest form that may be deployed.
ODD_PROJECT, ODD = "odd", "release/1.0+x@y=--upload-pack=touch"
TOPIC = "topic"
JENKINS_TOKEN, GITHUB_TOKEN, KEPT = "jenkins-token-0123", "github-token-2345", "datastore-secret-4567"
SECRET_FOLDER = "config-secret-6789"
SECRETS = (JENKINS_TOKEN, GITHUB_TOKEN, TOKEN, KEPT, SECRET_FOLDER)
WAIT_SECONDS = 180
FPM_JSON = {"version": "1.0.0", "description": "Greets.", "maintainer": "Ann <ann@example.com>"}
SCRIPT = "#!/bin/sh\n"
CISETUP, CIBUILD, HOOK = "script/cisetup", "script/cibuild", "script/post-inst"


class StandIn:
    """One of the lab's stand-ins, `python3 -m MODULE SETTINGS`, on a port of its own."""

    def __init__(self, module: str, folder: Path, settings: dict[str, Any]) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {**settings, "host": "127.0.0.1", "port": self.port}
        self._module, self._file = module, folder / f"{module}.json"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **changes: Any) -> None:
        """Start it, with *changes* to its settings, and return once it answers."""
        self._file.write_text(json.dumps({**self._settings, **changes}))
        command = [sys.executable, "-m", self._module, str(self._file)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        eventually(self._answers, START_SECONDS)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    def _answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=5).status_code > 0
        except requests.RequestException:
            return False


class Whole:
    """A gateway, an st2local with this pack, Jenkins, GitHub's API, and a host that builds and publishes."""

    def __init__(self, folder: Path, work: Any, consul: str, host: RepositoryHost, ssh: Loopback) -> None:
        self.folder, self.work, self.consul, self.host = folder, work, consul, host
        self.local = Local(folder / "st2local", packs=[ROOT])
        self._secrets = folder / SECRET_FOLDER
        self._secrets.mkdir()
        for name, text in {"jenkins": JENKINS_TOKEN, "callback": TOKEN, "github": GITHUB_TOKEN}.items():
            (self._secrets / name).write_text(text)
        (folder / "gateway").mkdir()
        # Only to learn its port: it is given its real key once there is one.
        self.gateway = Process(folder / "gateway", f"http://127.0.0.1:{self.local.api_port}/v1")
        self.jenkins = StandIn("lab.jenkins", folder, self._jenkins_settings())
        self.github = StandIn("lab.github", folder, self._github_settings())
        self._configure(ssh)

    def start(self) -> None:
        """Start everything."""
        self.jenkins.start(url=f"{self.jenkins.url}/")
        self.github.start()
        self.rest = self.local.start()
        kept = {"name": "kept", "value": KEPT, "secret": True, "scope": "system"}
        assert self.rest.ask("PUT", "/keys/kept", kept).status_code == 200
        self.key = self.rest.ask("POST", "/apikeys", {}).json()["key"]
        self.gateway.stop()
        (self.folder / "gateway" / "key").write_text(self.key)
        self.gateway.start()
        # A branch that was never looked at counts as no push of anybody's.
        wait_until(lambda: {"cicd/greeter/lane", "cicd/odd/lane"} <= set(self.keys()))

    def stop(self) -> None:
        """Stop everything that runs."""
        self.kill("gateway", "jenkins")
        self.github.kill()
        if self.local.process is not None:
            self.local.stop()

    def kill(self, *victims: str) -> None:
        """End *victims*, of gateway, st2local and jenkins, as a power cut would."""
        for victim in victims:
            if victim == "gateway" and self.gateway.process.poll() is None:
                self.gateway.stop(signal.SIGKILL)
            elif victim == "st2local" and self.local.process is not None:
                self.local.kill()
            elif victim == "jenkins":
                self.jenkins.kill()

    def revive(self, *victims: str) -> None:
        """Start *victims* again."""
        for victim in victims:
            if victim == "gateway":
                self.gateway.start()
            elif victim == "st2local":
                self.rest = self.local.start()
            else:
                self.jenkins.start(url=f"{self.jenkins.url}/")

    def commit(
        self, message: str, files: dict[str, str], branch: str = MAIN, author: str = "Ann"
    ) -> dict[str, Any]:
        """Commit *files* to *branch*, push it, and return what GitHub tells of that."""
        self.work.git("checkout", "-q", branch)
        before = self.work.git("rev-parse", "HEAD")
        after = self.work.commit(files, message, GIT_AUTHOR_NAME=author)
        self.work.push(branch)
        return self.told(before, after, f"refs/heads/{branch}")

    def told(self, before: str, after: str, ref: str) -> dict[str, Any]:
        """Return what GitHub tells when *ref* moves."""
        return event.push(self.work.bare, REPOSITORY, event.Update(before, after, ref))

    def deliver(self, told: dict[str, Any], delivery: str) -> requests.Response:
        """Deliver what GitHub tells to the gateway."""
        return deliver(self.gateway, json.dumps(told).encode(), delivery)

    def deliver_straight(self, told: dict[str, Any], delivery: str) -> requests.Response:
        """Deliver what GitHub tells to StackStorm itself."""
        headers = {"X-GitHub-Event": "push", "X-GitHub-Delivery": delivery}
        url = f"http://127.0.0.1:{self.local.api_port}/v1/webhooks/cicd/github?st2-api-key={self.key}"
        return requests.post(url, json=told, headers=headers, timeout=60)

    def executions(self, action: str, commit: str = "") -> list[dict[str, Any]]:
        """Return the newest executions of *action*, of *commit* where one is given."""
        found = self.rest.get(f"/executions/?action=cicd.{action}&limit=50")
        return [one for one in found if commit in json.dumps(one["parameters"])]

    def ended(self, action: str, commit: str) -> list[dict[str, Any]]:
        """Return the newest executions of *action* that have ended."""
        return [one for one in self.executions(action, commit) if one["status"] in COMPLETED]

    def run(self, commit: str, project: str = PROJECT) -> dict[str, Any]:
        """Return the run of *commit*; empty when there is none."""
        return next(iter(self.keys(f"cicd/{project}/runs/{commit}").values()), {})

    def keys(self, prefix: str = "") -> dict[str, Any]:
        """Return what Consul keeps below *prefix*."""
        found = requests.get(f"{self.consul}/v1/kv/{prefix}?recurse", timeout=10)
        items = found.json() if found.ok else []
        return {one["Key"]: _decoded(one["Value"]) for one in items}

    def forwarded(self, commit: str) -> bool:
        """Whether the gateway has noted that StackStorm took the push of *commit*."""
        with closing(sqlite3.connect(self.folder / "gateway" / "spool.sqlite")) as spool:
            question = "SELECT 1 FROM event WHERE source = 'github' AND state = 'forwarded' AND trace LIKE ?"
            return spool.execute(question, (f"%{commit}",)).fetchone() is not None

    def builds(self, commit: str) -> list[dict[str, Any]]:
        """Return Jenkins' builds of *commit*, as they are on its disk."""
        files = (self.folder / "jenkins" / "builds").glob("*/*/build.json")
        found = [json.loads(path.read_text()) for path in files]
        return [one for one in found if one["parameters"]["COMMIT"] == commit]

    def console(self, commit: str) -> str:
        """Return what the builds of *commit* have said."""
        folder = self.folder / "jenkins" / "builds"
        logs = [folder / one["job"] / str(one["number"]) / "log" for one in self.builds(commit)]
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def packages(self, commit: str) -> int:
        """Return how many packages of *commit* clients see."""
        index = self.host.public / "dists" / "bookworm" / "main" / "binary-amd64" / "Packages"
        return index.read_text().lower().count(f"x-git-commit: {commit}") if index.exists() else 0

    def _jenkins_settings(self) -> dict[str, Any]:
        return {
            "user": "cicd",
            "token_file": str(self._secrets / "jenkins"),
            "jobs": [PROJECT, ODD_PROJECT],
            "folder": str(self.folder / "jenkins"),
            "callback_url": f"{self.gateway.url}/jenkins",
            "callback_token_file": str(self._secrets / "callback"),
            "protocols": "file",
        }

    def _github_settings(self) -> dict[str, Any]:
        bare = self.folder / "github" / f"{REPOSITORY}.git"
        bare.parent.mkdir(parents=True)
        bare.symlink_to(self.work.bare)
        settings = {"token_file": str(self._secrets / "github"), "repositories": str(self.folder / "github")}
        return {**settings, "record": str(self.folder / "github.json")}

    def _configure(self, ssh: Loopback) -> None:
        settings = {
            "consul": {"url": self.consul},
            "jenkins": {"url": self.jenkins.url, "token_file": str(self._secrets / "jenkins")},
            "github": {"api_url": self.github.url, "token_file": str(self._secrets / "github")},
            "source": {"clone_url": str(self.work.bare)},
            "ssh": {
                "user": ssh.user,
                "port": ssh.port,
                "private_key_file": str(ssh.private_key),
                "known_hosts_file": str(ssh.known_hosts),
            },
            "package": {"driver": "nfpm"},
            "repository": {
                "driver": "aptly",
                "url": self.host.url,
                "architectures": ["amd64"],
                "config_file": str(self.host.config),
                "gpg_key": SIGNER,
            },
            "projects": {
                PROJECT: {"repository": REPOSITORY, "branch": MAIN, "job": PROJECT},
                ODD_PROJECT: {"repository": REPOSITORY, "branch": ODD, "job": ODD_PROJECT},
            },
        }
        (self.local.directory / "configs" / "cicd.yaml").write_text(yaml.safe_dump(settings))


def wait_until(question: Callable[[], object]) -> None:
    """Return once *question* is true; what is asked has better to do than to answer."""
    eventually(question, WAIT_SECONDS, pause=0.1)


@contextmanager
def running(folder: Path, work: Any, consul: str) -> Iterator[Whole]:
    """Run everything within this context."""
    host = RepositoryHost("aptly")
    host.create()
    tools = Path(sys.executable).parent
    try:
        with Loopback(folder / "ssh", 1, net=78, names="infra{}", home=host.home, path=tools) as ssh:
            _register(consul, ssh.machines[0].name, ssh.machines[0].address)
            _begin(work)
            whole = Whole(folder, work, consul, host, ssh)
            try:
                whole.start()
                yield whole
            finally:
                whole.stop()
    finally:
        host.close()


def _register(consul: str, name: str, address: str) -> None:
    for service, tag in {"build": "package", "apt": "publish"}.items():
        offered = {"ID": service, "Service": service, "Tags": [tag]}
        entry = {"Node": name, "Address": address, "Service": offered}
        requests.put(f"{consul}/v1/catalog/register", json=entry, timeout=10).raise_for_status()


def _begin(work: Any) -> None:
    scripts = dict.fromkeys((CISETUP, CIBUILD, HOOK), SCRIPT)
    work.commit({**scripts, "fpm.json": json.dumps(FPM_JSON), "app.conf": "x = 1\n"}, "Begin")
    for branch in (ODD, TOPIC):
        work.git("branch", branch)
    work.push(MAIN, ODD, TOPIC)


def _decoded(value: str | None) -> Any:
    text = base64.b64decode(value or "").decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
