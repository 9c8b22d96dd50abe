"""Nobody acts as somebody else, and who has not logged in learns and costs nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from st2local.api.browser_guard import is_loopback
from tests.conformance.local import PASSWORD, PROBE, ROOT, USER, Local, free_ports
from tests.conformance.rest import Rest

Running = tuple[Local, Rest]
MIB = 2**20


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/executions", {"action": "core.noop", "user": "bob"}),
        ("POST", "/apikeys", {"user": "bob"}),
        ("PUT", "/keys/x", {"name": "x", "value": "1", "user": "bob", "scope": "user"}),
        ("GET", "/keys/x?scope=user&user=bob", None),
        ("GET", "/keys?scope=user&user=bob", None),
        ("DELETE", "/keys/x?scope=user&user=bob", None),
    ],
)
def test_a_request_in_the_name_of_somebody_else_is_refused(running: Running, method, path, body) -> None:
    answer = running[1].ask(method, path, body)

    assert (answer.status_code, answer.json()["faultstring"]) == (
        403,
        f"{USER} cannot act as bob; log in as bob.",
    )


def test_an_execution_is_not_run_again_in_the_name_of_somebody_else(running: Running) -> None:
    rest = running[1]
    done = rest.run("core.noop")
    answer = rest.ask("POST", f"/executions/{done['id']}/re_run", {"user": "bob"})

    assert answer.status_code == 403
    assert rest.run("core.noop", user=USER)["context"]["user"] == USER


@pytest.mark.parametrize(
    "file",
    [
        ".git/config",
        ".gitignore",
        "actions/../.git/config",
        "../../etc/passwd",
        "%00",
        "x" * 5000,
        "a/" * 3000,
    ],
)
def test_what_is_no_file_of_a_pack_is_not_found(running: Running, file: str) -> None:
    answer = running[1].ask("GET", f"/packs/views/file/probe/{file}")

    assert answer.status_code == 404
    assert running[1].ask("GET", "/packs/views/file/probe/pack.yaml").status_code == 200


@pytest.mark.parametrize("path", ["keys/%00", "executions/%00", "actions/%00", "webhooks/%00", "traces/%00"])
def test_a_name_with_a_zero_byte_is_no_error_of_the_server(running: Running, path: str) -> None:
    assert running[1].ask("GET", f"/{path}").status_code in (400, 404)


def test_a_large_body_is_not_read_before_a_password_is_checked(running: Running) -> None:
    local = running[0]
    before = local.memory()
    for path in ("tokens", "tokens/validate"):
        answer = httpx.post(
            f"http://127.0.0.1:{local.auth_port}/{path}",
            content=(b"x" * MIB for _ in range(100)),
            auth=(USER, PASSWORD),
            trust_env=False,
            timeout=60,
        )
        assert answer.status_code in (200, 413)
        assert answer.json() != {"valid": True}
    assert local.memory() - before < 20 * MIB


def test_a_stream_ends_with_its_token(running: Running) -> None:
    local, rest = running
    token = httpx.post(
        f"http://127.0.0.1:{local.auth_port}/tokens", auth=(USER, PASSWORD), json={"ttl": 2}, trust_env=False
    ).json()["token"]
    url = f"http://127.0.0.1:{local.stream_port}/v1/stream"
    with httpx.stream("GET", url, params={"x-auth-token": token}, timeout=60, trust_env=False) as answer:
        lines = answer.iter_lines()
        next(lines)
        time.sleep(2.5)
        late = rest.run("core.noop")["id"]
        assert late not in "".join(lines)


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server without a password file."""
    folder = tmp_path_factory.mktemp("open")
    ports = free_ports(3)
    process = subprocess.Popen(_command(folder, ports), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    yield f"http://127.0.0.1:{ports[0]}/v1"
    process.terminate()
    process.wait(20)
    process.stdout.close()


def _command(folder: Path, ports: list[int], host: str = "127.0.0.1") -> list[str]:
    names = ("--api-port", "--auth-port", "--stream-port")
    numbers = [word for name, port in zip(names, ports, strict=True) for word in (name, str(port))]
    words = ["serve", f"--pack={PROBE}", "--data", str(folder), "--host", host, *numbers]
    words += ["--virtualenvs", str(ROOT / "build" / "test-virtualenvs")]
    return [sys.executable, "-m", "st2local", *words]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Content-Type": "text/plain"},
        {"Origin": "null", "Content-Type": "text/plain"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
    ],
)
def test_a_web_page_cannot_run_commands_where_nobody_logs_in(open_door: str, headers) -> None:
    body = '{"action": "core.local", "parameters": {"cmd": "id"}}'
    answer = httpx.post(f"{open_door}/executions", content=body, headers=headers, trust_env=False)

    assert answer.status_code == 403
    assert "Requests of other web pages are refused" in answer.json()["faultstring"]
    assert httpx.get(f"{open_door}/executions?action=core.local", trust_env=False).json() == []


def test_programs_of_this_machine_are_served_where_nobody_logs_in(open_door: str) -> None:
    own = open_door.removesuffix("/v1")
    named = open_door.split("/")[2].replace("127.0.0.1", "localhost")
    for headers in ({}, {"Origin": own}, {"Host": named}):
        answer = httpx.post(f"{open_door}/executions", json={"action": "core.noop"}, headers=headers)
        assert answer.status_code == 201


def test_without_a_password_file_other_machines_are_not_served(tmp_path: Path) -> None:
    command = _command(tmp_path, free_ports(3), host="0.0.0.0")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "without --password-file everyone who reaches 0.0.0.0 could run commands" in done.stderr


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *((host, True) for host in ("127.0.0.1", "127.77.0.1", "::1", "localhost")),
        *((host, False) for host in ("", "10.0.0.1", "localhost.evil.example", "0.0.0.0", "evil")),
    ],
)
def test_the_machines_own_addresses_are_known(host: str, own: bool) -> None:
    assert is_loopback(host) is own
