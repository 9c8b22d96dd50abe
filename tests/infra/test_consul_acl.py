"""The ACL policies on a real Consul that denies by default: what a role needs works, nothing else does."""

import json
import os
import re
import socket
import struct
import subprocess
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from balancer.traffic import APPLIED, WANTED
from cicd.ci import run
from cicd.ci.runs import Runs
from cicd.config import Settings
from cicd.errors import ConsulError
from cicd.fleet import registrations
from cicd.release import transitions
from cicd.release.record import Release
from cicd.reports import overview
from cicd.store.deploy_lock import Holder, Lock
from cicd.store.store import Store
from follow.consul import Consul as FollowedConsul
from follow.consul import Query
from follow.settings import Agent
from follow.values import texts
from host.build import script
from lab.consul import binary
from lab.places import Places
from render.catalogue import HEALTH, Catalogue
from render.rendering import REPORTS
from status import view
from status.counts import Counts
from tests.conftest import free_port, wait_for_leader
from tests.lib.consul_settings import changed
from tests.lib.store.test_store import CAUSE, build, settings
from tests.printed.texts import page

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "infra" / "consul"
NODE, OTHER = "web1", "web2"
ROLES = ["agent", *sorted(path.stem for path in POLICIES.glob("*.hcl"))]


class Consul:
    """A server with ACLs on, its DNS, and tokens of each role."""

    def __init__(self, folder: Path, master: str) -> None:
        self.http, self.dns = free_port(), free_port()
        self.url, self.master, self._folder = f"http://127.0.0.1:{self.http}", master, folder

    def ask(self, token: str, method: str, path: str, body: object = None) -> requests.Response:
        data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
        headers = {"X-Consul-Token": token}
        return requests.request(method, f"{self.url}/v1/{path}", headers=headers, data=data, timeout=10)

    def token(self, role: str) -> str:
        """Return a token with the policies of *role*, as docs/consul.md makes it."""
        if role == "agent":
            return self.made({"NodeIdentities": [{"NodeName": NODE, "Datacenter": "dc1"}]})
        parts = ["stackstorm", "stackstorm-project"] if role == "stackstorm" else [role]
        return self.made({"Policies": [{"Name": self.policy(part)} for part in parts]})

    def policy(self, part: str) -> str:
        rules = (POLICIES / f"{part}.hcl").read_text().replace("PROJECT", "greeter").replace("NODE", NODE)
        name = f"{part}-{uuid.uuid4()}"
        made = self.ask(self.master, "PUT", "acl/policy", {"Name": name, "Rules": rules})
        assert made.ok, made.text
        return name

    def made(self, of: dict[str, object]) -> str:
        return str(self.ask(self.master, "PUT", "acl/token", of).json()["SecretID"])

    def settings(self, token: str) -> Settings:
        path = self._folder / f"token-{uuid.uuid4()}"
        path.write_text(token)
        return changed(settings(self.url), "consul", token_file=str(path))

    def store(self, token: str) -> Store:
        return Store(self.settings(token))


@pytest.fixture(scope="module")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    folder, master = tmp_path_factory.mktemp("consul"), str(uuid.uuid4())
    server = Consul(folder, master)
    ports = {"grpc": -1, "serf_wan": -1, "https": -1, "http": server.http, "dns": server.dns}
    ports |= {"serf_lan": free_port(), "server": free_port()}
    acl = {"enabled": True, "default_policy": "deny", "tokens": {"master": master, "agent": master}}
    (folder / "config.json").write_text(json.dumps({"ports": ports, "acl": acl, "node_name": NODE}))
    command = [str(binary.find(Places.from_environment())), "agent", "-dev", "-bind", "127.0.0.1"]
    with (folder / "log").open("w") as log:
        agent = subprocess.Popen([*command, "-config-file", folder / "config.json"], stdout=log, stderr=log)
    try:
        wait_for_leader(server.url)
        seed(server)
        yield server
    finally:
        agent.terminate()
        agent.wait(20)


