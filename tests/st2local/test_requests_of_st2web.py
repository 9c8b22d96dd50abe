"""What st2web asks, and takes from the answers, is there: the requests of its walk, without the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.local import PASSWORD, USER, Local
from tests.conformance.rest import Rest
from tests.st2local.requests_of_st2web import Recorded, recorded


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "index.html").write_text("A stand-in of the web UI")
    server = Local(folder, web=folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser(local: Local) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=local.web_url, trust_env=False, timeout=60) as client:
        client.post("/auth/tokens", auth=(USER, PASSWORD)).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def ids(local: Local, browser: httpx.Client) -> dict[str, str]:
    """Do what a person would look at, and return the ids of it."""
    rest = Rest(f"{local.web_url}/api/v1", {"X-Auth-Token": local.token()})
    rest.ask("POST", "/webhooks/probe/hook", {"word": "seen"}, headers={"X-Probe": "go"})
    rest.wait(rest.start("probe.ask")["id"], ("paused",))
    found = {
        "running": rest.start("core.local", {"cmd": "sleep 300"})["id"],
        "inquiry": rest.get("/executions?runner=inquirer")[0]["id"],
        "rule": rest.get("/rules/probe.on_hook")["id"],
        "execution": rest.wait(rest.first("/executions?rule=on_hook")["id"])["id"],
    }
    rest.first("/triggerinstances?trigger_type=probe.ticked")
    rest.client.close()
    return found


@pytest.mark.parametrize("request_", recorded(), ids=lambda one: one.ask.partition("&")[0])
def test_it_is_answered_as_st2web_needs_it(
    request_: Recorded, browser: httpx.Client, ids: dict[str, str]
) -> None:
    method, path = request_.with_ids(ids)
    login = (USER, PASSWORD) if path == "/auth/tokens" else None
    with browser.stream(method, path, json=request_.body, auth=login) as answer:
        assert answer.status_code == request_.status
        if answer.headers["content-type"].startswith("application/json"):
            answer.read()
            assert missing(answer.json(), request_.needs) == []
        else:
            assert request_.needs == []
            assert next(answer.iter_text())


def missing(found: Any, needs: list[str]) -> list[str]:
    """Return the paths that are not there; a list must have an entry, and each entry all of them."""
    entries = found if isinstance(found, list) else [found]
    return [path for path in needs if not entries or not all(_has(one, path.split(".")) for one in entries)]


def _has(found: Any, path: list[str]) -> bool:
    return not path or (isinstance(found, dict) and path[0] in found and _has(found[path[0]], path[1:]))
