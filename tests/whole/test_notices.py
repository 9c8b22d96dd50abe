"""Every outcome arrives once on IRC, Matrix, mail and a webhook that were down, and StackStorm was killed."""

from __future__ import annotations

import email
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiosmtpd.controller import Controller

from cicd import config, config_schema
from cicd.ci import event_log, run
from cicd.deploy.controls import Controls
from cicd.fleet import rollout_log
from cicd.release import transitions
from cicd.release.holds import Hold
from cicd.release.record import EVERYTHING, Build, Cause
from cicd.release.stop import Stop
from cicd.reports import notifier
from cicd.repository import signing_keys
from cicd.store.store import Store
from tests.conformance.local import ROOT, Local
from tests.conftest import free_port
from tests.irc_server import CHANNEL, IrcServer, Listener
from tests.lib.consul_settings import EXAMPLE
from tests.lib.reports.test_notifier import Mailbox, Receiver
from tests.matrix_server import MatrixServer

OUTAGE_SECONDS = float(os.environ.get("NOTICE_OUTAGE_SECONDS", "0"))  # for people: CI does not wait
GOOD = "good after 3 of 3 measurements"
WAIT_SECONDS = 180 + 3 * OUTAGE_SECONDS
COMMITS = {number: str(number) * 40 for number in range(1, 8)}
EVENTS = config_schema.attributes()["notices"]["items"]["properties"]["events"]["items"]["enum"]


def build(number: int) -> Build:
    commit = COMMITS[number]
    return Build(f"1.{number}-1.{commit[:7]}", "greeter", commit, "0" * 64, f"acme/greeter@{commit}")


class Everybody:
    """Whoever is told: each can be down, and says the first line of each notice that came."""

    def __init__(self, folder: Path) -> None:
        self.webhook, self.mailbox, self.mail_port = Receiver(), Mailbox(), free_port()
        self.irc, self.matrix = IrcServer(folder), MatrixServer(folder)
        self._listeners: list[Listener] = []
        self._stack = ExitStack()
        self.webhook.start()

    def __enter__(self) -> Everybody:
        self._stack.enter_context(self.matrix)
        self._stack.enter_context(self.irc)
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
        self.webhook.stop()
        self._listeners[-1].__exit__(None, None, None)
        self._stack.close()

    def stop(self) -> None:
        self._listeners[-1].__exit__(None, None, None)
        for one in (self.webhook, self.irc, self.matrix, self._controller):
            one.stop()

    def start(self) -> None:
        for one in (self.webhook, self.matrix, self.irc):  # nobody speaks on IRC before somebody listens
            one.start()
        self._listen()

    @property
    def heard(self) -> dict[str, list[str]]:
        """The first line of each notice, by target."""
        irc = [line for one in self._listeners for line in one.said]
        mails = [email.message_from_string(one, policy=default).get_content() for one in self.mailbox.mails]
        return {
            "webhook": [text.splitlines()[0] for text in self.webhook.texts],
            "mail": [text.splitlines()[0] for text in mails],
            "irc": [line for line in irc if line.startswith(("greeter:", "every project:"))],
            "matrix": [text.splitlines()[0] for text in self.matrix.said],
        }

    def targets(self, folder: Path) -> list[dict[str, Any]]:
        (folder / "url").write_text(self.webhook.url)
        (folder / "token").write_text(self.matrix.token)
        mail, irc = f"127.0.0.1:{self.mail_port}", f"127.0.0.1:{self.irc.port}"
        people = {"sender": "cicd@example.com", "recipients": ["ann@example.com"]}
        room = {"homeserver": self.matrix.url, "room": self.matrix.room, "token_file": str(folder / "token")}
        found = [
            {"to": "webhook", "url_file": str(folder / "url")},
            {"to": "mail", "server": mail, "tls": "none", **people},
            {"to": "irc", "server": irc, "tls": "none", "channel": CHANNEL},
            {"to": "matrix", **room},
        ]
        return [{"name": one["to"], "events": EVENTS, **one} for one in found]

    def _listen(self) -> None:
        self._listeners.append(Listener(self.irc).__enter__())
        self._controller = Controller(self.mailbox, hostname="127.0.0.1", port=self.mail_port)
        self._controller.start()


