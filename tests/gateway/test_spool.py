"""The spool and the thread that writes it."""

import asyncio
import sqlite3
from contextlib import closing, contextmanager

import pytest

from gateway import writer
from gateway.reduce import Event
from gateway.spool import INSERT_NEW, PRESSED, SENT, Spool, SpoolError
from gateway.writer import Writer


@pytest.fixture
def spool(tmp_path):
    with closing(Spool(tmp_path / "new" / "spool.sqlite")) as spool:
        yield spool


def accept(spool, delivery, event):
    with changing(spool):
        return spool.accept("github", delivery, event, b"raw")


@contextmanager
def changing(spool):
    spool.begin()
    yield
    spool.commit()


def event(key="k", lane="acme/greeter", **more):
    return Event({"a": 1}, key, lane, **more)


@pytest.mark.parametrize(
    ("delivery", "key", "is_new"),
    [("d1", "k", False), ("d1", "other", False), ("d2", "k", False), ("d2", "other", True)],
)
def test_a_delivery_and_a_happening_are_known(spool, delivery, key, is_new):
    assert accept(spool, "d1", event())
    assert accept(spool, delivery, event(key)) is is_new


def test_what_was_parked_may_come_again(spool):
    accept(spool, "d1", event())
    with changing(spool):
        spool.settle(1, "parked", "no rule")

    assert accept(spool, "d1", event())
    assert spool.counts() == {"parked": 1, "waiting": 1}


def test_what_was_ignored_is_kept_and_never_waits(spool):
    accept(spool, "d1", event(ignored="odd"))

    assert spool.counts() == {"ignored": 1}
    assert spool.lanes() == []


def test_after_a_day_the_same_happening_is_new_and_after_a_month_it_is_forgotten(spool, tmp_path):
    accept(spool, "d1", event())
    with changing(spool):
        spool.settle(1, "forwarded")
    age(tmp_path, 25 * 3600)
    assert accept(spool, "d2", event())

    age(tmp_path, 31 * 24 * 3600)
    with changing(spool):
        assert [spool.forget(), spool.forget()] == [1, 0]
    assert spool.counts() == {"waiting": 1}


def age(tmp_path, seconds):
    with closing(sqlite3.connect(tmp_path / "new" / "spool.sqlite")) as database:
        database.execute("UPDATE event SET received = received - ?", (seconds,))
        database.commit()


def test_counting_reads_no_event(spool, tmp_path):
    accept(spool, "d1", event())
    accept(spool, "d2", event("other"))
    with changing(spool):
        spool.settle(1, "forwarded")
    assert spool.counts() == {"forwarded": 1, "waiting": 1}

    with closing(sqlite3.connect(tmp_path / "new" / "spool.sqlite")) as database:
        database.execute("DROP TRIGGER event_forgotten")
        database.execute("DELETE FROM event")
        database.commit()
    assert spool.counts() == {"forwarded": 1, "waiting": 1}


