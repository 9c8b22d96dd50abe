"""Buttons in Slack: only what Slack signed, only for known people, once, and as the person who pressed."""

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import config
from gateway.config import Slack as Settings
from gateway.slack import press, signature
from tests.conformance.local import Local as StackStorm
from tests.conformance.rest import Rest
from tests.gateway import slack
from tests.gateway.gateways import Local, configure
from tests.gateway.slack import ANN, BOB, BUTTONS, SECRET, STRANGER, Slack
from tests.gateway.wire import eventually

PACK = {
    "pack.yaml": "{ref: buttons, name: buttons, description: d, version: 1.0.0, author: a, email: a@b.c}",
    "actions/decide.yaml": """name: decide
pack: buttons
description: Says who asked, and refuses a rollback.
runner_type: python-script
entry_point: decide.py
enabled: true
parameters:
  what: {type: string, required: true}
  version: {type: string}
  user: {type: string, default: "{{ action_context.api_user }}", immutable: true}
""",
    "actions/decide.py": """from st2common.runners.base_action import Action


class Decide(Action):
    def run(self, what, version, user):
        if what == "rollback":
            return False, {"error": f"{user} may not.", "hint": "Ask <!here>."}
        return True, {"message": f"{version} is approved by {user}"}
""",
    "aliases/approve.yaml": """name: approve
pack: buttons
description: Approve.
action_ref: buttons.decide
enabled: true
formats: [{display: approve, representation: ['approve \\S+ (?P<version>\\S+)']}]
immutable_parameters: {what: approve}
""",
    "aliases/reject.yaml": """name: reject
pack: buttons
description: Reject.
action_ref: buttons.decide
enabled: true
formats: [{display: reject, representation: ['reject \\S+ (?P<version>\\S+) because .+']}]
immutable_parameters: {what: reject}
""",
    "aliases/rollback.yaml": """name: rollback
pack: buttons
description: Go back.
action_ref: buttons.decide
enabled: true
formats: [{display: rollback, representation: ['rollback \\S+ \\S+ from (?P<version>\\S+)']}]
immutable_parameters: {what: rollback}
""",
}


@pytest.fixture(scope="module")
def stackstorm(tmp_path_factory) -> Iterator[tuple[StackStorm, Rest]]:
    """An st2local with aliases of the words that buttons stand for."""
    folder = tmp_path_factory.mktemp("st2")
    for name, text in PACK.items():
        path = folder / "buttons" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    server = StackStorm(folder, packs=[folder / "buttons"])
    yield server, server.start()
    server.stop()


@pytest.fixture
def people() -> Iterator[Slack]:
    with Slack().answering() as found:
        yield found


@pytest.fixture
def gateway(stackstorm, people: Slack, tmp_path: Path) -> Iterator[Local]:
    server, rest = stackstorm
    key = rest.ask("POST", "/apikeys", {}).json()["key"]
    settings = config.read(configure(tmp_path, f"http://127.0.0.1:{server.api_port}/v1"))
    local = Local(tmp_path, dataclasses.replace(settings, port=0))
    known = Settings(SECRET.encode(), key, {ANN: "ann", BOB: "bob"}, people.url)
    with local.serving(slack=known):
        yield local


def executions(rest: Rest) -> int:
    return len(rest.get("/executions?action=buttons.decide&limit=100"))


def outcome(people: Slack) -> str:
    """Return the last thing that was written into the message."""
    return str(people.answers[-1]["blocks"][-1]["elements"][0]["text"]) if people.answers else ""


def kinds(answer: dict) -> list[str]:
    return [block["type"] for block in answer["blocks"]]


def test_a_press_is_done_as_the_person_who_pressed_and_the_message_says_so(gateway, people, stackstorm):
    answer = slack.send(gateway.url, people.pressed())

    assert answer.status_code == 200
    said = "ann: `approve greeter 1.0-1.aaaaaaa`: 1.0-1.aaaaaaa is approved by ann"
    eventually(lambda: outcome(people) == said)
    (newest,) = stackstorm[1].get("/executions?action=buttons.decide&limit=1")
    assert newest["context"]["api_user"] == "ann"
    assert [kinds(answer) for answer in people.answers] == [["section", "context"], ALL_BUTTONS]


ALL_BUTTONS = ["section", "actions", "context"]


def test_each_person_may_approve_by_the_same_button(gateway, people, stackstorm):
    for user, name in ((ANN, "ann"), (BOB, "bob")):
        slack.send(gateway.url, people.pressed(user=user))
        eventually(lambda name=name: outcome(people).endswith(f"is approved by {name}"))

    assert [line["decision"] for line in gateway.audit] == ["accepted", "accepted"]


def test_what_came_of_a_press_is_shown_as_plain_text_between_whole_signs():
    pressed = press.Press("U1", "approve", "", "", "said", ())
    (shown,) = press.answered(pressed, "see #general & " + "&" * 3000, is_over=True)["blocks"][-1]["elements"]

    assert shown["verbatim"] is True
    assert len(shown["text"]) <= 2000
    assert shown["text"].endswith("&amp;")