class Site:
    """A project's record, changed as its deploys change it."""

    def __init__(self, settings: config.Settings) -> None:
        self.settings, self.store = settings, Store(settings)

    def change(self, what: str, ring: str, decide: Callable[[Any], Any], why: str = "because") -> int:
        cause = Cause("ann", why, time.time(), "e1")
        return self.store.change("greeter", what, ring, cause, decide).ring(ring).generation

    def begin(self, number: int, ring: str, what: str = "advertise_canary") -> int:
        now = time.time()
        return self.change(what, ring, lambda r: transitions.break_glass(r, build(number), now, ring))

    def confirm(self, ring: str, generation: int) -> None:
        self.change("confirm", ring, lambda r: transitions.confirm(r, ring, generation, time.time()))

    def undo(self, what: str, ring: str, generation: int, why: Stop, left: bool = False) -> None:
        self.change(
            what, ring, lambda r: transitions.restore(r, ring, generation, time.time(), why, left), why.why
        )

    def fail(self, number: int, **stored: Any) -> None:
        known = {"stage": "failed", "at": time.time(), "status": "FAILURE", "build": number}
        self.store.put(run.key("greeter", COMMITS[number]), {**known, **stored})

    def alarm(self) -> None:
        said = {"project": "greeter", "ring": "production", "said": "HTTP 5xx", "reason": "too late"}
        entry = {**event_log.NO_PUSH, **said, "at": time.time(), "decision": "ask"}
        event_log.keep(self.store, event_log.ALARMS, 100, entry)


def before_the_outage(site: Site) -> list[str]:
    site.fail(1)
    site.confirm("canary", site.begin(2, "canary"))
    site.confirm("production", site.begin(2, "production", "promote"))
    Controls(site.settings, "greeter", "ann").hold("lock", "migration")
    return [
        "1111111: CI runs as build 1",
        "1111111: CI did not pass: FAILURE",
        "1.2-1.2222222 runs on canary",
        "1.2-1.2222222 is being deployed to production",
        "1.2-1.2222222 runs on production",
        "locked by ann: migration",
    ]


def while_all_are_down(site: Site) -> list[str]:
    failed, died = Stop("update hosts", "app1 is not healthy."), rollout_log.why_ended({}, 0.0, 90.0)
    site.undo("restore", "canary", site.begin(3, "canary"), failed)
    site.undo("restore", "canary", site.begin(4, "canary"), died)
    site.undo("restore", "production", site.begin(3, "production", "promote"), failed)
    site.undo("stop", "production", site.begin(4, "production", "promote"), failed, left=True)
    site.alarm()
    signing_keys.keep(site.store, f"key_AB12={time.time() + 5.5 * 86400:.0f}")
    return [
        "1.3-1.3333333 failed on canary, which was rolled back to 1.2-1.2222222",
        "1.4-1.4444444 failed on canary, which was rolled back to 1.2-1.2222222: it gave no sign of life",
        "1.3-1.3333333 is being deployed to production",
        "1.3-1.3333333 failed on production",
        "1.4-1.4444444 is being deployed to production",
        "1.4-1.4444444 stopped on production",
        "HTTP 5xx: too late",
        "the key AB12, which signs the package repository, expires in 5 d",
    ]


