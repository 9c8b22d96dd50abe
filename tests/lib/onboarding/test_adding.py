"""When a project cannot be added, what was there before stays, in its places and in what is known of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cicd.errors import CicdError, Refused
from cicd.onboarding import wanted
from cicd.onboarding.adding import Addition
from cicd.onboarding.journal import Journal, alone
from cicd.store.store import Store
from tests.lib.consul_settings import changed
from tests.lib.onboarding.test_wanted import request
from tests.lib.test_config import example

HOSTS = {"canary": ["web1"], "production": ["web2"]}


@pytest.fixture
def addition(consul: str, tmp_path: Path) -> Iterator[Addition]:
    """The addition of a project whose CI does not answer, so that the last step, the checkup, fails."""
    for folder in ("projects", "changes"):
        (tmp_path / folder).mkdir()
    (tmp_path / "token").write_text("t")
    given = {
        **example(),
        "consul": {"url": consul},
        "projects_dir": str(tmp_path / "projects"),
        "github": {"api_url": "http://127.0.0.1:1", "token_file": str(tmp_path / "token")},
        "administration": {"changes_dir": str(tmp_path / "changes")},
    }
    definition = {"repository": "acme/shop", "ci": {"driver": "github_actions"}}
    asked = wanted.parse(given, "shop", request(definition=definition, hosts=HOSTS))
    store = Store(asked.settings)
    for node, address in {"web1": "127.0.0.2", "web2": "127.0.0.3"}.items():
        store.ask(lambda c, node=node, address=address: c.catalog.register(node, address))
    yield Addition(asked, given, "ann", "e1")
    Journal(store, "shop").forget()
    for node in ("web1", "web2"):
        store.ask(lambda c, node=node: c.catalog.deregister(node))


def files(addition: Addition) -> set[str]:
    root = Path(addition.wanted.settings.projects_dir).parent
    return {path.name for path in root.rglob("*") if path.is_file()} - {"token"}


def journal(addition: Addition) -> Journal:
    return Journal(Store(addition.wanted.settings), "shop")


def test_a_first_one_that_fails_leaves_nothing(addition):
    with pytest.raises(Refused, match="shop was not added: what was made does not work"):
        addition.make()

    assert files(addition) == set()
    assert journal(addition).read() == {}


@pytest.mark.parametrize("whole", [True, False])
def test_one_that_completes_another_and_fails_leaves_that_as_it_was_and_known(addition, whole):
    """It says how to remove what a killed run left, and never to remove a project that works."""
    for item in addition.plan().change:
        item.make()
    root = Path(addition.wanted.settings.administration.changes_dir)
    lost = root / "hosts/web2/etc/cicd/projects/shop.conf"
    os.unlink(lost)
    before, earlier = files(addition), journal(addition)
    earlier.begin(addition.wanted.request, "eve")
    earlier.note("the first file")
    if whole:
        earlier.end()
    known = earlier.read()

    with pytest.raises(Refused) as error:
        addition.make()

    assert error.value.details["undone"] == [f"the file {lost}"]
    assert files(addition) == before
    assert journal(addition).read() == known
    assert ("cicd.remove_project" in error.value.hint) is not whole


def test_one_that_waited_for_another_project_knows_of_it(addition):
    other = {"repository": "acme/other", "packages": ["shop"]}
    file = Path(addition.wanted.settings.projects_dir) / "other.yaml"
    file.write_text(yaml.safe_dump({**other, "ci": {"driver": "github_actions"}}))
    claim = {**addition.wanted.request["definition"], "packages": ["shop"]}
    late = replace(addition, wanted=replace(addition.wanted, request=request(definition=claim, hosts=HOSTS)))

    with pytest.raises(CicdError, match="The package shop is given to"):
        late.make()
    assert files(addition) == {"other.yaml"}


def test_while_one_project_is_added_no_other_is(addition):
    settings = changed(addition.wanted.settings, "deploy", lock_ttl_seconds=0)

    with (
        alone(settings, "blog", "eve", "e7"),
        pytest.raises(Refused, match="blog is being added or removed by eve") as error,
        alone(settings, "shop", "ann", "e8"),
    ):
        pass
    assert "Wait for the execution e7" in error.value.hint
