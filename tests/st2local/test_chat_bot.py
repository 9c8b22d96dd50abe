"""A chat bot that knows only StackStorm runs aliases: acknowledges them, and announces what came of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cicd.clients.stackstorm import StackStorm
from tests.chat_bot import ChatBot
from tests.conformance.local import PASSWORD, USER, Local
from tests.conformance.rest import Rest
from tests.irc_server import CHANNEL, IrcServer, Listener

Running = tuple[Local, Rest]


def _bot(directory: Path, local: Local, credentials: dict[str, object], **where: Any) -> ChatBot:
    return ChatBot(
        directory,
        {
            "api_url": f"http://127.0.0.1:{local.api_port}/v1",
            "auth_url": f"http://127.0.0.1:{local.auth_port}",
            "stream_url": f"http://127.0.0.1:{local.stream_port}/v1",
            "api_auth": credentials,
        },
        **where,
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


def test_a_notice_to_the_route_of_a_bot_arrives_in_its_channel_on_irc(
    running: Running, tmp_path: Path
) -> None:
    local, rest = running
    login = {"user": {"name": USER, "password": PASSWORD}}
    environment = {
        "ST2_ACTION_API_URL": f"http://127.0.0.1:{local.api_port}/v1",
        "ST2_ACTION_AUTH_TOKEN": str(rest.client.headers["X-Auth-Token"]),
    }
    with (
        IrcServer(tmp_path) as server,
        Listener(server) as ann,
        _bot(tmp_path, local, login, port=server.port, rooms=[CHANNEL]),
    ):
        ann.waits_for(lambda: any(line.startswith(":bot!") for line in ann.lines), "the bot")
        StackStorm(environment).say("errbot", CHANNEL, "greeter: 1.0 runs on canary")
        ann.waits_for(lambda: any("greeter: 1.0 runs" in said for said in ann.said), "the notice")