def test_a_spool_of_before_the_tally_is_counted_once(tmp_path):
    path = tmp_path / "spool.sqlite"
    with closing(Spool(path)) as old:
        accept(old, "d1", event())
    with closing(sqlite3.connect(path)) as database:
        for name in ("event_added", "event_settled", "event_forgotten"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute("DROP TABLE tally")
        database.commit()

    with closing(Spool(path)) as spool:
        assert spool.counts() == {"waiting": 1}
        accept(spool, "d2", event("other"))
        assert spool.counts() == {"waiting": 2}


def test_what_is_undone_is_not_counted(spool):
    spool.begin()
    spool.accept("github", "d1", event(), b"raw")
    spool.rollback()

    assert spool.counts() == {}


def test_of_a_large_event_only_what_goes_on_is_kept(spool, tmp_path):
    with changing(spool):
        spool.accept("github", "d1", event(), b"x" * 2_000_000)

    assert (tmp_path / "new" / "spool.sqlite").stat().st_size < 1_000_000
    assert spool.next("acme/greeter").body == '{"a":1}'


def test_a_known_event_is_found_by_index(spool, tmp_path):
    with closing(sqlite3.connect(tmp_path / "new" / "spool.sqlite")) as database:
        plan = str(database.execute(f"EXPLAIN QUERY PLAN {INSERT_NEW}", [""] * 10).fetchall())

    assert "(source=? AND delivery=?)" in plan
    assert "(source=? AND key=?)" in plan


def test_events_wait_in_order_within_their_lane(spool):
    for number, lane in enumerate(["a", "b", "a"]):
        accept(spool, str(number), event(str(number), lane))

    assert sorted(spool.lanes()) == ["a", "b"]
    assert (spool.next("a").delivery, spool.next("b").delivery, spool.next("c")) == ("0", "1", None)


def press(spool, signed):
    with changing(spool):
        return spool.press(signed, "C1 1.2 approve greeter 1.0")


def test_a_button_that_was_pressed_when_the_gateway_was_killed_can_be_pressed_again(tmp_path):
    with closing(Spool(tmp_path / "spool.sqlite")) as killed:
        assert [press(killed, signed) for signed in ("v0=a", "v0=a", "v0=b")] == ["", SENT, PRESSED]
    with closing(Spool(tmp_path / "spool.sqlite")) as begun:
        assert [press(begun, signed) for signed in ("v0=a", "v0=c")] == [SENT, ""]
        with changing(begun):
            begun.settle_press("C1 1.2 approve greeter 1.0", stays=True)
    with closing(Spool(tmp_path / "spool.sqlite")) as done:
        assert press(done, "v0=d") == PRESSED


def test_a_spool_belongs_to_one_gateway(spool, tmp_path):
    with pytest.raises(SpoolError, match="another gateway uses it"):
        Spool(tmp_path / "new" / "spool.sqlite")


def test_a_spool_is_for_its_owner_alone(spool, tmp_path):
    assert (tmp_path / "new" / "spool.sqlite").stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_spool_is_named(tmp_path):
    (tmp_path / "spool.sqlite").write_text("not a database, but long enough to be looked at" * 99)

    with pytest.raises(SpoolError, match=r"spool\.sqlite cannot be opened: file is not a database"):
        Spool(tmp_path / "spool.sqlite")


def test_changes_asked_for_together_are_all_kept_or_none(spool):
    async def ask():
        writer = Writer(spool)
        fine = lambda: spool.accept("github", "d1", event(), b"")  # noqa: E731
        answers = await asyncio.gather(*[writer.do(c) for c in (fine, lambda: 1 / 0)], return_exceptions=True)
        kept = spool.counts()
        again = await writer.do(fine)
        await writer.close()
        return [type(answer) for answer in answers], kept, again

    assert asyncio.run(ask()) == ([ZeroDivisionError] * 2, {}, True)


def test_a_spool_that_is_locked_for_a_moment_is_waited_for(spool, tmp_path):
    async def ask():
        writer = Writer(spool)
        with closing(sqlite3.connect(tmp_path / "new" / "spool.sqlite")) as other:
            other.execute("BEGIN IMMEDIATE")
            asking = asyncio.create_task(writer.do(lambda: "fine"))
            await asyncio.sleep(0.1)
            assert not asking.done()
            other.rollback()
            answer = await asking
        await writer.close()
        return answer

    assert asyncio.run(ask()) == "fine"


def test_a_spool_that_stays_locked_is_an_error(spool, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "BUSY_SECONDS", 0.1)

    async def ask():
        with closing(sqlite3.connect(tmp_path / "new" / "spool.sqlite")) as other:
            other.execute("BEGIN IMMEDIATE")
            asked = Writer(spool)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                await asked.do(lambda: "fine")
            other.rollback()
            answer = await asked.do(lambda: "fine")
        await asked.close()
        return answer

    assert asyncio.run(ask()) == "fine"


def test_changes_asked_for_at_once_are_each_answered(spool):
    async def ask():
        writer = Writer(spool)
        accepts = [lambda d=str(n % 7): spool.accept("github", d, event(d), b"") for n in range(50)]
        answers = await asyncio.gather(*[writer.do(accept) for accept in accepts])
        await writer.close()
        return answers

    assert asyncio.run(ask()) == [True] * 7 + [False] * 43


def test_a_change_that_fails_is_told_to_whoever_asked(spool):
    async def ask():
        writer = Writer(spool)
        with pytest.raises(ZeroDivisionError):
            await writer.do(lambda: 1 / 0)
        answer = await writer.do(lambda: "fine")
        await writer.close()
        return answer

    assert asyncio.run(ask()) == "fine"
