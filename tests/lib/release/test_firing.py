"""Which alarms keep a canary out of production, and how each is ended."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd import identifiers
from cicd.alarms import alarm
from cicd.alarms.alarm import Alarm
from cicd.errors import Refused
from cicd.release import firing, transitions
from cicd.release.firing import Alarms
from tests.lib.alarms.test_alarm import ERRORS, NOW, deployed, known
from tests.lib.release.test_transitions import BAKE, build, canary_of

CANARIES = {"web1"}
SPELLED = ["HTTP 5xx > 1 %", "p99 (greeter), 'slow'", 'the "front" page', "Fehlerquote über 1 %", "a=b & c*"]


def heard(*alarms: Alarm, memory: dict | None = None, now: float = NOW) -> dict:
    for one in alarms:
        memory = alarm.judge(memory or {}, one, known(), now)[0]
    return memory or {}


def refusal(memory: dict, now: float = NOW, canaries: set[str] = CANARIES) -> Refused | None:
    try:
        firing.refuse_alarmed(firing.alarms(memory, now, canaries), "greeter", "1.0-2")
    except Refused as error:
        return error
    return None


def about(host: str, **changes: str) -> Alarm:
    return Alarm(
        **{
            "source": "grafana",
            "project": "greeter",
            "host": host,
            "check": "errors",
            **changes,
            "status": "firing",
        }
    )


@pytest.mark.parametrize(
    ("check", "is_muted"),
    [("InstanceDown", True), ("host_down", True), ("up", True), ("host", True), ("PING", True),
     ("errors", False), ("shutdown hook failed", False), ("", False)],
)  # fmt: skip
def test_that_a_host_is_absent_counts_but_while_it_is_drained(check, is_muted):
    memory = heard(about("web1", check=check))

    def counts(drained: set[str]) -> bool:
        return bool(firing.about_canary(firing.alarms(memory, NOW, CANARIES, drained)))

    assert counts(set())
    assert counts({"web2"})
    assert counts({"web1"}) != is_muted


@pytest.mark.parametrize("host", ["web1", ""])
def test_an_alarm_about_a_canary_host_or_about_no_host_refuses_and_says_what_ends_it(host):
    error = refusal(heard(about(host), about("web1", check="latency")))

    where = " on web1" if host else ""
    assert error
    assert error.message == (
        f"greeter 1.0-2 is not promoted while an alarm fires: errors{where} (grafana), "
        "since 1970-01-01 00:18Z, and 1 more."
    )
    ends = f"source=grafana{' host=web1' if host else ''} check=errors"
    assert error.hint.endswith(f"st2 run cicd.alarm_raised project=greeter status=resolved {ends}")


def test_no_way_to_production_is_open_while_it_fires():
    alarms = firing.alarms(heard(about("web1")), NOW, CANARIES)

    with pytest.raises(Refused, match="while an alarm fires"):
        transitions.promote(canary_of(1), BAKE, BAKE, alarms=alarms)
    assert transitions.promote(canary_of(1), BAKE, BAKE, alarms=Alarms()).ring("production").wanted == build(
        1
    )
    assert transitions.break_glass(canary_of(1), build(1), BAKE).ring("production").wanted == build(1)


@pytest.mark.parametrize("host", ["web2", "web9"])
def test_an_alarm_about_a_production_host_or_one_of_nobodys_refuses_nothing(host):
    assert not refusal(heard(about(host)))


def test_an_alarm_about_a_canary_host_that_was_excluded_refuses_nothing():
    assert not refusal(heard(about("web1")), canaries=set())


def test_an_alarm_that_was_over_or_unheard_of_for_a_week_refuses_nothing():
    memory = heard(about("web1"))
    over = heard(alarm.parse({**vars(about("web1")), "status": "resolved"}), memory=memory)

    assert not refusal(over)
    assert refusal(memory, NOW + firing.FORGOTTEN_SECONDS - 1)
    assert not refusal(memory, NOW + firing.FORGOTTEN_SECONDS)


def test_an_alarm_that_fired_before_the_canary_came_and_took_nothing_back_refuses():
    memory, decision, _ = alarm.judge({}, ERRORS, known(deployed()), NOW)

    assert decision.what
    assert refusal(memory)


def test_when_so_many_fire_that_no_more_are_remembered_nothing_is_promoted():
    memory: dict = {"firing": {}}
    for number in range(firing.KEPT):
        memory["firing"][f"grafana/web2/{number}"] = {"said": "x", "since": NOW, "heard": NOW, "reason": ""}
    error = refusal(heard(about("web1"), memory=memory))

    assert error
    assert error.message == "greeter 1.0-2 is not promoted: 200 alarms fire, and no more are remembered."
    assert "status=resolved source=grafana host=web2 check=0" in error.hint
    del memory["firing"]["grafana/web2/0"]
    assert not refusal(memory)


@given(
    st.sampled_from(["web1", ""]),
    st.just("") | st.from_regex(rf"\A{identifiers.PATTERNS['check']}\Z") | st.sampled_from(SPELLED),
    st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,20}\Z"),
)
def test_the_command_that_ends_an_alarm_ends_that_alarm(host, check, source):
    error = refusal(memory := heard(about(host, check=check, source=source)))

    assert error
    words = shlex.split(error.hint[error.hint.index("st2 run") :])
    assert not refusal(heard(alarm.parse(dict(word.split("=", 1) for word in words[3:])), memory=memory))
