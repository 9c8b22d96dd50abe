"""Hostile text, whatever field of an event it is in, ends at the gateway; fuzz of what it reads."""

import json
import re
from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import body, github_event, reduce
from tests.gateway.gateways import Local
from tests.gateway.wire import COMMIT, call_back, callback, deliver, push

TEXTS = [
    "{{ 7 * 191 }}",
    "<% ctx() %>",
    "{% for x in y %}",
    "$(touch /tmp/x)",
    "`id`; id | id && id",
    "\x1b[31m\x1b]0;title\x07",
    "a\r\nX-Injected: 1",
    "\u202egnp.exe\u2066",
    "\x00",
    "' OR 1=1 --",
    "../../etc/passwd",
    "{{ x }}" * 150_000,
]
HOSTILE = st.sampled_from(TEXTS) | st.text(min_size=1).map("{{ %s }}".__mod__)
FORBIDDEN = re.compile(r"\{\{|\{%|<%|[$`;|\\\x00-\x1f\x7f-\U0010ffff]")
# What a check is called may be of any language.
FORBIDDEN_OF_AN_ALARM = re.compile(r"[{<$`;|\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
UNSETTLED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example]
PLACES = ["message", "author", "path", "description", "pusher", "ref", "compare", "after", "full_name"]


@pytest.fixture
def spoken(gateway: Local, stackstorm) -> Iterator[Local]:
    """A gateway, and afterwards nothing hostile in anything that it forwarded or recorded."""
    yield gateway
    alarms = [body for path, _, body in stackstorm.got if path.endswith("alarm")]
    assert not any(FORBIDDEN_OF_AN_ALARM.search(text) for body in alarms for text in body.values())
    forwarded = json.dumps([body for _, _, body in stackstorm.got if body not in alarms], ensure_ascii=False)
    headers = [headers.get("St2-Trace-Tag", "") for _, headers, _ in stackstorm.got]
    assert not FORBIDDEN.search(forwarded + "".join(headers))
    assert not FORBIDDEN.search(
        "".join(str(line) for line in gateway.audit).replace("\u2039", "").replace("…", "")
    )


def placed(text: str, place: str, number: int) -> bytes:
    """Return a push of its own with *text* in one *place*."""
    head = {"id": COMMIT, "message": "m", "author": {"name": "a"}, "added": ["a"]}
    head |= {"message": {"message": text}, "author": {"author": {"name": text}}}.get(place, {})
    head |= {"added": [text]} if place == "path" else {}
    changes = {
        "after": f"{number:040x}",
        "head_commit": head,
        "commits": [head],
        "repository": {"name": "greeter", "full_name": "acme/greeter", "description": text},
    }
    changes |= {"pusher": {"name": text}} if place == "pusher" else {}
    changes |= {place: text} if place in ("compare", "after") else {}
    changes |= {"ref": f"refs/heads/{text}"} if place == "ref" else {}
    changes |= {"repository": {"full_name": f"acme/{text}"}} if place == "full_name" else {}
    return push(**changes)


def test_no_text_passes_in_any_place_of_a_push(spoken, stackstorm):
    numbers = iter(range(1, 10_000))

    @settings(max_examples=40, suppress_health_check=UNSETTLED)
    @given(HOSTILE, st.sampled_from(PLACES))
    def check(text, place):
        number = next(numbers)
        answer = deliver(spoken, placed(text, place, number), f"d{number}")
        # A megabyte of it is refused for its size.
        assert answer.status_code in (202, 413)

    check()


@pytest.mark.parametrize("text", TEXTS[:-1])
def test_no_text_passes_in_any_place_of_a_callback_or_an_alarm(spoken, text):
    called = callback(log=text, status=text, full_url=text, scm={"commit": COMMIT, "branch": text, "x": text})
    alarmed = {"project": "greeter", "host": text, "check": text, "status": text, "text": text}

    assert call_back(spoken, called).status_code == 202
    assert call_back(spoken, json.dumps(alarmed).encode(), path="alarm/x").status_code == 202


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=30,
).map(json.dumps)
RAW = st.binary(max_size=300) | JSON_LIKE.map(str.encode) | JSON_LIKE.map(lambda t: quote_plus(t).encode())
CONTENT_TYPES = ["application/json", "application/x-www-form-urlencoded", "", "text/plain"]


@given(RAW, st.sampled_from(CONTENT_TYPES), st.booleans())
def test_whatever_bytes_come_they_are_read_or_refused(raw, content_type, is_named):
    payload = body.payload(b"payload=" * is_named + raw, content_type)
    try:
        value = body.parse(payload)
    except ValueError:
        return
    events = [reduce.push(value), reduce.jenkins(value), reduce.other(value)]
    assert not FORBIDDEN.search(json.dumps([event.body for event in events], ensure_ascii=False))
    for event in reduce.alarms(value, "x"):
        assert not any(FORBIDDEN_OF_AN_ALARM.search(text) for text in event.body.values())


@given(st.text() | st.text("./ab~ \n{", max_size=20))
def test_a_path_that_passes_leads_nowhere_else(path):
    if github_event.PATH.fullmatch(path):
        assert not path.startswith("/")
        assert not {"", ".", ".."} & set(path.split("/"))
        assert not FORBIDDEN.search(path)
        assert len(path) <= 255
