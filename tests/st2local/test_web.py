"""One port serves the web UI and, below it, the services; a browser is known there by its cookie."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conformance.local import PASSWORD, PROBE, ROOT, USER, Local

PAGE = "<!doctype html><title>A stand-in of the web UI</title>"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "ui" / "js").mkdir(parents=True)
    (folder / "ui" / "index.html").write_text(PAGE)
    (folder / "ui" / "js" / "main.js").write_text("// none\n")
    server = Local(folder, web=folder / "ui")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def browser(local: Local) -> Iterator[httpx.Client]:
    """Whoever has logged in, and keeps nothing but the cookie."""
    with httpx.Client(base_url=local.web_url, trust_env=False, timeout=20) as client:
        assert client.post("/auth/tokens", auth=(USER, PASSWORD)).status_code == 201
        yield client


def test_the_pages_and_the_services_are_on_one_port(browser: httpx.Client) -> None:
    assert browser.get("/").text == PAGE
    assert "javascript" in browser.get("/js/main.js").headers["content-type"]
    assert browser.get("/api/v1/actions/core.noop").json()["ref"] == "core.noop"
    assert browser.get("/js/none.js").status_code == 404


@pytest.mark.parametrize("path", ["/../passwords", "/js/%2e%2e/%2e%2e/passwords", "//etc/passwd"])
def test_no_file_beside_the_pages_is_served(browser: httpx.Client, path: str) -> None:
    answer = browser.send(httpx.Request("GET", browser.base_url.copy_with(raw_path=path.encode())))
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/stream/stream", "/stream/v1/stream", "/api/stream", "/api/v1/stream/"])
def test_the_stream_has_its_old_names_too(browser: httpx.Client, path: str) -> None:
    with browser.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")


def test_what_a_page_of_another_site_could_do_with_it_is_forbidden(browser: httpx.Client) -> None:
    headers = browser.get("/").headers
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
    assert browser.request("PATCH", "/api/v1/actions").status_code == 405
    foreign = browser.post("/api/v1/executions", json={}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403


def test_a_token_becomes_a_cookie_that_no_script_and_no_other_site_gets(local: Local) -> None:
    token = local.token()
    for more in ({"headers": {"x-auth-token": token}}, {"params": {"x-auth-token": token}}):
        answer = httpx.get(f"{local.web_url}/api/v1/user", trust_env=False, **more)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"auth-token={token};")
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_neither_an_api_key_nor_a_cookie_becomes_a_cookie(browser: httpx.Client) -> None:
    key = browser.post("/api/v1/apikeys", json={}).json()["key"]
    assert "set-cookie" not in browser.get("/api/v1/user").headers
    answer = httpx.get(f"{browser.base_url}/api/v1/user", headers={"St2-Api-Key": key}, trust_env=False)
    assert "set-cookie" not in answer.headers


def test_a_picture_is_shown_to_who_has_only_the_cookie(browser: httpx.Client) -> None:
    answer = browser.get("/api/v1/packs/views/file/probe/icon.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == (PROBE / "icon.png").read_bytes()
    browser.cookies.clear()
    assert browser.get("/api/v1/packs/views/file/probe/icon.png").status_code == 401


def test_no_pack_can_be_installed_and_so_the_index_is_empty(browser: httpx.Client) -> None:
    assert browser.get("/api/v1/packs/index").json() == {"status": [], "index": {}}


def test_an_execution_is_linked_where_people_look_at_it(browser: httpx.Client) -> None:
    found = browser.post("/api/v1/executions", json={"action": "core.noop"}).json()
    assert found["web_url"] == f"{browser.base_url}/#/history/{found['id']}/general"


def test_a_result_is_saved_as_a_compressed_file(browser: httpx.Client) -> None:
    started = browser.post("/api/v1/executions", json={"action": "core.noop"}).json()
    with browser.stream("GET", f"/stream/executions/{started['id']}/output") as output:
        output.read()
    wanted = {"download": 1, "pretty_format": 1, "compress": 1}
    answer = browser.get(f"/api/v1/executions/{started['id']}/result", params=wanted)
    assert (answer.headers["content-encoding"], answer.json()["succeeded"]) == ("gzip", True)
    assert answer.headers["content-disposition"].endswith(f"execution_{started['id']}_result.json.gz")


def ask(local: Local, *headers: str) -> str:
    """Return the first line of the answer to a request with just these headers."""
    lines = ["GET /api/v1/user HTTP/1.1", *headers, "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.1", local.web_port), 20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return connection.makefile().readline().strip()


def test_a_proxy_that_names_the_host_twice_is_served(local: Local) -> None:
    token, host = f"Cookie: auth-token={local.token()}", "Host: ci.example"
    assert ask(local, host, host, token, "Origin: https://ci.example") == "HTTP/1.1 200 OK"
    assert ask(local, host, "Host: evil.example", token, "Origin: http://evil.example").split()[1] == "403"


def test_a_folder_that_is_no_web_ui_is_refused(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "st2local", "serve", "--pack", str(PROBE), "--data", str(tmp_path / "data")]
    done = subprocess.run(
        [*argv, "--web", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path} holds no index.html")
