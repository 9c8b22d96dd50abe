"""Kernel limits: labs side by side have room, and the last one leaves them as they were."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.kernel_limits import PER_HOST, KernelLimits
from lab.places import Places

INSTANCES = "fs/inotify/max_user_instances"
WATCHES = "fs/inotify/max_user_watches"
NOBODY = 65534


@pytest.fixture
def limits() -> Iterator[KernelLimits]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        for limit, value in ((INSTANCES, 128), (WATCHES, 8192)):
            (folder / limit).parent.mkdir(parents=True, exist_ok=True)
            (folder / limit).write_text(f"{value}\n")
        assert all((folder / limit).exists() for limit in PER_HOST)
        yield KernelLimits(folder, folder / "book.json")


@pytest.fixture
def forbidden(limits: KernelLimits) -> Iterator[None]:
    """Nobody may write the limits, as in a container."""
    (limits.kernel / INSTANCES).chmod(0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    yield
    if is_root:
        os.seteuid(0)


@pytest.fixture
def labs(limits: KernelLimits) -> list[Places]:
    found = [Places(limits.kernel / f"lab{number}") for number in range(3)]
    for places in found:
        places.root.mkdir()
    return found


def instances(limits: KernelLimits) -> int:
    return int((limits.kernel / INSTANCES).read_text())


def test_each_lab_adds_its_hosts_and_the_last_one_puts_the_limits_back(limits, labs):
    for places in labs:
        limits.take(places, 8)
    three = instances(limits)
    limits.give_back(labs[0])
    limits.give_back(labs[1])
    one = instances(limits)
    limits.give_back(labs[2])

    assert three >= 128 + 3 * 8 * 5
    assert one >= 128 + 8 * 5
    assert instances(limits) == 128
    assert not limits.book.exists()


def test_a_lab_that_is_gone_without_being_taken_down_holds_nothing(limits, labs):
    limits.take(labs[0], 8)
    labs[0].root.rmdir()
    limits.take(labs[1], 8)
    limits.give_back(labs[1])

    assert instances(limits) == 128


def test_what_somebody_else_has_set_meanwhile_stays(limits, labs):
    limits.take(labs[0], 8)
    (limits.kernel / INSTANCES).write_text("4096\n")
    limits.give_back(labs[0])

    assert instances(limits) == 4096


def test_without_permission_labs_start_as_long_as_there_is_room_and_then_say_what_is_missing(
    limits, labs, forbidden
):
    limits.take(labs[0], 8)
    limits.take(labs[1], 8)

    with pytest.raises(LabError, match=r"fs\.inotify\.max_user_instances is 128.*need 192.*sysctl"):
        limits.take(labs[2], 8)
    for places in labs:
        limits.give_back(places)
    assert instances(limits) == 128


def test_taking_down_what_took_nothing_changes_nothing(limits, labs):
    limits.give_back(labs[0])

    assert instances(limits) == 128
