"""HAProxy in front of all projects that Consul knows: real ones, with cicd-render between them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from render.__main__ import main
from tests.render.site import Client, Site, eventually, running, site

CHANGES = int(os.environ.get("RENDER_CHANGES", "4"))


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A load balancer in front of the project `greeter`, which has two hosts, one of them its canary."""
    with site(tmp_path_factory.mktemp("site")) as found:
        found.register("greeter", instance="greeter-1")
        found.register("greeter", "greeter::app_canary", instance="greeter-2", answers="greeter's canary")
        assert found.follower().step(0)
        found.start_haproxy()
        eventually(lambda: found.ask("greeter.example.com") == "greeter")
        eventually(lambda: found.ask("greeter", **{"X-Canary": "1"}) == "greeter's canary")
        yield found


def test_a_new_project_is_served_by_its_name_with_nothing_done_on_the_load_balancer(balancer):
    with running(balancer.follower()):
        assert balancer.ask("shop.example.com") == 404
        balancer.register("shop")
        eventually(lambda: balancer.ask("shop.example.com") == "shop")

        assert balancer.ask("SHOP:8080") == "shop"
        assert balancer.ask("greeter.example.com") in ("greeter", "greeter's canary")
        assert balancer.ask("shop_stable.example.com") == 404
        eventually(lambda: balancer.report()["applied"]["haproxy"]["projects"] == ["greeter", "shop"])


def test_a_project_may_have_names_of_its_own_and_say_where_it_is_healthy(balancer):
    with running(balancer.follower()):
        balancer.register("site")
        balancer.put("kv/cicd/.balancer/names/www.example.com", "site")
        balancer.put("kv/cicd/.balancer/health/site", "/up")
        eventually(lambda: balancer.ask("www.example.com") == "site")

    assert "backend site\n  option httpchk GET /up\n" in balancer.file.read_text()
    assert "backend greeter\n  option httpchk GET /health\n" in balancer.file.read_text()


def test_its_file_is_printed_as_it_would_be_and_nothing_is_written(balancer, tmp_path: Path, capsys):
    (tmp_path / "render.conf").write_text(
        f"CONSUL_HTTP_ADDR={balancer.url}\nJOBS_DIR={balancer.folder}/render.d\nSTATE_DIR={tmp_path}\n"
    )
    before = balancer.file.stat().st_mtime_ns

    assert main(["--config", str(tmp_path / "render.conf"), "--print"]) == 0
    assert f"==> {balancer.file} <==" in capsys.readouterr().out
    assert balancer.file.stat().st_mtime_ns == before


def test_hosts_that_come_and_go_reload_nothing(balancer):
    with running(balancer.follower()):
        eventually(lambda: balancer.report()["error"] == "")
        before = balancer.file.stat().st_mtime_ns, balancer.reloads
        balancer.register("greeter", instance="greeter-3", answers="greeter's third")
        eventually(lambda: balancer.ask("greeter") == "greeter's third")
        balancer.put("agent/service/deregister/greeter-3")
        eventually(lambda: {balancer.ask("greeter") for _ in range(4)} == {"greeter", "greeter's canary"})

    assert (balancer.file.stat().st_mtime_ns, balancer.reloads) == before


def test_no_request_fails_while_projects_come_and_go(balancer):
    with running(balancer.follower()), Client(balancer.port, "greeter") as client:
        for number in range(CHANGES):
            name = f"p{number}"
            balancer.register(name)
            eventually(lambda name=name: balancer.ask(name) == name)
            if number % 2:
                balancer.put(f"agent/service/deregister/{name}")
                eventually(lambda name=name: balancer.ask(name) == 404)

    assert client.failed == []
    assert client.answered > CHANGES


def test_what_haproxy_refuses_leaves_the_file_and_is_reported(balancer):
    before = balancer.file.read_text()
    with running(balancer.follower()):
        balancer.put("kv/cicd/.balancer/health/greeter", "/" + "a" * 150 + "/..")
        eventually(lambda: "/aaaa" in balancer.file.read_text())
        balancer.write_job(vars={**balancer.job["vars"], "slots": "many"})
        balancer.register("late")
        eventually(lambda: "haproxy refuses it" in str(balancer.report()["error"]))
        assert "slots" not in before
        assert "backend late" not in balancer.file.read_text()
        balancer.write_job()
        balancer.put("kv/cicd/.balancer/health/greeter", "/health")
        eventually(lambda: balancer.ask("late") == "late")
        eventually(lambda: balancer.report()["error"] == "")


def test_a_broken_template_leaves_the_file_and_is_reported(balancer, tmp_path: Path):
    before = balancer.file.read_text()
    (tmp_path / "own.cfg.j2").write_text(
        '{% extends "haproxy.cfg.j2" %}{% block more %}{{ nothing }}{% endblock %}'
    )
    balancer.write_job(template=str(tmp_path / "own.cfg.j2"))
    with running(balancer.follower()):
        eventually(lambda: "own.cfg.j2, line 1: 'nothing' is undefined" in str(balancer.report()["error"]))
        assert balancer.file.read_text() == before
        (tmp_path / "own.cfg.j2").write_text(
            '{% extends "haproxy.cfg.j2" %}{% block more %}# ours\n{% endblock %}'
        )
        balancer.put("kv/cicd/.balancer/health/other", "/")
        eventually(lambda: balancer.report()["error"] == "")
    balancer.write_job()

    assert "# ours\n" in balancer.file.read_text()


def test_what_a_killed_process_wrote_and_did_not_apply_is_applied_by_the_next(balancer):
    assert balancer.follower().step(0)
    before = balancer.reloads
    assert balancer.follower().step(0)
    assert balancer.reloads == before
    (balancer.folder / "haproxy.applied").unlink()
    assert balancer.follower().step(0)

    assert balancer.reloads == before + 1


def test_a_file_that_somebody_changed_is_written_again(balancer):
    follower = balancer.follower()
    assert follower.step(0)
    wanted, reloads = balancer.file.read_text(), balancer.reloads
    balancer.file.write_text("nothing")
    assert follower.step(0)

    assert balancer.file.read_text() == wanted
    assert balancer.reloads == reloads + 1


def test_a_service_with_a_hostile_name_gets_no_backends_and_keeps_no_other_from_them(balancer):
    evil = "evil\n  server evil 10.6.6.6:80"
    balancer.put(
        "catalog/register",
        {"Node": "n", "Address": "10.6.6.6", "Service": {"Service": evil, "Tags": [f"{evil}::app"]}},
    )
    with running(balancer.follower()):
        balancer.register("newest")
        eventually(lambda: balancer.ask("newest") == "newest")
        eventually(lambda: "gets no backends" in str(balancer.report()["error"]))
    requests.put(f"{balancer.url}/v1/catalog/deregister", json={"Node": "n"}, timeout=10).raise_for_status()

    assert "evil" not in balancer.file.read_text()


def test_while_consul_is_away_the_file_stays_and_hosts_serve(tmp_path: Path):
    with site(tmp_path) as away:
        away.register("greeter")
        follower = away.follower()
        assert follower.step(0)
        text = away.file.read_text()
        away.url = "http://127.0.0.1:1"
        (tmp_path / "haproxy.applied").unlink()
        alone = away.follower()

        assert not alone.step(0)
        assert "Consul at http://127.0.0.1:1 does not answer" in away.said[-1]
        assert away.file.read_text() == text
