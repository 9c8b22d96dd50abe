"""A real Icinga 2, set as the shipped file says: the gateway hears what is wrong, and what recovered."""

from pathlib import Path

from cicd.alarms import alarm
from tests.gateway.alarms.icinga import SERVICE, icinga
from tests.gateway.gateways import Local
from tests.gateway.wire import StackStorm, eventually


def test_notifications_of_a_real_icinga_come_as_one_alarm_that_fires_and_one_that_is_over(
    gateway: Local, stackstorm: StackStorm, tmp_path: Path
):
    with icinga(tmp_path / "icinga", gateway.url) as running:
        for status, count in ((1, 2), (0, 4)):
            running.check("web1", status, SERVICE)
            running.check("web2.example.com", status)
            eventually(lambda wanted=count: len(stackstorm.got) == wanted, 30)

    got = [alarm.parse(body) for _, _, body in stackstorm.got]
    names = [("icinga", "greeter", "web1", SERVICE), ("icinga", "greeter", "web2.example.com", "host")]
    for words, found in ((alarm.FIRING, got[:2]), (alarm.RESOLVED, got[2:])):
        assert sorted((one.source, one.project, one.host, one.check) for one in found) == names
        assert {one.status for one in found} <= words
    assert [one.is_absence for one in got if one.check == "host"] == [True, True]
