"""When a sensor's process gives a sign of life, and what its last one says."""

import time

import pytest

from cicd.finding import GOOD, WRONG
from cicd.setup import sensor_life
from cicd.setup.sensor_life import Life, judged
from cicd.store.store import Store
from tests.lib.consul_settings import settings

SENSOR = "DriftSensor"


def test_a_sign_is_given_each_minute_though_the_clock_was_set_back(consul, monkeypatch):
    known, ticks, now = settings(consul), [0.0], time.time()
    monkeypatch.setattr(sensor_life.time, "monotonic", lambda: ticks[0])
    life = Life(SENSOR, 15)
    life.sign(known, "", "")
    monkeypatch.setattr(sensor_life.time, "time", lambda: now - 3600)
    before = Store(known).json(sensor_life.key(SENSOR), dict)
    life.sign(known, "", "")
    assert Store(known).json(sensor_life.key(SENSOR), dict) == before

    ticks[0] += sensor_life.SIGN_SECONDS
    life.sign(known, "", "")

    assert Store(known).json(sensor_life.key(SENSOR), dict)["at"] < before["at"]


@pytest.mark.parametrize(("seconds", "state"), [(10, GOOD), (600, WRONG), (-600, WRONG)])
def test_a_process_is_dead_whose_last_sign_is_far_from_now_on_either_side(seconds, state):
    sign = {"pid": 1, "host": "st2", "user": "st2", "every": 15, "at": 1000.0, "configuration": "c"}

    (found,) = judged(SENSOR, {**sign, "unreadable": [], "trouble": ""}, "c", 1000.0 + seconds)

    assert found.state == state