def while_stackstorm_is_down_too(site: Site) -> list[str]:
    site.change("roll_back", "production", lambda r: transitions.roll_back(r, "production", time.time()))
    site.begin(5, "production", "break_glass")
    Controls(site.settings, "greeter", "bob").reject(build(2).version, "it is slow")
    frozen = Hold("ann", "audit", time.time())
    site.change("judge", "canary", lambda r: transitions.hold(r, replace(r.holds, freeze=frozen)), GOOD)
    stopped = {
        "step": "build package",
        "why": "FPM failed.",
        "hint": "Correct fpm.json.",
        "when": time.time(),
    }
    site.fail(6, stage="passed", status="", step="build package", step_at=time.time(), stop=stopped)
    strange = {"installed": "0.1-1.abcdef0", "state": "unchanged", "dpkg": "installed", "agent": "9.0"}
    site.store.put("cicd/greeter/hosts/web99", {**strange, "host": "web99", "project": "greeter"})
    return [
        "production is rolled back",
        "1.5-1.5555555 is being deployed to production, by ann",
        "rejected by bob: 1.2-1.2222222: it is slow",
        f"1.2-1.2222222 on canary: {GOOD}",
        "6666666: CI runs as build 6",
        "6666666: stopped at build package: FPM failed.",
        "web99 reports about greeter, but has no such service",
    ]


@pytest.fixture
def everybody(tmp_path: Path) -> Iterator[Everybody]:
    with Everybody(tmp_path) as found:
        yield found


@pytest.fixture
def site(everybody: Everybody, consul: str, tmp_path: Path) -> Site:
    values = {**yaml.safe_load(EXAMPLE.read_text()), "consul": {"url": consul}}
    values["projects"]["greeter"]["approval"] = {"count": 1}
    values["notices"] = everybody.targets(tmp_path)
    (tmp_path / "st2" / "configs").mkdir(parents=True)
    (tmp_path / "st2" / "configs" / "cicd.yaml").write_text(yaml.safe_dump(values))
    return Site(config.parse(values))


def memory(site: Site, project: str = "greeter") -> list[dict[str, Any]]:
    return list(site.store.below(notifier.prefix(project), dict).values())


def retry_now(site: Site) -> None:
    """Let as much time pass as targets are left alone for."""
    for project in ("greeter", EVERYTHING):
        for key in site.store.keys(notifier.prefix(project)):
            site.store.update(key, lambda told: {**told, "not_before": 0})


def wait(there: Callable[[], Any], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not there():
        assert time.monotonic() < deadline, what()
        time.sleep(0.5)


def test_every_outcome_arrives_once_although_all_were_down_and_stackstorm_was_killed(
    everybody, site, tmp_path
):
    local = Local(tmp_path / "st2", packs=[ROOT])
    rest = local.start()
    try:
        wait(lambda: len(memory(site)) == len(memory(site, EVERYTHING)) == 4, lambda: local.log[-4000:])
        expected = before_the_outage(site)
        wait(lambda: arrived(everybody, expected), lambda: missing(everybody, expected))

        everybody.stop()
        expected += while_all_are_down(site)
        wait(lambda: all(told["tries"] for told in memory(site)), lambda: memory(site))
        local.kill()
        expected += while_stackstorm_is_down_too(site)
        rest = local.start()
        time.sleep(OUTAGE_SECONDS)
        everybody.start()
        if not OUTAGE_SECONDS:
            retry_now(site)
        wait(lambda: arrived(everybody, expected), lambda: missing(everybody, expected))

        assert rest.run("cicd.notify", {"project": "greeter"})["result"]["result"]["told"] == 0
        # In a long outage StackStorm finds a deploy that nobody drives, which is one more outcome.
        assert all(len(lines) == len(set(lines)) for lines in everybody.heard.values()), everybody.heard
    finally:
        local.kill()


def missing(everybody: Everybody, expected: list[str]) -> dict[str, list[str]]:
    """Return what of *expected* each target did not hear."""
    return {
        name: [said for said in expected if not any(said in line for line in lines)]
        for name, lines in everybody.heard.items()
    }


def arrived(everybody: Everybody, expected: list[str]) -> bool:
    """Whether each target heard each of what is *expected*; each once, or the test has failed."""
    found = [sum(said in line for line in lines) for lines in everybody.heard.values() for said in expected]
    assert max(found) <= 1, everybody.heard
    return min(found) == 1