def test_what_ends_a_version_takes_the_buttons_along(gateway, people):
    slack.send(gateway.url, people.pressed(actions=[{"action_id": "reject", "value": BUTTONS[0][1]}]))
    eventually(lambda: "is approved by ann" in outcome(people))

    assert kinds(people.answers[-1]) == ["section", "context"]


def test_what_is_sent_again_or_pressed_again_is_done_once(gateway, people, stackstorm):
    before, body, now = executions(stackstorm[1]), people.pressed(), time.time()
    slack.send(gateway.url, body, at=now)
    eventually(lambda: "is approved" in outcome(people))
    for at in (now, now - 1):
        assert slack.send(gateway.url, body, at=at).status_code == 200
    eventually(lambda: people.answers[-1].get("response_type") == "ephemeral")

    assert "was pressed already" in people.answers[-1]["text"]
    assert executions(stackstorm[1]) == before + 1
    assert [line["decision"] for line in gateway.audit] == ["accepted", "duplicate", "duplicate"]


def test_a_press_that_is_refused_says_why_harmlessly_and_may_be_tried_again(gateway, people, stackstorm):
    before = executions(stackstorm[1])
    for count, at in enumerate((time.time(), time.time() - 2), 1):
        slack.send(gateway.url, people.pressed(number=1), at=at)
        eventually(lambda count=count: [outcome_of(one) for one in people.answers].count(REFUSED) == count)

    assert kinds(people.answers[-1]) == ALL_BUTTONS
    assert executions(stackstorm[1]) == before + 2


REFUSED = "ann: `rollback canary greeter from 1.0-1.aaaaaaa`: ann may not. Ask &lt;!here&gt;."


def outcome_of(answer: dict) -> str:
    return str(answer["blocks"][-1]["elements"][0]["text"])


def test_nothing_happens_for_somebody_who_is_not_mapped(gateway, people, stackstorm):
    before = executions(stackstorm[1])
    slack.send(gateway.url, people.pressed(user=STRANGER))
    eventually(lambda: people.answers)

    assert people.answers[0]["response_type"] == "ephemeral"
    assert STRANGER in people.answers[0]["text"]
    assert executions(stackstorm[1]) == before


def test_an_answer_that_slack_does_not_take_is_in_the_log_without_its_url(gateway, people, capfd):
    people.status = 404
    said = ""

    def is_logged() -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return "Slack took no answer to `approve greeter 1.0-1.aaaaaaa` (404)" in said

    slack.send(gateway.url, people.pressed(user=STRANGER))
    eventually(is_logged)

    assert people.url not in said


HOSTILE = [
    ({"secret": "another-secret-of-slack"}, 401),
    ({"at": 1_700_000_000}, 401),
    ({"at": time.time() + 4000}, 401),
]


@pytest.mark.parametrize(("changed", "status"), HOSTILE, ids=str)
def test_what_slack_did_not_sign_lately_is_refused(gateway, people, stackstorm, changed, status):
    before = executions(stackstorm[1])

    assert slack.send(gateway.url, people.pressed(), **changed).status_code == status
    assert executions(stackstorm[1]) == before
    assert not people.answers


ODD = [
    {"response_url": "https://evil.example.com/"},
    {"response_url": "https://["},
    {"response_url": "http://127.0.0.1@evil.example.com/"},
    {"actions": [{"action_id": "approve", "value": "greeter {{7*7}} canary"}]},
    {"actions": [{"action_id": "break_glass", "value": "greeter 1.0-1.aaaaaaa canary"}]},
    {"actions": [{"action_id": "approve", "value": "greeter 1.0-1.aaaaaaa canary\nrollback x"}]},
    {"actions": []},
    {"user": {"id": "U1\nU2"}},
    {"container": {}},
]


@pytest.mark.parametrize("changed", ODD, ids=str)
def test_what_is_no_button_of_ours_does_nothing(gateway, people, stackstorm, changed):
    before = executions(stackstorm[1])

    assert slack.send(gateway.url, people.pressed(**changed)).status_code in (200, 403)
    assert executions(stackstorm[1]) == before
    assert not people.answers


@given(st.binary(max_size=60), st.text(max_size=80), st.text(max_size=20))
def test_no_signature_but_slacks_own_is_taken(body, given_signature, at):
    sent = {"X-Slack-Signature": given_signature, "X-Slack-Request-Timestamp": at}

    assert signature.problem(sent, body, SECRET.encode(), 1_700_000_000)


@given(st.binary(max_size=200), st.integers(-300, 300))
def test_slacks_own_signature_is_taken_for_five_minutes(body, age):
    now = 1_700_000_000
    sent = slack.headers(body, at=now - age)

    assert signature.problem(sent, body, SECRET.encode(), now) == ""
    assert signature.problem(sent, body, SECRET.encode(), now + 700)
    assert signature.problem(sent, body + b"x", SECRET.encode(), now)


JSON = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["actions", "user", "id"]), inner),
)


@given(JSON)
def test_whatever_a_payload_holds_it_is_read_or_refused(value):
    with pytest.raises(press.NoButtonError):
        press.read(json.dumps(value).encode())
