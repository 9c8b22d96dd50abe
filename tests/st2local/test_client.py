"""The official client's commands work, unmodified: what they print, and how they exit."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conformance.local import PASSWORD, ROOT, USER, Local
from tests.conformance.rest import Rest

ST2 = Path(os.environ.get("ST2_CLIENT", ROOT / "build" / "venvs" / "st2client" / "bin" / "st2"))


class Client:
    """The command `st2`, logged in."""

    def __init__(self, local: Local, home: Path) -> None:
        self.environment = {
            "HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "250",
            "ST2_API_URL": f"http://127.0.0.1:{local.api_port}/v1",
            "ST2_AUTH_URL": f"http://127.0.0.1:{local.auth_port}",
            "ST2_STREAM_URL": f"http://127.0.0.1:{local.stream_port}/v1",
            "ST2_AUTH_TOKEN": local.token(),
        }  # fmt: skip

    def run(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(ST2), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        assert done.returncode == code, said
        return said


@pytest.fixture(scope="module")
def st2(running: tuple[Local, Rest], tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(running[0], tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def rest(running: tuple[Local, Rest]) -> Rest:
    return running[1]


def test_login_and_whoami(st2: Client) -> None:
    assert "Logged in as st2admin" in st2.run("login", USER, "-p", PASSWORD)
    assert 'Currently logged in as "st2admin"' in st2.run("whoami")


def test_a_wrong_password_is_refused(st2: Client) -> None:
    assert "Invalid or missing credentials" in st2.run("auth", USER, "-p", "wrong", code=1)


def test_run_shows_the_result_and_its_failure(st2: Client) -> None:
    said = st2.run("run", "probe.chain", "word=hello")
    assert "again: hello again" in said
    assert re.search(r"second\s+\|\s+core.local", said)
    assert "status: failed" in st2.run("run", "probe.echo", "how=refuse", code=1)
    assert '"probe.nothing" doesn\'t exist' in st2.run("run", "probe.nothing", code=1)


def test_run_with_a_trace_tag(st2: Client) -> None:
    st2.run("run", "core.noop", "--trace-tag", "from the client")
    assert "from the client" in st2.run("trace", "list", "--trace-tag", "from the client")


def test_executions_are_listed_got_and_run_again(st2: Client, rest: Rest) -> None:
    identifier = rest.run("probe.chain", {"word": "w"})["id"]
    assert identifier in st2.run("execution", "list", "-n", "50")
    said = st2.run("execution", "get", identifier)
    assert "status: succeeded" in said
    assert "first" in said
    again = st2.run("execution", "re-run", identifier, "word=other")
    assert "again: other again" in again


def test_what_runs_is_canceled_paused_and_resumed(st2: Client, rest: Rest) -> None:
    identifier = rest.start("probe.slow", {"seconds": "6"})["id"]
    rest.wait(identifier, ("running",))
    assert "pausing" in st2.run("execution", "pause", identifier)
    rest.wait(identifier, ("paused",))
    assert re.search("resuming|running|succeeded", st2.run("execution", "resume", identifier))
    assert rest.wait(identifier)["status"] == "succeeded"
    identifier = rest.start("probe.slow", {"seconds": "6"})["id"]
    rest.wait(identifier, ("running",))
    assert "cancel" in st2.run("execution", "cancel", identifier)
    assert rest.wait(identifier)["status"] == "canceled"


def test_output_is_followed_while_it_comes_and_afterwards(st2: Client, rest: Rest) -> None:
    script = "for i in 1 2 3; do sleep 1.2; echo line $i; done"
    identifier = rest.start("probe.shell", {"cmd": script})["id"]
    said = st2.run("execution", "tail", identifier)
    assert "line 3" in said
    assert "line 1" in st2.run("execution", "tail", identifier)


def test_a_workflow_is_followed(st2: Client, rest: Rest) -> None:
    # Long enough for a client that starts on a busy machine.
    identifier = rest.start("probe.slow", {"seconds": "12"})["id"]
    said = st2.run("execution", "tail", identifier)
    assert "Child execution (task=second)" in said
    assert "has completed" in said


def test_actions_are_listed_and_got(st2: Client) -> None:
    assert "probe.echo" in st2.run("action", "list", "--pack", "probe")
    assert "Returns what it is given" in st2.run("action", "get", "probe.echo")
    assert "Optional Parameters" in st2.run("run", "probe.echo", "-h")
    assert "is not found" in st2.run("action", "get", "probe.nothing", code=1)


LISTED = [
    ("rule list", "probe.on_hook"),
    ("rule get probe.on_hook", "Says what the hook was told"),
    ("trigger list", "core.st2.webhook"),
    ("sensor list", "probe.ProbeSensor"),
    ("policy list", "probe.one_at_a_time"),
    ("pack list", "probe"),
    ("pack get probe", "0.1.0"),
    ("webhook list", "probe/hook"),
    ("action-alias list", "probe.probe_say"),
    ("runner list", "python-script"),
    ("trace list", "id"),
    ("trigger-instance list -n 5", "processed"),
    ("rule-enforcement list", "rule.ref"),
    ("inquiry list", "roles"),
    ("policy-type list", "retry"),
]


def test_lists_and_entries_are_shown(st2: Client, rest: Rest) -> None:
    rest.run("core.noop")
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda one: st2.run(*one[0].split()), LISTED))
    missing = [
        command for (command, expected), text in zip(LISTED, said, strict=True) if expected not in text
    ]
    assert missing == []


def test_a_rule_is_switched_off_and_on(st2: Client) -> None:
    assert "False" in st2.run("rule", "disable", "probe.on_hook")
    assert "True" in st2.run("rule", "enable", "probe.on_hook")


def test_aliases_match_and_execute(st2: Client) -> None:
    assert "probe_say" in st2.run("action-alias", "match", "probe say hello")
    assert "To get the results, execute" in st2.run("action-alias", "execute", "probe say hello")
    assert "matched no patterns" in st2.run("action-alias", "execute", "what", code=1)


def test_keys_are_set_listed_got_and_deleted(st2: Client) -> None:
    st2.run("key", "set", "client.key", "value")
    assert "value" in st2.run("key", "get", "client.key")
    assert "client.key" in st2.run("key", "list")
    st2.run("key", "set", "client.secret", "hidden", "--encrypt", "--ttl", "60")
    assert "hidden" not in st2.run("key", "get", "client.secret")
    assert "hidden" in st2.run("key", "get", "client.secret", "--decrypt")
    st2.run("key", "delete", "client.key")
    assert "not found" in st2.run("key", "get", "client.key", code=1)


def test_api_keys_are_made_and_listed(st2: Client) -> None:
    key = st2.run("apikey", "create", "-k").strip().splitlines()[-1]
    assert len(key) > 40
    assert "st2admin" in st2.run("apikey", "list")


def test_an_inquiry_is_shown_and_answered(st2: Client, rest: Rest) -> None:
    identifier = rest.start("probe.ask")["id"]
    rest.wait(identifier, ("paused",))
    (child,) = rest.children(identifier)
    assert child["id"] in st2.run("inquiry", "list")
    assert "probe" in st2.run("inquiry", "get", child["id"])
    st2.run("inquiry", "respond", child["id"], "-r", '{"go": true}')
    assert rest.wait(identifier)["result"]["output"] == {"go": True}
