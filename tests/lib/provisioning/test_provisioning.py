"""A machine becomes a host, or nothing is left of it, whichever step was killed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cicd.clients import known_hosts
from cicd.errors import CicdError, ConfigError, ConsulError, HostError, ProviderError, Refused
from cicd.machines import drivers
from cicd.provisioning import asked, awaiting, bundle, creating, lost_machines, removing, user_data
from cicd.provisioning.awaiting import Newcomer
from cicd.provisioning.join_token import new
from cicd.provisioning.ordering import Ordering
from cicd.provisioning.registry import Registry
from cicd.provisioning.removing import given_up, removed
from cicd.provisioning.retiring import Retirement
from cicd.provisioning.rights import Rights
from cicd.provisioning.sweeping import swept
from cicd.release.transitions import DEPLOYING, HEALTHY, Ring
from tests.lib.consul_settings import changed
from tests.lib.provisioning.site import BUILD, KEY, ME, Site, standing


@pytest.fixture
def site(consul: str, tmp_path: Path) -> Iterator[Site]:
    with standing(tmp_path, consul) as found:
        found.wants()
        yield found
        for name in [one for one in found.left() if one.startswith("greeter")]:
            removed(found.settings, name)
            found.registry._store.ask(lambda c, name=name: c.catalog.deregister(name))


def lost(site: Site) -> None:
    """Let nobody have seen to any machine for long."""
    for name, known in site.registry.every().items():
        site.put(f"cicd/.machines/{name}", json.dumps({**known, "alive": time.time() - 1000}))


def test_it_is_written_down_before_its_provider_is_asked(site):
    name = site.ordered()

    known = site.registry.find(name)
    assert (known["state"], known["who"], known["provider"]) == ("ordered", ME, "cloud")
    assert drivers.of(site.settings, "cloud").find(name) is None


def test_the_same_execution_again_finds_its_own(site):
    first, again = site.made(), site.made()

    assert first == again
    assert [machine.name for machine in drivers.of(site.settings, "cloud").list()] == [first]


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        (Ring(HEALTHY, None, None, None, 7, 1.0), "Nothing is wanted on production of greeter"),
        (Ring(DEPLOYING, BUILD, BUILD, None, 7, 1.0), "production of greeter is being deployed to"),
    ],
)
def test_a_ring_in_which_it_would_install_nothing_gets_none(site, ring, said):
    site.wants(ring)

    with pytest.raises(Refused, match=said):
        site.ordered()
    assert site.registry.every() == {}


def test_a_ring_that_is_held_gets_none(site):
    site.put("cicd/greeter/wanted/production", "version=1\nrollout=open\nhold=freeze\n")

    with pytest.raises(Refused, match="production of greeter is under a freeze"):
        site.ordered()


def test_there_are_never_more_than_may_be(site):
    site.settings = site.configured(max_machines=2)
    for number in range(2):
        site.made(f"e{number}")

    with pytest.raises(Refused, match="there are 2 machines, and at most 2 may be"):
        site.made("e2")
    assert len(site.registry.every()) == 2


def test_of_two_that_come_at_once_no_more_get_a_machine_than_may_be(site, monkeypatch):
    site.settings = site.configured(max_machines=1)
    begin, other = Registry.begin, [lambda: site.ordered("e2")]

    def begun(*given: object) -> None:
        if other:
            other.pop()()  # after the first has seen that there is room
        begin(*given)

    monkeypatch.setattr(Registry, "begin", begun)
    with pytest.raises(Refused, match="there are 1 machines, and at most 1 may be"):
        site.ordered("e1")
    assert [one["execution"] for one in site.registry.every().values()] == ["e2"]


def test_canaries_that_are_on_their_way_count_as_well(site):
    site.put("cicd/greeter/wanted/canary", "version=1\nrollout=open\n")
    site.serves("web1")
    site.settings = changed(site.settings, "deploy", max_canaries="1")
    site.ordered("e1", "canary")

    with pytest.raises(Refused, match="2 of greeter's 3 hosts are canaries"):
        site.ordered("e2", "canary")
    assert len(site.registry.every()) == 1
    site.registry._store.ask(lambda c: c.catalog.deregister("web1"))


@pytest.mark.parametrize(
    ("asked_for", "said"),
    [
        ({"project": "nosuch"}, "nosuch is not configured"),
        ({"ring": "nosuch"}, "There is no ring nosuch"),
        ({"provider": "nosuch"}, "nosuch is not a provider"),
    ],
)
def test_what_is_impossible_is_refused_before_anything_is_written(site, asked_for, said):
    given = {"project": "greeter", "ring": "production", "provider": "cloud", **asked_for}

    with pytest.raises(CicdError, match=said):
        Ordering(site.settings, **given, who=ME, execution="e1").order()
    assert site.registry.every() == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"applications": {}}, "Where the application of greeter answers"),
        ({"gateway_url": ""}, "`machines.gateway_url` is not set"),
        ({"files_dir": ""}, "`machines.files_dir` is not set"),
        ({"files_dir": "/nonexistent"}, "`machines.files_dir` is /nonexistent"),
    ],
)
def test_what_the_configuration_lacks_is_named_first(site, changes, said):
    site.settings = site.configured(**changes)

    with pytest.raises(ConfigError, match=said):
        site.ordered()


def test_the_user_data_has_one_secret_and_what_is_sealed_has_the_rest(site, tmp_path):
    (tmp_path / "files/etc/consul.d").mkdir()
    (tmp_path / "files/etc/consul.d/agent.json").write_text('{"encrypt": "the gossip key"}')
    name = site.made()

    said = site.rack.user_data[name]
    assert said.startswith("#cloud-config\n")
    assert "gossip" not in said
    assert len(said.encode()) < 16 * 1024
    wanted = asked.host(site.settings, "greeter", "production", name)
    files = {one["path"]: one for one in json.loads(bundle.text(wanted, Rights()))["files"]}
    assert "the gossip key" in files["/etc/consul.d/agent.json"]["text"]
    assert files["/etc/consul.d/agent.json"]["group"] == "consul"
    assert json.loads(files["/etc/consul.d/cicd-machine.json"]["text"])["node_name"] == name
    assert "UNIT=greeter.service" in files["/etc/cicd/projects/greeter.conf"]["text"]
    assert files[".ssh/authorized_keys"]["owner"] == "cicd"


def test_it_gets_the_environment_of_its_application_with_its_own_name_and_address(site):
    wanted = asked.host(site.settings, "greeter", "production", "greeter-production-1")
    project = replace(wanted.project, environment={"HOST": "{address}", "NODE": "{host}"})

    text = bundle.text(replace(wanted, project=project), Rights())

    files = {one["path"]: one for one in json.loads(text)["files"]}
    found = files["/etc/default/greeter"]
    assert found["text"].splitlines()[1:] == ['HOST="@ADDRESS@"', 'NODE="greeter-production-1"']
    assert found["mode"] == "0640"


def test_with_acls_the_tokens_are_only_in_what_is_sealed(site, tmp_path):
    wanted = asked.host(site.settings, "greeter", "production", "greeter-production-1")
    with pytest.raises(ConfigError, match="would not know where their token is"):
        bundle.text(wanted, Rights("converge", "agent"))
    settings = tmp_path / "files/etc/cicd/converge.conf"
    settings.write_text("CONSUL_TOKEN_FILE=/etc/cicd/consul.token\n")

    text = bundle.text(wanted, Rights("the-converge-secret", "the-agent-secret"))
    files = {one["path"]: one for one in json.loads(text)["files"]}
    assert files["/etc/cicd/consul.token"] == {
        **{"path": "/etc/cicd/consul.token", "text": "the-converge-secret\n", "mode": "0600"},
        **{"owner": "", "group": ""},
    }
    assert "the-agent-secret" in files["/etc/consul.d/cicd-machine.json"]["text"]
    assert "secret" not in user_data.text(site.settings, "greeter-production-1", new())


def test_one_that_serves_is_ready_and_ssh_believes_its_keys(site):
    name = site.made()
    site.joins(name)
    site.serves(name)

    assert Newcomer(site.settings, name).until_ready() == BUILD.version
    assert site.registry.find(name)["state"] == "ready"
    assert list(known_hosts.joined(site.settings)) == [f"192.0.2.7 {KEY}"]


def test_one_that_is_a_host_is_not_given_up_when_its_workflow_runs_again(site):
    name = site.made()
    site.joins(name)
    site.serves(name)
    Newcomer(site.settings, name).until_ready()
    site.serves(name, "1.0-1.0000001")

    assert Newcomer(site.settings, site.made()).until_ready() == ""
    with pytest.raises(Refused, match=f"{name} is a host of greeter's production ring"):
        given_up(site.settings, name, ME)


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (lambda site, name: None, "does not serve after 1 s: it has not joined yet"),
        (
            lambda site, name: site.joins(name),
            "it joined from 192.0.2.7, and Consul does not have",
        ),
        (
            lambda site, name: (site.joins(name), site.serves(name, "1.0-1.0000001")),
            "reports 1.0-1.0000001 installed",
        ),
        (lambda site, name: setattr(site.rack, "state", "off"), "is stopped .* at its provider"),
        (lambda site, name: drivers.of(site.settings, "cloud").destroy(name), "is not there any more at its"),
    ],
)
def test_one_that_does_not_come_to_serve_says_how_far_it_came(site, happens, said):
    name = site.made()
    happens(site, name)

    with pytest.raises(HostError, match=f"{name} .*{said}"):
        Newcomer(site.settings, name).until_ready()


def test_one_whose_program_failed_says_at_what(site):
    name = site.made()
    (identifier,) = site.registry.find(name)["joins"]
    site.put(f"cicd/.joins/{identifier}", json.dumps({"failed": "E: Unable to locate package consul"}))

    with pytest.raises(HostError, match="failed at joining: E: Unable to locate package consul"):
        Newcomer(site.settings, name).until_ready()


def test_a_look_that_fails_gives_up_no_machine_that_may_come(site, tmp_path, monkeypatch):
    name = site.made()
    (tmp_path / "token").write_text("wrong" * 8)
    stage, away = Newcomer.stage, [ConsulError("Consul is away.")] * 2

    def seen(*given: object) -> tuple[str, str]:
        if away:
            raise away.pop()
        return stage(*given)

    monkeypatch.setattr(awaiting, "POLL_SECONDS", 0)
    monkeypatch.setattr(Newcomer, "stage", seen)
    with pytest.raises(HostError, match="does not serve after 1 s: it has not joined yet"):
        Newcomer(site.settings, name).until_ready()
    (tmp_path / "token").write_text("t" * 40)


def killed(at: str, monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    """Let provisioning die after the step *at*."""
    name = site.ordered()
    if at == "order":
        return
    if at == "join":
        monkeypatch.setattr(creating.drivers, "order", _dies)
    try:
        creating.created(site.settings, name)
        if at == "await":
            site.joins(name)
        if at == "destroy":
            monkeypatch.setattr("cicd.provisioning.removing.forget_host", _dies)
            site.serves(name, "1.0-1.0000001")
            removed(site.settings, name)
    except KeyboardInterrupt:
        monkeypatch.undo()


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("at", ["order", "join", "made", "await", "destroy"])
def test_whichever_step_was_killed_nothing_is_left(site, monkeypatch, at):
    killed(at, monkeypatch, site)
    assert site.left() != []
    assert lost_machines.names(site.settings) == [], "somebody may see to it still"
    lost(site)

    assert lost_machines.names(site.settings) != []
    assert swept(site.settings).failed == []
    assert site.left() == []


def test_one_that_came_to_serve_without_its_workflow_is_kept(site):
    name = site.made()
    site.joins(name)
    site.serves(name)
    lost(site)

    assert swept(site.settings).done == [f"{name} serves {BUILD.version}, and is recorded as ready"]
    assert site.registry.find(name)["state"] == "ready"
    assert lost_machines.names(site.settings) == []


def test_one_without_a_record_is_destroyed_unless_it_is_a_node(site):
    stray, node = site.made("e1"), site.made("e2")
    for name in (stray, node):
        site.registry.forget(name)
    site.serves(node)
    found = swept(site.settings)

    assert found.done == [f"{stray} at cloud was destroyed: it had no record"]
    assert [f"{node} at cloud has no record in Consul" in error.message for error in found.failed] == [True]
    assert [machine.name for machine in drivers.of(site.settings, "cloud").list()] == [node]
    drivers.of(site.settings, "cloud").destroy(node)


def test_a_machine_whose_provider_is_not_configured_any_more_is_not_called_destroyed(site):
    name = site.made()
    (provider,) = site.settings.machines.providers.values()
    configured, site.settings = site.settings, changed(site.settings, "machines", providers={"new": provider})
    lost(site)

    (error,) = swept(changed(site.settings, "machines", providers={"new": provider})).failed
    assert error.message.startswith(f"{name} was not destroyed: its provider cloud is not configured")
    said = Retirement(site.settings, name, ME, force=True).remove()
    assert said.endswith("Its machine stays at cloud, which is not configured.")
    site.settings = configured
    drivers.of(site.settings, "cloud").destroy(name)


def test_while_the_provider_is_away_what_is_to_go_is_kept_and_tried_again(site, tmp_path):
    name = site.made()
    (tmp_path / "token").write_text("wrong" * 8)
    with pytest.raises(ProviderError):
        removed(site.settings, name)
    assert site.registry.find(name)["state"] == "leaving"
    (tmp_path / "token").write_text("t" * 40)
    lost(site)

    assert swept(site.settings).done == [f"{name} was destroyed: whoever made it did not finish"]
    assert site.left() == []


def test_one_that_is_being_destroyed_is_not_made_again_nor_recorded_as_a_host(site):
    name = site.made()
    site.joins(name)
    site.serves(name)
    site.registry.write(name, lambda known: {**known, "state": "leaving"})

    for step in (
        lambda: creating.created(site.settings, name),
        lambda: Newcomer(site.settings, name).until_ready(),
        lambda: site.registry.ready(name),
    ):
        with pytest.raises(Refused, match=f"{name} is being destroyed"):
            step()
    assert site.registry.find(name)["state"] == "leaving"


def test_the_record_of_one_that_was_given_up_never_comes_back(site):
    name = site.made()
    removed(site.settings, name)

    for step in (site.registry.ready, site.joins, lambda name: site.registry.open_join(name, new(), "", 1)):
        with pytest.raises(Refused, match=f"{name} was given up meanwhile"):
            step(name)
    assert site.left() == []


def test_two_that_remove_one_machine_at_once_both_succeed(site, monkeypatch):
    name = site.made()
    forget = removing.forget_host
    first = [lambda: removed(site.settings, name)]

    def forgotten(*given: object) -> None:
        if first:
            first.pop()()
        forget(*given)

    monkeypatch.setattr(removing, "forget_host", forgotten)
    given_up(site.settings, name, ME)
    given_up(site.settings, name, ME)

    assert site.left() == []


def test_where_nobody_has_machines_consul_is_not_asked(consul):
    from tests.lib.consul_settings import settings

    nobody = settings("http://127.0.0.1:1")
    assert lost_machines.names(nobody) == []
    assert lost_machines.Sweeps().due(nobody, 1e9) is None
    assert list(known_hosts.joined(nobody)) == []


def test_a_sweep_is_due_at_once_for_lost_machines_and_now_and_then_for_strays(site):
    sweeps = lost_machines.Sweeps()
    assert [sweeps.due(site.settings, now) for now in (0.0, 30.0, 300.0, 700.0)] == [[], None, None, []]
    name = site.ordered()
    lost(site)

    assert [sweeps.due(site.settings, now) for now in (710.0, 770.0, 800.0)] == [None, [name], None]
