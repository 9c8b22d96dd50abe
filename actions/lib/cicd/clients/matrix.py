"""A Matrix homeserver that takes notices, by its client-server API."""

from __future__ import annotations

from typing import Sequence

from cicd import config
from cicd.clients import posting
from cicd.notice_targets import NoticeTarget


def send(target: NoticeTarget, lines: Sequence[str], link: str, identifier: str) -> None:
    """
    Send *lines* and *link* to the room of *target*; errors are those of posting.send.

    Who sends twice under one *identifier* sends one message.
    """
    from urllib.parse import quote  # few actions tell anybody

    room = quote(target.room, safe="")
    where = f"{target.homeserver.rstrip('/')}/_matrix/client/v3/rooms/{room}/send/m.room.message"
    body = {"msgtype": "m.notice", "body": "\n".join([*lines, *([link] if link else [])])}
    token = config.secret(target.token_file)
    posting.send(target.homeserver, "PUT", f"{where}/{quote(identifier, safe='')}", body, token)
