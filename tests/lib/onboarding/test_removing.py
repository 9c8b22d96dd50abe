"""A project that is at work, serves users or is needed by others is not removed; nothing is touched then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd import config
from cicd.ci import run
from cicd.ci.runs import Runs
from cicd.errors import CicdError
from cicd.onboarding.adding import said, taken_away
from cicd.onboarding.item import THERE, Item
from cicd.onboarding.journal import Journal
from cicd.onboarding.removing import Removal
from cicd.onboarding.wanted import Request
from cicd.release import transitions
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.store import Store
from tests.lib.store.test_store import CAUSE, build
from tests.lib.test_config import example

Removing = Callable[..., Removal]


@pytest.fixture
def removing(consul: str, tmp_path: Path) -> Iterator[Removing]:
    """A function that returns the removal of the greeter, which stands in a file of its own."""
    values = example()
    (tmp_path / "greeter.yaml").write_text(yaml.safe_dump(values.pop("projects")["greeter"]))

    def removal(serving: bool = False, **others: Any) -> Removal:
        given = {**values, "consul": {"url": consul}, "projects_dir": str(tmp_path), **others}
        return Removal(config.parse(given), given, "greeter", "ann", "e1", serving)

    yield removal
    Store(removal().settings).ask(lambda c: c.kv.delete("cicd/greeter/", recurse=True))


def refusal(removal: Removal) -> str:
    with pytest.raises(CicdError) as error:
        removal.remove()
    return f"{error.value.message} {error.value.hint}"


def test_while_it_is_deployed(removing):
    lock = Lock(removing().settings, "greeter", "canary")
    session = lock.acquire(Holder("eve", "deploy", "e2", time.time()))
    try:
        assert "greeter is being deployed to canary" in refusal(removing())
    finally:
        lock.release(session)


def test_while_it_is_built(removing):
    runs = Runs(Store(removing().settings), "greeter")
    runs.advance("a" * 40, run.accept(time.time(), None, "ann", "main", True))

    assert "greeter is being built at aaaaaaa" in refusal(removing())


def test_while_production_runs_it_unless_that_is_meant(removing):
    store = Store(removing().settings)
    store.change(
        "greeter", "x", "production", CAUSE, lambda r: transitions.break_glass(r, build(1), time.time())
    )

    assert "greeter serves users: production runs 1.0-1." in refusal(removing())
    assert "serving=true" in refusal(removing())
    assert "serves users" not in refusal(removing(serving=True)), "it goes on to Jenkins, which is not there"
    assert (Path(removing().settings.projects_dir) / "greeter.yaml").exists()


def test_while_a_ring_runs_it_that_its_file_has_got_since_it_was_added(removing):
    """What was written down when it was added may be old; who would remove by that takes it from users."""
    found = removing()
    journal = Journal(Store(found.settings), "greeter")
    old = {"repository": "acme/greeter", "rings": [{"name": "test"}]}
    journal.begin(Request(definition=old, hosts={"test": ["gone"]}, port=1, health="/", unit=""), "ann")
    journal.end()
    try:
        Store(found.settings).change(
            "greeter", "x", "production", CAUSE, lambda r: transitions.break_glass(r, build(1), time.time())
        )
        assert "greeter serves users: production runs 1.0-1." in refusal(removing())
    finally:
        journal.forget()


def test_while_others_need_it(removing):
    web = {"web": {"repository": "acme/web", "requires": {"greeter": "1.0"}}}
    team = [{"name": "team", "to": "webhook", "url_file": "/x", "projects": ["greeter"]}]

    assert "`projects.web.requires` names greeter" in refusal(removing(projects=web))
    assert "team of `notices` names greeter" in refusal(removing(notices=team))


def test_a_project_that_stands_in_the_configuration_itself_has_to_be_moved_first(removing):
    found = removing(projects={"other": {"repository": "acme/other"}})
    found = Removal(found.settings, found.given, "other", "ann", "e1")

    assert "Move it to other.yaml" in refusal(found)


def test_what_fails_in_an_unforeseen_way_keeps_nothing_else_from_being_undone():
    removed: list[str] = []
    items = [
        Item("the job", THERE, remove=lambda: removed.append({}["job"])),
        Item("the file", THERE, remove=lambda: removed.append("file")),
    ]

    assert [why for _, why in taken_away(items)] == ["KeyError: 'job'"]
    assert removed == ["file"]


def test_what_cannot_be_undone_is_named_and_keeps_nothing_else_from_it():
    removed: list[str] = []

    def stuck() -> None:
        raise CicdError("web1 is off.")

    items = [
        Item("the job", THERE, remove=lambda: removed.append("job")),
        Item("shop on web1", THERE, remove=stuck),
        Item("the file", THERE, remove=lambda: removed.append("file")),
    ]
    found = taken_away(items)

    assert removed == ["job", "file"]
    assert said(["the job"], found) == ("Undone: the job. Could not be undone: shop on web1 (web1 is off.).")
