"""Each target is told each thing once: by a real HTTP receiver, a real mail server, on a real Consul."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from cicd.ci import event_log, run
from cicd.clients import mail
from cicd.config import Project
from cicd.deploy.controls import Controls
from cicd.errors import ConfigError, UnreadableError
from cicd.fleet import drift_log
from cicd.fleet.drift import EDITED, Drift
from cicd.notice_targets import NoticeTarget
from cicd.release import transitions
from cicd.release.record import EVERYTHING, Build, Cause
from cicd.reports import notifier
from cicd.repository import signing_keys
from cicd.store.store import Store
from tests.conftest import free_port
from tests.lib.consul_settings import changed, settings

COMMIT = "a" * 40
BUILD = Build("1.0-1.aaaaaaa", "greeter", COMMIT, "0" * 64, f"acme/greeter@{COMMIT}")
PATH = "/services/T1/B2/secret"


class Receiver:
    """A chat's incoming webhook that can be down, or answer what it is told to."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.bodies: list[dict] = []
        self.answer = (200, {})
        self.during: Callable[[], object] = bool
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.during()
                status, headers = receiver.answer
                if status == 200:
                    receiver.texts.append(body["text"])
                    receiver.bodies.append(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._handler = Handler
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PATH}"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Mailbox:
    mails: list[str] = field(default_factory=list)
    goodbye: str = "221 Bye"

    async def handle_QUIT(self, server, session, envelope) -> str:
        return self.goodbye

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address.startswith("gone@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        self.mails.append(envelope.content.decode())
        return "250 OK"


@dataclass
class Site:
    store: Store
    settings: object
    receiver: Receiver
    mailbox: Mailbox

    def notify(self, project: str = "greeter") -> notifier.Notified:
        return notifier.notify(self.settings, self.store, project)

    def due(self) -> list[str]:
        return [event.payload["project"] for event in notifier.due(self.settings, self.store)]

    def change(self, what: str, decide) -> transitions.Release:
        cause = Cause("ann", "because", time.time(), "e1", BUILD.trace)
        return self.store.change("greeter", what, "canary", cause, decide)

    def deploy(self) -> None:
        known = self.change("advertise_canary", lambda r: transitions.advertise_canary(r, BUILD, 1.0))
        generation = known.ring("canary").generation
        self.change("confirm", lambda r: transitions.confirm(r, "canary", generation, 2.0))

    def fail_ci(self, number: int = 7) -> None:
        stored = {"stage": "failed", "at": time.time(), "status": "FAILURE", "build": number}
        self.store.put(run.key("greeter", COMMIT), stored)

    def later(self, target: str) -> None:
        key = f"{notifier.prefix('greeter')}{target}"
        self.store.update(key, lambda document: {**document, "not_before": 0})


@pytest.fixture(scope="module")
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True),
    )
    controller.start()
    yield mailbox, port
    controller.stop()


@pytest.fixture
def site(consul: str, mail_server, tmp_path) -> Iterator[Site]:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    mailbox, port = mail_server
    mailbox.mails.clear()
    mailbox.goodbye = "221 Bye"
    receiver = Receiver()
    receiver.start()
    (tmp_path / "url").write_text(receiver.url + "\n")
    targets = [
        {"name": "team", "to": "webhook", "url_file": str(tmp_path / "url")},
        {
            "name": "oncall",
            "to": "mail",
            "server": f"127.0.0.1:{port}",
            "tls": "none",
            "sender": "cicd@example.com",
            "recipients": ["ann@example.com"],
            "events": ["canary_good", "held"],
        },
    ]
    made = settings(consul, notices=targets)
    yield Site(Store(made), made, receiver, mailbox)
    receiver.stop()


def test_each_target_is_told_once_what_it_asked_for(site):
    assert site.due() == ["greeter", EVERYTHING]
    assert site.notify()["told"] == 0
    site.notify(EVERYTHING)
    assert site.due() == []
    site.fail_ci()
    site.deploy()
    assert site.due() == ["greeter"]
    site.notify()

    assert site.notify()["told"] == 0
    assert site.due() == []
    assert ["CI did not pass" in text for text in site.receiver.texts] == [True, False]
    assert "<https://jenkins.example.com/job/greeter/7/>" in site.receiver.texts[0]
    assert "Next: `deploy production greeter`" in site.receiver.texts[1]
    (mail,) = site.mailbox.mails
    assert "Subject: greeter: 1.0-1.aaaaaaa runs on canary: because" in mail
    assert "Message-ID: <greeter." in mail


def test_with_a_status_page_what_is_told_links_to_its_page_of_the_commit(site):
    site.settings = changed(site.settings, "status_page", url="https://status.example.com")
    site.notify()
    site.fail_ci()
    site.deploy()
    site.notify()

    page = f"<https://status.example.com/projects/greeter/commits/{COMMIT}>"
    assert [page in text for text in site.receiver.texts] == [True, True]


