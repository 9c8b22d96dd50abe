"""What the pack asks of each provider of machines: stand-ins that speak their wire formats."""

import pytest

from cicd.config import ConfigError
from cicd.errors import InputError, ProviderBusy, ProviderError, ProviderSilent
from cicd.machines import digitalocean, ec2
from cicd.machines.driver import GONE, RUNNING, STARTING, USER_DATA_BYTES
from tests.lib.machines.between import Answer
from tests.lib.machines.clouds import USER_DATA, Cloud

NAME = "greeter-canary-1"
LOST = Answer(0)


def test_a_machine_is_made_as_it_is_ordered_and_found_by_its_name(cloud: Cloud):
    made = cloud.ask().create(cloud.order())
    cloud.started(made)
    found = cloud.ask().find(NAME)

    assert (made.name, made.state) == (NAME, STARTING)
    assert found
    assert (found.identifier, found.name, found.state) == (made.identifier, NAME, RUNNING)
    assert found.address.startswith("10.")
    assert found.created > 1_700_000_000
    assert cloud.user_data(made) == USER_DATA


def test_a_machine_that_starts_slowly_is_starting_until_it_runs(cloud: Cloud):
    made = cloud.ask().create(cloud.order())

    assert (made.state, cloud.ask().create(cloud.order()).identifier) == (STARTING, made.identifier)
    cloud.started(made)
    assert cloud.ask().create(cloud.order()).state == RUNNING


def test_an_order_is_taken_once(cloud: Cloud):
    first, second = (cloud.ask().create(cloud.order()) for _ in range(2))

    assert first.identifier == second.identifier
    assert [machine.name for machine in cloud.ask().list()] == [NAME]


@pytest.mark.parametrize("loss", ["connection", "broken"])
def test_a_machine_whose_answer_was_lost_is_found_and_not_made_twice(cloud: Cloud, loss):
    cloud.disturb(LOST if loss == "connection" else cloud.refusal("broken"), late=True)
    made = cloud.ask().create(cloud.order())

    assert [machine.identifier for machine in cloud.ask().list()] == [made.identifier]


def test_a_machine_whose_answer_was_lost_is_looked_for_until_it_is_shown(cloud: Cloud):
    cloud.hide(3)
    made = cloud.ask().create(cloud.order())

    assert [machine.identifier for machine in cloud.ask().list()] == [made.identifier]


def test_what_may_have_been_made_is_looked_for_before_it_is_made(cloud: Cloud):
    cloud.disturb(LOST)
    with pytest.raises(ProviderSilent) as silent:
        cloud.ask().create(cloud.order())
    made = cloud.ask().create(cloud.order())

    assert silent.value.hint.endswith("it is looked for before another is made.")
    assert [machine.identifier for machine in cloud.ask().list()] == [made.identifier]


def test_all_pages_are_read(cloud: Cloud, monkeypatch):
    monkeypatch.setattr(digitalocean, "PAGE", 2)
    monkeypatch.setattr(ec2, "PAGE", 5)  # EC2 takes no fewer
    names = [f"greeter-canary-{number}" for number in range(7)]
    for name in names:
        cloud.ask().create(cloud.order(name))

    assert sorted(machine.name for machine in cloud.ask().list()) == names


def test_another_sites_machines_are_neither_seen_nor_destroyed(cloud: Cloud):
    made = cloud.ask(site="elsewhere").create(cloud.order(site="elsewhere"))
    cloud.ask().destroy(NAME)

    assert cloud.ask().find(NAME) is None
    assert cloud.ask().list() == []
    assert cloud.ask(site="elsewhere").find(NAME).identifier == made.identifier


def test_what_people_gave_the_sites_tag_is_none_of_ours(cloud: Cloud):
    made = cloud.ask().create(cloud.order())
    for mark in ("", "Web-1"):
        cloud.make_unmarked(made, mark)

    assert [machine.identifier for machine in cloud.ask().list()] == [made.identifier]


def test_a_machine_may_be_destroyed_twice_or_never_have_been(cloud: Cloud):
    first = cloud.ask().create(cloud.order())
    for _ in range(2):
        cloud.ask().destroy(NAME)
    left = cloud.ask().find(NAME)
    second = cloud.ask().create(cloud.order())

    assert left is None or left.state == GONE
    assert [machine.identifier for machine in cloud.ask().list()] == [second.identifier]
    assert second.identifier != first.identifier


def test_two_machines_of_one_name_are_both_named_and_both_destroyed(cloud: Cloud):
    made = cloud.ask().create(cloud.order())
    cloud.make_another(NAME)
    both = {machine.identifier for machine in cloud.ask().list()}
    with pytest.raises(ProviderError, match="2 machines have the tag cicd-machine=greeter-canary-1") as error:
        cloud.ask().find(NAME)
    cloud.ask().destroy(NAME)

    assert made.identifier in both
    assert all(identifier in error.value.message for identifier in both)
    assert cloud.ask().list() == []