def seed(consul: Consul) -> None:
    for name, tags in (
        ("greeter", ["greeter::app"]),
        ("other", []),
        ("build", ["package"]),
        ("apt", ["publish"]),
    ):
        service = {"ID": name, "Name": name, "Tags": tags, "Port": 80, "Address": "127.0.0.9"}
        done = consul.ask(consul.master, "PUT", "agent/service/register", service)
        assert done.ok, done.text
    for key in (
        "greeter::version",
        f"cicd/greeter/hosts/{OTHER}",
        "cicd/greeter/wanted/canary",
        "cicd/other/x",
    ):
        assert consul.ask(consul.master, "PUT", f"kv/{key}", "{}").ok


@pytest.fixture(scope="module")
def token(consul: Consul) -> Callable[[str], str]:
    made = {role: consul.token(role) for role in ROLES}
    return made.__getitem__


def test_without_a_token_nothing_can_be_read_or_written(consul):
    assert consul.ask("", "GET", "kv/greeter::version").status_code in (403, 404)
    assert consul.ask("", "PUT", "kv/cicd/greeter/release", "{}").status_code == 403
    assert consul.ask("", "GET", "health/service/greeter").json() == []


def test_stackstorm_reads_hosts_changes_releases_keeps_runs_and_holds_locks(consul, token):
    store, project = consul.store(token("stackstorm")), settings(consul.url).project("greeter")
    changed = store.change(
        "greeter",
        "advertise_canary",
        "canary",
        CAUSE,
        lambda r: transitions.advertise_canary(r, build(1), 1.0),
    )

    assert store.release("greeter") == changed
    assert len(store.history("greeter", 10)) == 1
    assert Runs(store, "greeter").advance("a" * 40, run.accept(1.0, None, "ann", "main", True))
    assert [host.name for host in store.health(project)] == [NODE]
    assert store.healthy("build", "package")
    assert OTHER in store.reports("greeter")
    for key in ("cicd/greeter/alarms/firing", "cicd/.alarms/1", "cicd/events/1", "cicd/check/1"):
        store.put(key, {})
    store.change("everything", "lock", "", CAUSE, lambda r: r)


def test_the_status_page_reads_all_that_it_shows_and_writes_nothing(consul, token):
    known = consul.settings(token("status-page"))
    store, made = Store(known), consul.store(consul.master)
    consul.ask(consul.master, "DELETE", "kv/cicd/greeter/release")
    begun = made.change(
        "greeter",
        "advertise_canary",
        "canary",
        CAUSE,
        lambda r: transitions.advertise_canary(r, build(1), 1.0),
    )
    shown = view.of(overview.look(store, known.project("greeter")))
    counted = Counts(known).follow("greeter", begun.generation, CAUSE.when)

    assert [ring["version"] for ring in shown["rings"]] == [build(1).version, ""]
    assert shown["good"] + shown["sick"] == 1
    assert counted.ring("canary").began == CAUSE.when
    with pytest.raises(ConsulError):
        store.put("cicd/greeter/release", {})


def typed(consul: Consul, line: str) -> str:
    """Type *line* in a shell in the repository with Consul's own command, and return what it prints."""
    path = f"{binary.find(Places.from_environment()).parent}:{os.environ['PATH']}"
    own = {"CONSUL_HTTP_ADDR": consul.url, "CONSUL_HTTP_TOKEN": consul.master, "PATH": path}
    shell = ["bash", "-euo", "pipefail", "-c", line]
    done = subprocess.run(
        shell, cwd=ROOT, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_of_the_page_make_the_tokens_of_stackstorm_and_of_a_host(consul):
    texts = list(page(ROOT / "docs" / "consul.md"))
    block = next(text.code for text in texts if text.language == "sh").replace("stackstorm1", NODE)
    stackstorm, host, agent = re.findall(r"^SecretID: +(\S+)$", typed(consul, block), re.M)
    used = {text.code for text in texts if text.code.startswith("consul acl set-agent-token")}
    for line in sorted(used):
        typed(consul, line.replace("TOKEN", consul.master))

    assert len(used) == 2
    for key, by_stackstorm, by_host in (("release", 200, 403), (f"hosts/{NODE}", 403, 200)):
        assert consul.ask(stackstorm, "PUT", f"kv/cicd/greeter/{key}", "{}").status_code == by_stackstorm
        assert consul.ask(host, "PUT", f"kv/cicd/greeter/{key}", "{}").status_code == by_host
    assert consul.ask(stackstorm, "PUT", "session/create", {"Node": NODE}).ok
    assert not consul.ask(agent, "PUT", "agent/service/register", {"Name": "greeter"}).ok
    typed(consul, "consul kv delete cicd/greeter/release")
    typed(consul, "consul acl set-agent-token default ''")


def test_a_deploy_holds_its_lock_with_stackstorms_token(consul, token):
    config, who = consul.settings(token("stackstorm")), Holder("ann", "deploy", "e1", 1.0)
    lock = Lock(config, "greeter", "canary")
    session = lock.acquire(who)
    fenced = lock.fence(session, who)
    decide = partial(transitions.advertise_canary, build=build(2), when=2.0)
    Store(config).change("greeter", "advertise_canary", "canary", CAUSE, decide, fenced)
    assert lock.still_held(session)

    lock.release(session)
    assert lock.holder() is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"kv/cicd/greeter/hosts/{NODE}"),
        ("PUT", "kv/other::version"),
        ("PUT", "kv/cicd/other/release"),
        ("PUT", f"kv/cicd/other/hosts/{NODE}"),
        ("PUT", "kv/anything"),
        ("PUT", "agent/service/maintenance/greeter?enable=true"),
        ("PUT", "agent/service/deregister/greeter"),
        ("PUT", "acl/policy"),
        ("GET", "acl/tokens"),
        ("PUT", "agent/force-leave/web2"),
    ],
)
def test_stackstorm_cannot_speak_for_hosts_or_change_what_is_not_its_own(consul, token, method, path):
    assert consul.ask(token("stackstorm"), method, path, {"Name": "x"}).status_code == 403