def test_what_a_target_misses_while_it_is_down_comes_later_in_order_and_disturbs_no_other(site):
    site.notify()
    site.receiver.stop()
    site.deploy()
    Controls(site.settings, "greeter", "ann").hold("lock", "migration")
    done = site.notify()
    assert done["targets"]["team"]["left"] == 2
    assert done["targets"]["oncall"]["told"] == 2
    assert PATH not in json.dumps(done)
    site.receiver.start()
    assert site.notify()["told"] == 0
    assert "greeter" not in site.due()
    site.later("team")
    assert "greeter" in site.due()
    site.notify()

    assert [text.splitlines()[0] for text in site.receiver.texts] == [
        "greeter: 1.0-1.aaaaaaa runs on canary: because",
        "greeter: locked by ann: migration",
    ]
    assert len(site.mailbox.mails) == 2


ANSWERS = [
    ((429, {"Retry-After": "7"}), 1),
    ((429, {"Retry-After": "²"}), 1),
    ((500, {}), 1),
    ((404, {}), 1),
    ((302, {"Location": "/"}), 1),
    ((400, {}), 0),
]


@pytest.mark.parametrize(("answer", "left"), ANSWERS, ids=str)
def test_only_a_message_that_is_refused_for_good_is_given_up(site, answer, left):
    site.notify()
    site.receiver.answer = answer
    site.fail_ci()
    done = site.notify()["targets"]["team"]

    assert done["left"] == left
    assert str(answer[0]) in done["problem"]
    assert PATH not in done["problem"]


WRONG_URLS = [
    (b"file:///etc/passwd", "has no http or https URL"),
    (b"https://hooks..example.com/T1/B2", "does not answer (LocationParseError)"),
    (b"https://hooks.example.com/\xe4", "it is not text in UTF-8"),
]


@pytest.mark.parametrize(("content", "problem"), WRONG_URLS, ids=str)
def test_a_secret_that_is_none_delays_its_own_target_only(site, content, problem):
    site.notify()
    (url_file,) = [target.url_file for target in site.settings.notices if target.url_file]
    Path(url_file).write_bytes(content)
    site.deploy()
    done = site.notify()["targets"]

    assert done["team"]["left"] == 1
    assert problem in done["team"]["problem"]
    assert "T1/B2" not in done["team"]["problem"]
    assert done["oncall"]["told"] == 1


def test_a_mail_that_a_server_took_is_not_sent_again_because_of_how_it_says_goodbye(site):
    site.notify()
    site.mailbox.goodbye = "421 too busy"
    site.deploy()
    done = site.notify()["targets"]["oncall"]

    assert (done["told"], done["left"], done["problem"]) == (1, 0, "")
    assert len(site.mailbox.mails) == 1


def test_who_of_several_recipients_was_refused_is_said_and_the_others_have_it_once(site):
    oncall = dataclasses.replace(site.settings.notices[1], recipients=("ann@example.com", "gone@example.com"))
    site.settings = dataclasses.replace(site.settings, notices=(oncall,))
    site.notify()
    site.deploy()
    done = site.notify()["targets"]["oncall"]

    assert done["left"] == 0
    assert "did not accept a mail for gone@example.com (550); the other recipients have it" in done["problem"]
    assert len(site.mailbox.mails) == 1


def test_a_password_that_no_mail_server_takes_is_an_expected_failure_that_does_not_show_it(
    site, mail_server, tmp_path
):
    (tmp_path / "password").write_text("pässword")
    more = {"user": "cicd", "password_file": str(tmp_path / "password"), "tls": "none"}
    server = f"127.0.0.1:{mail_server[1]}"
    target = NoticeTarget("x", "mail", server=server, sender="a@b", recipients=("c@d",), **more)

    with pytest.raises(ConfigError, match="not ASCII") as error:
        mail.send(target, ["said"], "", "1")
    assert "pässword" not in str(error.value)


def told_twice(site: Site) -> str:
    site.notify()
    site.deploy()
    Controls(site.settings, "greeter", "ann").hold("lock", "migration")
    return f"{notifier.prefix('greeter')}team"


def test_an_action_whose_claim_another_one_took_over_ends_and_overwrites_nothing(site):
    key = told_twice(site)
    others = {"busy": "another", "busy_until": time.time() + 60, "generation": 99}
    site.receiver.during = lambda: site.store.update(key, lambda document: {**document, **others})
    site.notify()

    assert len(site.receiver.texts) == 1
    assert site.store.json(key, dict).items() >= others.items()


def test_a_memory_that_is_removed_while_a_target_is_told_begins_anew(site):
    key = told_twice(site)
    site.receiver.during = lambda: site.store.delete(key)
    site.notify()
    assert site.store.json(key, dict) is None
    site.store.put(key, {"busy": "", "busy_until": 0})
    site.notify()

    assert len(site.receiver.texts) == 1
    assert site.store.json(key, dict)["generation"] == site.store.release("greeter").generation


