"""A notice to a room of a real Matrix homeserver: once, whatever happens on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cicd.clients import matrix
from cicd.errors import ReceiverBusy, ReceiverError
from cicd.notice_targets import NoticeTarget
from tests.matrix_server import MatrixServer


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[MatrixServer]:
    with MatrixServer(tmp_path_factory.mktemp("matrix")) as server:
        yield server


def target(server: MatrixServer, folder: Path, token: str = "", **changed: str) -> NoticeTarget:
    (folder / "token").write_text(token or server.token)
    return NoticeTarget(
        "room",
        "matrix",
        **{"homeserver": server.url, "room": server.room, "token_file": str(folder / "token"), **changed},
    )


def test_what_is_sent_twice_is_one_message_also_when_the_server_was_restarted_meanwhile(server, tmp_path):
    room = target(server, tmp_path)
    for _ in range(2):
        matrix.send(room, ["greeter: 1.0 runs", "2 hosts"], "https://st2/e", "greeter.aa")
    server.stop()
    with pytest.raises(ReceiverBusy, match="does not answer"):
        matrix.send(room, ["greeter: 2.0 runs"], "", "greeter.bb")
    server.start()
    for identifier in ("greeter.aa", "greeter.bb", "greeter.bb"):
        matrix.send(room, ["greeter: 2.0 runs"], "", identifier)

    assert server.said == ["greeter: 1.0 runs\n2 hosts\nhttps://st2/e", "greeter: 2.0 runs"]


@pytest.mark.parametrize(
    ("changed", "status"), [({"token": "stolen"}, 401), ({"room": "!other:localhost"}, 403)], ids=str
)
def test_what_an_operator_can_mend_is_worth_another_try_and_shows_no_token(server, tmp_path, changed, status):
    with pytest.raises(ReceiverBusy, match=f"{server.url} answered {status}") as refused:
        matrix.send(target(server, tmp_path, **changed), ["said"], "", "greeter.cc")

    assert server.token not in str(refused.value)


def test_a_message_that_is_too_large_is_given_up(server, tmp_path):
    with pytest.raises(ReceiverError, match="refused a notice: 413"):
        matrix.send(target(server, tmp_path), ["x" * 70_000], "", "greeter.dd")