def converged(consul: Consul, token: str, folder: Path) -> dict[str, object]:
    """Run cicd-converge with *token* and return its report."""
    (folder / "projects").mkdir(exist_ok=True)
    (folder / "projects" / "greeter.conf").write_text("UNIT=nosuch.service\n")
    (folder / "token").write_text(token)
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "node").write_text(f"{NODE}\n")
    nothing = transitions.wanted_document(Release("greeter"), "production", 600)
    consul.ask(consul.master, "PUT", "kv/cicd/greeter/wanted/production", nothing)
    lines = f"CONSUL_HTTP_ADDR={consul.url}\nCONSUL_TOKEN_FILE={folder / 'token'}\n"
    (folder / "converge.conf").write_text(lines)
    environment = {**os.environ, "CICD_ETC": str(folder), "CICD_RUN": str(folder / "run")}
    (folder / "cicd-converge").write_text(script())
    command = ["dash", folder / "cicd-converge", "greeter"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return dict(json.loads(done.stdout))


def test_an_app_host_converges_with_its_token(consul, token, tmp_path):
    assert converged(consul, token("app-host"), tmp_path)["code"] == "empty"
    stored = consul.ask(consul.master, "GET", f"kv/cicd/greeter/hosts/{NODE}?raw").json()
    assert (stored["host"], stored["ring"], stored["alive"]) == (NODE, "production", "check")


def test_an_app_host_drains_and_registers_itself(consul, token):
    for enable in ("true", "false"):
        path = f"agent/service/maintenance/greeter?enable={enable}&reason=x"
        assert consul.ask(token("app-host"), "PUT", path).ok
    assert consul.ask(token("app-host"), "GET", "agent/checks").ok
    service = {
        "ID": "greeter",
        "Name": "greeter",
        "Tags": ["greeter::app"],
        "Port": 80,
        "Address": "127.0.0.9",
    }
    assert consul.ask(token("app-host"), "PUT", "agent/service/register", service).ok


def test_an_app_host_takes_a_turn_of_its_project_and_of_no_other(consul, token):
    made = consul.ask(token("app-host"), "PUT", "session/create", {"Behavior": "delete", "TTL": "300s"})
    session = made.json()["ID"]
    elsewhere = {"Node": OTHER, "Behavior": "delete"}

    assert consul.ask(token("app-host"), "PUT", "session/create", elsewhere).status_code == 403
    assert consul.ask(token("app-host"), "PUT", f"kv/cicd/greeter/turns/0?acquire={session}").json() is True
    assert consul.ask(token("app-host"), "PUT", f"kv/cicd/other/turns/0?acquire={session}").status_code == 403
    assert consul.ask(token("app-host"), "PUT", f"session/destroy/{session}").ok


def test_an_app_hosts_watch_hears_of_a_new_version(consul, token, tmp_path):
    (tmp_path / "token").write_text(token("app-host"))
    command = [binary.find(Places.from_environment()), "watch", f"-http-addr={consul.url}"]
    options = [f"-token-file={tmp_path / 'token'}", "-type=keyprefix", "-prefix=cicd/greeter/wanted/"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)

    assert "cicd/greeter/wanted/canary" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "kv/cicd/greeter/release"),
        ("PUT", "kv/cicd/greeter/wanted/production"),
        ("DELETE", "kv/cicd/greeter/wanted/production"),
        ("PUT", f"kv/cicd/greeter/hosts/{OTHER}"),
        ("DELETE", "kv/cicd/greeter/hosts/?recurse"),
        ("PUT", "kv/cicd/other/hosts/web1"),
        ("PUT", "kv/greeter::version"),
        ("PUT", "kv/cicd/greeter/history/00000001"),
        ("GET", "kv/cicd/other/x"),
        ("GET", "kv/cicd/greeter/release"),
        ("PUT", "agent/service/maintenance/other?enable=true"),
        ("PUT", "acl/token"),
    ],
)
def test_an_app_host_cannot_say_what_is_wanted_nor_speak_for_another_host(consul, token, method, path):
    assert consul.ask(token("app-host"), method, path, {}).status_code == 403


