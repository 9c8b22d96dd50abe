"""One st2local that runs the pack with nothing but Consul to speak to, for the tests of a module."""

from collections.abc import Iterator

import pytest
import requests
import yaml

from cicd.release import transitions
from cicd.release.record import Build, Cause, Release
from cicd.store.store import Store
from tests.conformance.local import ROOT, Local
from tests.conformance.rest import Rest
from tests.lib.consul_settings import EXAMPLE, settings

GOOD = Build("1.0-1.0000001", "greeter", "1" * 40, "a" * 64, f"acme/greeter@{'1' * 40}")
UNBAKED = Build("1.0-2.0000002", "greeter", "2" * 40, "b" * 64, f"acme/greeter@{'2' * 40}")
BAKE = 10**8
# In the configuration and nowhere else: found anywhere, a template was evaluated.
CONFIGURED = "configured-5c1e"


def seeded() -> Release:
    """Return a release whose production is good, and whose canary is healthy but bakes for years."""
    known = transitions.advertise_canary(Release("greeter"), GOOD, 0.0)
    known = transitions.confirm(known, "canary", known.ring("canary").generation, 0.0)
    known = transitions.promote(known, BAKE + 1.0, BAKE)
    known = transitions.confirm(known, "production", known.ring("production").generation, 0.0)
    known = transitions.advertise_canary(known, UNBAKED, 2e9)
    return transitions.confirm(known, "canary", known.ring("canary").generation, 4e9)


def seed(consul: str) -> None:
    """Write that release and two healthy hosts that report it."""
    requests.delete(f"{consul}/v1/kv/cicd/?recurse", timeout=10)
    Store(settings(consul)).change(
        "greeter", "promote", "production", Cause("ann", "seed", 1.0), lambda _: seeded()
    )
    for name, build, tags in (
        ("web1", UNBAKED, ["greeter::app", "greeter::app_canary"]),
        ("web2", GOOD, ["greeter::app"]),
    ):
        service = {"ID": "greeter", "Service": "greeter", "Tags": tags, "Port": 80}
        # Not Serf's check: once a minute Consul removes a node that has that and is no member.
        check = {"CheckID": "answers", "Name": "it answers", "Status": "passing", "Node": name}
        entry = {"Node": name, "Address": "127.0.0.1", "Service": service, "Check": check}
        requests.put(f"{consul}/v1/catalog/register", json=entry, timeout=10).raise_for_status()
        report = {"installed": build.version, "at": "2026-01-01T00:00:00Z", "state": "unchanged"}
        requests.put(f"{consul}/v1/kv/cicd/greeter/hosts/{name}", json=report, timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def engine(consul: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """An st2local that runs the pack, with nothing but Consul to speak to."""
    folder = tmp_path_factory.mktemp("fuzz")
    values = yaml.safe_load(EXAMPLE.read_text())
    for name in ("key", "token"):
        (folder / name).write_text("")
    secrets = {"private_key_file": str(folder / "key"), "known_hosts_file": str(folder / "key"), "port": 9}
    values |= {
        "consul": {"url": consul},
        "ssh": {**values["ssh"], **secrets, "connect_timeout": 1},
        "jenkins": {"url": "http://127.0.0.1:9", "user": CONFIGURED, "token_file": str(folder / "token")},
        "repository": {**values["repository"], "url": "http://127.0.0.1:9"},
        "deploy": {"min_bake_seconds": BAKE, "lock_wait_seconds": 0, "host_timeout": 1},
    }
    values.pop("github", None)
    values.pop("gateway", None)
    local = Local(folder, packs=(ROOT,))
    (folder / "configs" / "cicd.yaml").write_text(yaml.safe_dump(values))
    seed(consul)
    yield local.start()
    local.stop()
