"""Remote runners: what one host does not answer holds no other up. Needs the lab's hosts for the rest."""

from __future__ import annotations

from tests.conformance.local import Local
from tests.conformance.rest import Rest


def test_hosts_that_cannot_be_reached_are_all_named(running: tuple[Local, Rest]) -> None:
    found = running[1].run(
        "core.remote", {"hosts": "127.0.0.1:1,127.0.0.2:1", "cmd": "true", "username": "nobody"}
    )
    assert found["status"] == "failed"
    assert "Unable to connect to any one of the hosts: 127.0.0.1, 127.0.0.2" in found["result"]["error"]


def test_no_host_is_an_error(running: tuple[Local, Rest]) -> None:
    found = running[1].run("core.remote", {"hosts": " , ", "cmd": "true"})
    assert found["status"] == "failed"
    assert "No hosts specified" in found["result"]["error"]


def test_a_password_is_refused_with_a_sentence(running: tuple[Local, Rest]) -> None:
    found = running[1].run("core.remote", {"hosts": "127.0.0.1", "cmd": "true", "password": "x"})
    assert "logs in with keys only" in found["result"]["error"]


def test_a_host_name_is_never_an_option(running: tuple[Local, Rest]) -> None:
    found = running[1].run("core.remote", {"hosts": "-oProxyCommand=touch /tmp/never", "cmd": "true"})
    assert found["status"] == "failed"
    assert "Unable to connect" in found["result"]["error"]