def test_an_app_host_cannot_change_the_release_in_a_transaction(consul, token):
    name = consul.store(token("app-host"))

    with pytest.raises(ConsulError, match="denies"):
        name.change("greeter", "promote", "production", CAUSE, lambda r: r)


def elsewhere(node: str, address: str, name: str = "greeter") -> dict[str, object]:
    """Return the registration of an instance of service *name* that has its place at *address*."""
    service = {"ID": f"{name}-2", "Service": name, "Tags": ["greeter::app"], "Address": address, "Port": 80}
    return {"Node": node, "Address": "127.0.0.1", "SkipNodeUpdate": True, "Service": service}


def test_an_app_hosts_token_is_of_its_service_on_every_node_and_of_nothing_else(consul, token):
    """As docs/consul.md says: Consul has no narrower right."""
    node = {"Node": OTHER, "Address": "127.0.0.1"}
    assert consul.ask(consul.master, "PUT", "catalog/register", node).ok
    app, agent = token("app-host"), token("agent")
    gone = {"Node": OTHER, "ServiceID": "greeter-2"}

    assert consul.ask(app, "PUT", "catalog/register", elsewhere(OTHER, "127.0.0.66")).ok
    assert consul.ask(agent, "PUT", "catalog/deregister", gone).status_code == 403
    assert consul.ask(app, "PUT", "catalog/deregister", gone).ok
    for body in (elsewhere(OTHER, "127.0.0.66", "other"), {"Node": "web9", "Address": "127.0.0.66"}):
        assert consul.ask(app, "PUT", "catalog/register", body).status_code == 403
    assert consul.ask(app, "PUT", "catalog/deregister", {"Node": OTHER}).status_code == 403
    assert consul.ask(consul.master, "PUT", "catalog/deregister", {"Node": OTHER}).ok


def test_the_token_of_an_app_hosts_agent_puts_its_own_node_right_and_registers_no_service(consul, token):
    app, agent = token("app-host"), token("agent")
    assert consul.ask(app, "PUT", "catalog/register", elsewhere(NODE, "127.0.0.66")).ok

    assert consul.ask(agent, "PUT", "catalog/deregister", {"Node": NODE, "ServiceID": "greeter-2"}).ok
    assert consul.ask(agent, "PUT", "agent/service/register", {"Name": "greeter"}).status_code == 403
    assert consul.ask(agent, "PUT", "kv/cicd/greeter/hosts/web1", "{}").status_code == 403


def test_a_host_and_the_pack_see_with_their_tokens_what_another_node_registered(consul, token):
    app, project = token("app-host"), settings(consul.url).project("greeter")
    store = consul.store(token("stackstorm"))
    for _ in range(5):  # its agent takes it back about once a minute, perhaps in between
        assert consul.ask(app, "PUT", "catalog/register", elsewhere(NODE, "127.0.0.66")).ok
        seen = consul.ask(app, "GET", f"catalog/node/{NODE}").json()["Services"]
        strange = registrations.foreign(store.health(project), {})
        if "greeter-2" in seen and strange:
            break
    consul.ask(app, "PUT", "catalog/deregister", {"Node": NODE, "ServiceID": "greeter-2"})

    assert "greeter-2" in seen
    assert "greeter-2 at 127.0.0.66:80" in strange[NODE]


