"""Consul, encrypted as docs/consul.md says: the pack and a host speak HTTPS with it, and with nobody else."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from cicd.config import Settings
from cicd.errors import ConfigError, ConsulError
from cicd.store.store import Store
from host.build import script
from lab.consul import binary
from lab.places import Places
from tests.conftest import free_port, wait_for_leader
from tests.lib.consul_settings import changed
from tests.lib.store.test_store import settings
from tests.printed.texts import page

PAGE = Path(__file__).parents[2] / "docs" / "consul.md"


@dataclass(frozen=True)
class Encrypted:
    """One server, where its API is reached, and the file that says whom to trust."""

    url: str
    authority: Path

    def settings(self, authority: str) -> Settings:
        return changed(settings(self.url), "consul", ca_file=authority)


@pytest.fixture(scope="module")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    folder, http, https = tmp_path_factory.mktemp("tls"), free_port(), free_port()
    program = binary.find(Places.from_environment())
    blocks = [text.code for text in page(PAGE) if text.language in ("sh", "hcl")]
    made, shown = next((a, b) for a, b in pairwise(blocks) if "consul keygen" in a)
    path = f"{program.parent}:{os.environ['PATH']}"
    typed = ["bash", "-euo", "pipefail", "-c", made]
    done = subprocess.run(
        typed, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    configuration = {
        "encrypt": done.stdout.splitlines()[-1],
        "ca_file": str(folder / "consul-agent-ca.pem"),
        "cert_file": str(folder / "dc1-server-consul-0.pem"),
        "key_file": str(folder / "dc1-server-consul-0-key.pem"),
        "ports": {"https": https, "http": http, "serf_lan": free_port(), "server": free_port()}
        | dict.fromkeys(("dns", "grpc", "serf_wan"), -1),
    }
    (folder / "page.hcl").write_text(shown)
    (folder / "places.json").write_text(json.dumps(configuration))
    files = [f"-config-file={folder / name}" for name in ("page.hcl", "places.json")]  # the later one counts
    command = [program, "agent", "-dev", "-bind", "127.0.0.1", *files]
    with (folder / "log").open("w") as log:
        agent = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for_leader(f"http://127.0.0.1:{http}")
        yield Encrypted(f"https://127.0.0.1:{https}", folder / "consul-agent-ca.pem")
    finally:
        agent.terminate()
        agent.wait(20)


def test_the_pack_reads_and_writes_over_https(consul):
    store = Store(consul.settings(str(consul.authority)))
    store.put("cicd/check/1", {"a": 1})

    assert store.json("cicd/check/1", dict) == {"a": 1}


def test_the_pack_refuses_an_agent_that_it_has_no_reason_to_trust(consul, tmp_path):
    with pytest.raises(ConsulError, match="a certificate that is not trusted"):
        Store(consul.settings("")).json("cicd/check/1", dict)
    with pytest.raises(ConfigError, match=r"missing\.pem cannot be read"):
        Store(consul.settings(str(tmp_path / "missing.pem")))


@pytest.mark.parametrize(("trusts", "code"), [(True, "ring"), (False, "consul")])
def test_a_host_reads_its_agent_over_https_and_trusts_no_other(consul, tmp_path, trusts, code):
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "greeter.conf").write_text("")
    trusted = f"CONSUL_CACERT={consul.authority}\n" if trusts else ""
    (tmp_path / "converge.conf").write_text(f"CONSUL_HTTP_ADDR={consul.url}\n{trusted}")
    (tmp_path / "cicd-converge").write_text(script())
    own = {f"CICD_{name}": str(tmp_path / name.lower()) for name in ("RUN", "STATE", "PINS")}
    environment = {**os.environ, **own, "CICD_ETC": str(tmp_path)}
    done = subprocess.run(
        ["dash", tmp_path / "cicd-converge", "greeter"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert json.loads(done.stdout)["code"] == code, done.stderr


def test_consuls_own_command_reads_the_same_settings(consul):
    own = {"CONSUL_HTTP_ADDR": consul.url, "CONSUL_CACERT": str(consul.authority)}
    command = [binary.find(Places.from_environment()), "kv", "put", "cicd/check/2", "x"]
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
