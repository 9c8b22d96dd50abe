"""A chat bot that knows only StackStorm runs aliases: acknowledges them, and announces what came of them."""

from __future__ import annotations

from pathlib import Path

from tests.chat_bot import ChatBot
from tests.conformance.local import PASSWORD, USER, Local
from tests.conformance.rest import Rest

Running = tuple[Local, Rest]


def _bot(directory: Path, local: Local, credentials: dict[str, object]) -> ChatBot:
    return ChatBot(
        directory,
        {
            "api_url": f"http://127.0.0.1:{local.api_port}/v1",
            "auth_url": f"http://127.0.0.1:{local.auth_port}",
            "stream_url": f"http://127.0.0.1:{local.stream_port}/v1",
            "api_auth": credentials,
        },
    )


def test_an_alias_is_acknowledged_and_its_result_announced(running: Running, tmp_path: Path) -> None:
    local, rest = running
    with _bot(tmp_path, local, {"user": {"name": USER, "password": PASSWORD}}) as bot:
        bot.type("!st2 probe say hello")
        bot.hears("saying hello")
        bot.hears("said hello")
    (execution,) = rest.get("/executions?action=probe.chain&limit=1")
    assert execution["context"]["api_user"] == "@operator"
    assert execution["context"]["source_channel"] == "@operator"


def test_an_api_key_is_as_good_as_a_password(running: Running, tmp_path: Path) -> None:
    local, rest = running
    key = rest.ask("POST", "/apikeys", {}).json()["key"]
    with _bot(tmp_path, local, {"apikey": key}) as bot:
        bot.type("!st2help")
        bot.hears("!st2 probe say {{word}} - Says a word.")
        bot.type("!st2 there is no such command")
        bot.hears("not found.  View available commands with !st2help.")
