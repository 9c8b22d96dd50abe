"""A notice in a channel of a real IRC server counts as told once the server has taken it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cicd.clients import irc
from cicd.errors import ReceiverBusy
from cicd.notice_targets import NoticeTarget
from tests.irc_server import CHANNEL, IrcServer, Listener

PASSWORD = "server-password"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[IrcServer]:
    with IrcServer(tmp_path_factory.mktemp("irc"), PASSWORD) as server:
        yield server


def target(server: IrcServer, folder: Path, **changed: str) -> NoticeTarget:
    (folder / "password").write_text(changed.pop("password", PASSWORD))
    known = {"server": f"127.0.0.1:{server.port}", "channel": CHANNEL, "tls": "none"}
    return NoticeTarget("room", "irc", password_file=str(folder / "password"), **{**known, **changed})


def test_a_channel_hears_each_line_and_a_server_that_was_down_hears_it_later(server, tmp_path):
    room = target(server, tmp_path)
    with Listener(server, PASSWORD) as ann:
        irc.say(room, ["greeter: 1.0 runs", "Next: `deploy production greeter`"], "https://st2/e")
        ann.waits_for(lambda: len(ann.said) == 3, "a notice")
    server.stop()
    with pytest.raises(ReceiverBusy, match="did not accept the notice"):
        irc.say(room, ["greeter: 2.0 runs"], "")
    server.start()
    with Listener(server, PASSWORD) as later:
        irc.say(room, ["greeter: 2.0 runs"], "")
        later.waits_for(lambda: later.said == ["greeter: 2.0 runs"], "a later notice")

    assert ann.said == ["greeter: 1.0 runs", "Next: `deploy production greeter`", "https://st2/e"]


def test_a_name_that_is_taken_keeps_no_notice_back(server, tmp_path):
    with Listener(server, PASSWORD) as ann:
        irc.say(target(server, tmp_path, nick="ann"), ["greeter: 1.0 runs"], "")
        ann.waits_for(lambda: ann.said == ["greeter: 1.0 runs"], "a notice")

    assert any(line.startswith(":ann_!") for line in ann.lines)


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"channel": "deploys"}], ids=str)
def test_what_the_server_refuses_is_worth_another_try_and_shows_no_password(server, tmp_path, changed):
    with pytest.raises(ReceiverBusy) as refused:
        irc.say(target(server, tmp_path, **changed), ["said"], "")

    assert PASSWORD not in str(refused.value)


def test_a_server_that_talks_on_and_never_lets_anybody_in_keeps_no_other_target_waiting(monkeypatch):
    monkeypatch.setattr(irc, "VISIT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talking = threading.Thread(target=talk_on, args=(listener,))
        talking.start()
        room = NoticeTarget(
            "room", "irc", server=f"127.0.0.1:{listener.getsockname()[1]}", channel="#a", tls="none"
        )
        with pytest.raises(ReceiverBusy, match="did not accept the notice"):
            irc.say(room, ["said"], "")
        talking.join()


def talk_on(listener: socket.socket) -> None:
    """Be a server that sends a few bytes again and again, as long as somebody is there."""
    with listener.accept()[0] as connection, suppress(OSError):
        while True:
            connection.sendall(b"PING :a\r\nPI")
            time.sleep(0.02)


def test_no_text_is_a_command_of_its_own_and_a_long_one_arrives_in_parts(server, tmp_path):
    long = "ü" * 500
    with Listener(server, PASSWORD) as ann:
        irc.say(target(server, tmp_path), ["a\r\nQUIT :b\0c", long], "")
        ann.waits_for(lambda: "".join(ann.said[1:]) == long, "all of it")

    assert ann.said[0] == "a QUIT :bc"
