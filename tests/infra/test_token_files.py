"""The files of a site's tokens: which are written, and what is refused before Consul is asked."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.infra.token_site import MANAGEMENT, NEEDED, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_each_file_that_a_host_needs_is_written_once_and_for_its_owner_only(site):
    said, tokens = site.said(), site.tokens

    assert set(tokens) == NEEDED
    assert said[:-1] == [f"{line.partition(':')[0]}: written" for line in said[:-1]]
    assert len(said[:-1]) == len(NEEDED)
    assert {uuid.UUID(token).version for token in tokens.values()} == {4}
    assert len(set(tokens.values())) == len(tokens)
    assert {(site.files / name).stat().st_mode & 0o777 for name in tokens} == {0o600}
    assert {line.partition(": ")[2] for line in site.said()[:-1]} == {"there already"}
    assert site.tokens == tokens


def test_a_part_without_a_token_of_its_own_gets_no_file(site):
    site.configure("gateway/gateway.yaml", consul={})
    site.configure("status/status.yaml", consul={})
    site.said()

    assert set(site.tokens) == NEEDED - {"status/consul.token", "gateway/consul.token"}


def test_consul_that_is_silent_or_has_no_acls_is_named(site, one_consul):
    site.said()

    assert "does not answer at http://127.0.0.1:1 " in site.refusal("--grant", "--url", "http://127.0.0.1:1")
    assert "ACLs are off" in site.refusal("--grant", "--url", one_consul)
    assert not (site.files / MANAGEMENT).exists()


def test_consul_on_loopback_is_reached_by_a_tunnel_only(site):
    site.said()

    said = site.refusal("--grant")
    assert "ssh -N -L 8500:127.0.0.1:8500 root@192.0.2.10" in said
    assert "--url http://127.0.0.1:8500" in said


def test_an_authority_whose_certificate_is_missing_is_named(site):
    tls = {"ca_file": "consul/ca.pem", "cert_file": "consul/a.pem", "key_file": "consul/a-key.pem"}
    site.data["consul"] |= {"tls": tls, "listen": "{address}"}
    site.write()
    site.said()

    assert "consul/ca.pem is missing" in site.refusal("--grant")


def test_granting_before_the_files_are_written_says_what_to_run(site):
    said = site.refusal("--grant", "--url", "http://127.0.0.1:1")

    assert ".agent.token cannot be read" in said
    assert "without --grant" in said


def no_tokens(site: Site) -> None:
    del site.data["consul"]["tokens"]


def rules_for_a_name(site: Site) -> None:
    site.data["hosts"]["web9\n"] = {**site.data["hosts"]["web1"]}


def unknown_server(site: Site) -> None:
    site.data["consul"]["servers"] = ["stack9"]


def not_brought(site: Site) -> None:
    del site.data["stackstorm_host"]["secrets"]["/etc/cicd/consul.token"]


def shared_with_the_manager(site: Site) -> None:
    site.data["status_host"]["secrets"]["/etc/cicd/status/consul.token"] = MANAGEMENT


def not_named(site: Site) -> None:
    site.configure("stackstorm/cicd.yaml", consul={"url": "http://127.0.0.1:8500"})


def same_name(site: Site) -> None:
    site.data["projects"]["load-balancer"] = site.data["projects"]["greeter"]
    site.data["hosts"]["apt1"]["roles"].append("app_host")
    site.data["hosts"]["apt1"]["projects"] = {"load-balancer": "canary"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_tokens, "has no `tokens` in `consul`"),
        (rules_for_a_name, "does not match"),
        (unknown_server, "stack9 of Consul is not in `hosts`"),
        (not_brought, "names /etc/cicd/consul.token, which `secrets` of stackstorm_host does not bring"),
        (shared_with_the_manager, "Name another file"),
        (not_named, "names no `consul.token_file`"),
        (same_name, "Two policies would have the name apt1-load-balancer"),
    ],
)
def test_data_by_which_a_token_would_be_wrong_are_refused_before_a_file_is_written(site, change, words):
    change(site)
    site.write()

    assert words in site.refusal()
    assert not site.tokens


def test_a_file_without_a_uuid_is_refused_and_not_shown(site):
    site.said()
    (site.files / "status/consul.token").write_text("hunter2\r\nX: y")

    said = site.refusal("--grant", "--url", "http://127.0.0.1:1")
    assert "status/consul.token has no UUID" in said
    assert "hunter2" not in said