def test_what_holds_every_project_and_what_alarms_ask_are_told_too(site):
    for project in ("greeter", EVERYTHING):
        site.notify(project)
    Controls(site.settings, EVERYTHING, "ann").hold("freeze", "audit")
    said = {"project": "greeter", "ring": "production", "said": "HTTP 5xx", "reason": "too late"}
    entry = {**event_log.NO_PUSH, **said, "at": time.time(), "decision": "ask"}
    event_log.keep(site.store, event_log.ALARMS, 100, entry)
    assert site.due() == ["greeter", EVERYTHING]
    for project in ("greeter", EVERYTHING):
        site.notify(project)

    assert [text.splitlines()[0] for text in site.receiver.texts] == [
        "greeter: HTTP 5xx: too late",
        "every project: frozen by ann: audit",
    ]
    assert site.due() == []


def test_what_a_target_does_not_want_is_passed_and_not_read_again(site):
    site.notify()
    site.receiver.answer = (400, {})
    site.fail_ci()
    for _ in range(2):
        site.change("set_traffic", lambda r: transitions.hold(r, r.holds))
    site.notify()

    for target in ("team", "oncall"):
        told = site.store.json(f"{notifier.prefix('greeter')}{target}", dict)
        assert told["generation"] == site.store.release("greeter").generation


def test_an_event_that_a_target_asks_for_later_is_told_from_then_on(site):
    site.notify()
    site.notify(EVERYTHING)
    site.fail_ci()
    oncall = site.settings.notices[1]
    later = dataclasses.replace(oncall, events=(*oncall.events, "ci_failed"))
    site.settings = dataclasses.replace(site.settings, notices=(later,))

    assert site.due() == ["greeter", EVERYTHING], "it is to be noted from when it asks"
    assert site.notify()["told"] == 0
    site.fail_ci(number=8)
    site.notify()
    assert ["Subject: greeter: aaaaaaa: CI did not pass: FAILURE" in mail for mail in site.mailbox.mails] == [
        True
    ]


def test_a_host_that_drifts_is_told_until_it_is_right_again_also_by_another_process(site):
    site.notify()
    wrong = Drift("greeter", "app1", "canary", EDITED, "1", "1", "app1: someone changed a file")
    for found in ([wrong], [wrong], []):
        drift_log.keep(Store(site.settings), "greeter", found, is_sure=True)
        site.notify()

    assert [text.splitlines()[0] for text in site.receiver.texts] == [
        "greeter: app1: someone changed a file",
        "greeter: over after 0 s: app1: someone changed a file",
    ]


def test_a_key_that_expires_soon_is_told_to_every_target_that_wants_it(site):
    site.notify(EVERYTHING)
    signing_keys.keep(site.store, f"driver=aptly\nkey_AB12={time.time() + 5.5 * 86400:.0f}\n")
    assert EVERYTHING in site.due()
    site.notify(EVERYTHING)
    site.notify(EVERYTHING)

    assert [text.splitlines()[0] for text in site.receiver.texts] == [
        "every project: the key AB12, which signs the package repository, expires in 5 d"
    ]
    assert site.mailbox.mails == []


def test_a_deploy_is_begun_by_who_pushed_and_not_by_stackstorms_own_user(site):
    site.notify()
    site.store.put(run.key("greeter", COMMIT), {"stage": "passed", "at": time.time(), "user": "eve"})
    site.deploy()
    site.settings = dataclasses.replace(site.settings, system_user="ann")
    site.notify()

    assert "begun by eve" in site.receiver.texts[0]


def test_a_run_that_cannot_be_read_keeps_no_other_project_from_being_told(site):
    projects = {"broken": Project("broken", "acme/broken"), **site.settings.projects}
    site.settings = dataclasses.replace(site.settings, projects=projects)
    for name in (*projects, EVERYTHING):
        site.notify(name)
    site.store.put(run.key("broken", COMMIT), {"stage": "no such stage"})
    site.fail_ci()
    found = notifier.due(site.settings, site.store)

    assert next(found).payload == {"project": "greeter"}
    with pytest.raises(UnreadableError, match="broken"):
        list(found)


def test_a_webhook_has_buttons_only_where_it_wants_them(site):
    site.notify()
    site.deploy()
    site.notify()
    team = dataclasses.replace(site.settings.notices[0], name="slack", buttons=True)
    site.settings = dataclasses.replace(site.settings, notices=(team,))
    site.notify()
    site.deploy()
    site.notify()
    plain, with_buttons = site.receiver.bodies

    assert "blocks" not in plain
    shown, actions = with_buttons["blocks"]
    assert shown["text"]["text"] == with_buttons["text"]
    assert [(one["action_id"], one["value"]) for one in actions["elements"]] == [
        ("promote", f"greeter {BUILD.version} production"),
        ("rollback", f"greeter {BUILD.version} canary"),
    ]
    assert all("confirm" in one for one in actions["elements"])