@pytest.mark.parametrize(("role", "service"), [("build-host", "build"), ("repository-host", "apt")])
def test_build_and_repository_hosts_offer_themselves_and_touch_nothing_else(consul, token, role, service):
    offer = {
        "ID": service,
        "Name": service,
        "Tags": ["package", "publish"],
        "Port": 22,
        "Address": "127.0.0.9",
    }
    assert consul.ask(token(role), "PUT", "agent/service/register", offer).ok

    for path in ("kv/cicd/greeter/release", "kv/greeter::version", f"kv/cicd/greeter/hosts/{NODE}"):
        assert consul.ask(token(role), "PUT", path, {}).status_code == 403
    assert consul.ask(token(role), "GET", "kv/cicd/?recurse").status_code in (403, 404)
    assert consul.ask(token(role), "PUT", "agent/service/deregister/greeter").status_code == 403


@pytest.mark.parametrize("name", ["_greeter._greeter::app.service.consul", "greeter.service.consul"])
def test_haproxys_dns_answers_with_the_load_balancers_token_only(consul, token, name):
    assert answers(consul.dns, name) == 0
    set_default = {"Token": token("load-balancer")}
    assert consul.ask(consul.master, "PUT", "agent/token/default", set_default).ok
    try:
        assert answers(consul.dns, name) == 1
    finally:
        consul.ask(consul.master, "PUT", "agent/token/default", {"Token": ""})


def test_a_load_balancer_changes_nothing(consul, token):
    for path in (
        "kv/cicd/greeter/release",
        "agent/service/maintenance/greeter?enable=true",
        "session/create",
    ):
        assert consul.ask(token("load-balancer"), "PUT", path, {}).status_code == 403
    assert consul.ask(token("load-balancer"), "GET", "kv/cicd/greeter/release").status_code in (403, 404)


def test_cicd_traffic_reads_shares_and_writes_its_own_report_and_nothing_else(consul, token):
    traffic, wanted = token("cicd-traffic"), "kv/cicd/.traffic/wanted/greeter"
    share = {"buckets": 500, "generation": 1}
    assert consul.ask(token("stackstorm"), "PUT", wanted, share).ok
    agent = FollowedConsul(Agent(consul.url, consul.settings(traffic).consul.token_file))

    assert texts(Query(agent, f"kv/{WANTED}?recurse").ask(1), WANTED) == {"greeter": json.dumps(share)}
    agent.write(APPLIED + NODE, {"applied": {}})
    for path in (wanted, f"kv/cicd/.traffic/applied/{OTHER}", "kv/cicd/greeter/release"):
        assert consul.ask(traffic, "PUT", path, {}).status_code == 403
    assert consul.ask(traffic, "GET", "kv/cicd/greeter/release").status_code in (403, 404)


def test_cicd_render_reads_what_templates_need_and_writes_its_own_report_and_nothing_else(consul, token):
    render, health = token("cicd-render"), "kv/cicd/.balancer/health/greeter"
    assert consul.ask(token("stackstorm"), "PUT", health, "/up").ok
    agent = FollowedConsul(Agent(consul.url, consul.settings(render).consul.token_file))
    catalogue = Catalogue(lambda path: Query(agent, path).ask(1))

    assert catalogue.tree(HEALTH) == {"greeter": "/up"}
    assert "consul" in [service.name for service in catalogue.services()]
    assert catalogue.nodes()
    agent.write(REPORTS + NODE, {"applied": {}})
    for path in (health, f"kv/{REPORTS}{OTHER}", "kv/cicd/greeter/release"):
        assert consul.ask(render, "PUT", path, {}).status_code == 403
    assert consul.ask(render, "GET", "kv/cicd/greeter/release").status_code in (403, 404)


def answers(port: int, name: str) -> int:
    """Ask for the SRV records of *name*, and return how many came."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 33, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(query, ("127.0.0.1", port))
        answer = asking.recv(4096)
    return int(struct.unpack(">H", answer[6:8])[0])
