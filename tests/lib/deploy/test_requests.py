"""What a decision reads and writes: it is seen once, decided, and written once, on a real Consul."""

from collections.abc import Callable

import pytest

from cicd.clients import consul as client
from cicd.deploy import commands
from cicd.deploy.deploy import Deploy
from cicd.errors import Refused
from cicd.reports import overview
from cicd.store.snapshot import release_key
from tests.lib.actors import Actor
from tests.lib.stage import PROJECT, World, version

MOST = 6


@pytest.fixture
def ann(world: World) -> Actor:
    """Somebody in a project whose canary is good, approved and baked."""
    actor = Actor(world, "ann")
    for _ in range(2):
        actor.go_on("canary", actor.push())
    Actor(world, "bob").review("approve")
    actor.bake()
    return actor


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], tuple[int, int]]:
    """Count what a block asks of Consul, and how often it reads the record among that."""

    def counted(block: Callable[[], object]) -> tuple[int, int]:
        asked: list[str] = []
        send = client.Impatient.send

        def note(self, request, **options):
            asked.append(f"{request.path_url} {request.body or ''}")
            return send(self, request, **options)

        with monkeypatch.context() as patched:
            patched.setattr(client.Impatient, "send", note)
            block()
        read = [one for one in asked if release_key(PROJECT) in one and '"set"' not in one]
        return len(asked), len(read)

    return counted


def deploy(actor: Actor) -> Deploy:
    return Deploy(actor.world.settings, PROJECT, "ann", "e1")


def test_a_promotion(ann, count):
    asked, read = count(lambda: deploy(ann).promote("production"))

    assert (asked <= MOST, read) == (True, 1), asked


def test_a_look_at_the_canary(ann, count):
    asked, read = count(lambda: commands.promotable(deploy(ann).look_before_promotion(), "production"))

    assert (asked <= MOST, read) == (True, 1), asked


def test_a_canary(ann, count):
    newer = version(ann.world.next_build())

    asked, read = count(lambda: deploy(ann).advertise_canary(newer))

    assert (asked <= MOST, read) == (True, 1), asked


def test_the_end_of_a_deploy(ann, count):
    generation = ann.push()
    ann.walk("canary", generation)

    asked, read = count(lambda: deploy(ann).confirm("canary", generation))

    assert (asked <= MOST, read) == (True, 1), asked


def test_a_deploy_that_is_undone(ann, count):
    generation = ann.push()

    asked, read = count(lambda: deploy(ann).restore("canary", generation))

    assert (asked <= MOST, read) == (True, 1), asked


def test_a_rollback(ann, count):
    asked, read = count(lambda: deploy(ann).roll_back("canary"))

    assert (asked <= MOST, read) == (True, 1), asked


def test_a_step_that_failed(ann, count):
    generation = ann.push()

    asked, read = count(
        lambda: deploy(ann).note("canary", generation, "update hosts", Refused("No.", "Look."))
    )

    assert (asked <= MOST, read) == (True, 1), asked


def test_where_the_hosts_are(ann, count):
    asked, read = count(lambda: deploy(ann).look().updated_hosts("canary"))

    assert (asked <= 2, read) == (True, 1), asked


def test_what_is_deployed(ann, count):
    asked, read = count(lambda: overview.project_status(ann.world.settings, PROJECT))

    assert (asked <= MOST, read) == (True, 1), asked


def test_a_command_about_a_version_that_is_not_there_any_more_changes_nothing(ann):
    (before, now) = (ann.world.store.release(PROJECT).ring("canary"), deploy(ann))
    old, running = before.previous_good.version, before.wanted.version
    for command in (
        lambda: now.promote("production", expected=old),
        lambda: now.roll_back("canary", expected=old),
    ):
        with pytest.raises(Refused, match=f"{PROJECT} now has {running} there, not {old}"):
            command()
    assert ann.world.store.release(PROJECT).ring("canary") == before

    assert now.promote("production", expected=running).ring("production").wanted.version == running