def test_a_machine_that_fails_says_so(cloud: Cloud):
    made = cloud.ask().create(cloud.order())
    why = cloud.fail(made)
    found = cloud.ask().find(NAME)

    assert found.state != RUNNING
    assert why in found.reason


def test_credentials_that_are_refused_name_their_file_and_not_themselves(cloud: Cloud):
    for question in (lambda d: d.list(), lambda d: d.create(cloud.order()), lambda d: d.check()):
        with pytest.raises(ProviderError) as error:
            question(cloud.ask(secret="wrong-secret"))
        assert str(cloud.folder / "wrong") in error.value.hint
        assert "wrong-secret" not in f"{error.value.message} {error.value.hint}"


def test_credentials_that_are_not_there_are_a_mistake_of_the_configuration(cloud: Cloud):
    (cloud.folder / "secret").unlink()
    with pytest.raises(ConfigError, match="secret"):
        cloud.ask()


@pytest.mark.parametrize(("what", "hint"), [("quota", "Retire a machine"), ("rights", "Give the")])
def test_a_refusal_says_what_to_do_and_nothing_is_made(cloud: Cloud, what, hint):
    cloud.disturb(cloud.refusal(what))
    with pytest.raises(ProviderError, match="refused") as error:
        cloud.ask().create(cloud.order())

    assert error.value.hint.startswith(hint)
    assert not isinstance(error.value, ProviderBusy)
    assert cloud.ask().list() == []


def test_a_provider_that_wants_fewer_requests_is_waited_for(cloud: Cloud):
    cloud.disturb(cloud.refusal("busy"), times=2)

    assert cloud.ask().create(cloud.order()).name == NAME


def test_a_provider_that_wants_a_long_silence_gets_it(cloud: Cloud):
    cloud.disturb(cloud.refusal("very busy"))
    with pytest.raises(ProviderBusy, match="wants fewer requests") as error:
        cloud.ask().create(cloud.order())

    assert error.value.seconds == 1800
    assert "1800 s" in error.value.hint


def test_a_provider_that_is_away_is_worth_another_try(cloud: Cloud):
    with pytest.raises(ProviderBusy, match="does not answer") as error:
        cloud.ask(url="http://127.0.0.1:9").create(cloud.order())

    assert not isinstance(error.value, ProviderSilent)
    assert "`url`" in error.value.hint


def test_what_the_cloud_does_not_have_is_refused_by_it_and_seen_by_the_check(cloud: Cloud):
    for key, value in cloud.unknown.items():
        for question in (lambda d, o: d.create(o), lambda d, o: d.check()):
            with pytest.raises(ProviderError) as error:
                question(cloud.ask(**{key: value}), cloud.order(**{key: value}))
            assert "`machines.providers`" in error.value.hint
    assert cloud.ask().list() == []


def test_a_check_says_what_it_saw_and_makes_nothing(cloud: Cloud):
    assert cloud.ask().check() == "answers, has 0 machines of acme, and what is configured"
    cloud.ask().create(cloud.order())
    assert cloud.ask().check() == "answers, has 1 machine of acme, and what is configured"


@pytest.mark.parametrize("name", ["", "a b", "-a", "a.b", "*", "a\nb", "Übel", "a" * 64, "$(id)", "{{ 1 }}"])
def test_a_name_that_is_no_host_name_is_refused_before_anyone_is_asked(cloud: Cloud, name):
    for question in (
        lambda d: d.find(name),
        lambda d: d.destroy(name),
        lambda d: d.create(cloud.order(name)),
    ):
        with pytest.raises(InputError, match="is not a valid machine"):
            question(cloud.ask())
    assert cloud.between.asked == []


@pytest.mark.parametrize("project", ["a.b+c", "A_B", "x" * 64])
def test_any_projects_name_can_be_marked(cloud: Cloud, project):
    made = cloud.ask().create(cloud.order(project=project))

    assert cloud.ask().find(NAME).identifier == made.identifier


def test_user_data_that_no_cloud_takes_is_refused(cloud: Cloud, monkeypatch):
    monkeypatch.setattr("tests.lib.machines.clouds.USER_DATA", "x" * (USER_DATA_BYTES + 1))
    with pytest.raises(InputError, match="16385 bytes"):
        cloud.order()


def test_an_answer_that_is_no_document_is_an_error_and_no_crash(cloud: Cloud):
    cloud.disturb(Answer(200, "<html>welcome"))
    with pytest.raises(ProviderError, match="answered 200, no"):
        cloud.ask().create(cloud.order())
