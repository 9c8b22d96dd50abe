"""What a person pressed in Slack: read, and refused where it is none of our buttons. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

# What a person would type in chat; a rollback and a promotion say which version they are about.
WORDS = {
    "approve": "approve {project} {version}",
    "reject": "reject {project} {version} because it was rejected in Slack",
    "promote": "promote {project} {version} to {ring}",
    "rollback": "rollback {ring} {project} from {version}",
}
ABOUT = re.compile(
    r"(?P<project>[A-Za-z0-9][A-Za-z0-9._+-]{0,63}) (?P<version>[0-9][A-Za-z0-9.+~-]{0,99})"
    r" (?P<ring>[a-z][a-z0-9-]{0,31})"
)
CUT_SIGN = re.compile(r"&\w*\Z")
USER = re.compile(r"[A-Z0-9]{1,40}")


class NoButtonError(ValueError):
    """What Slack sent is no press of a button of ours; the text says why."""


@dataclass(frozen=True)
class Press:
    """
    One press of a button: its Slack *user*, the *command* that it stands for, and where the answer goes.

    `button` is the same for every press of one button, or of a person's where each may press it; `said`
    and `blocks` are the message it is in. After the press that `is_last` the message needs no buttons.
    """

    user: str
    command: str
    answer_url: str
    button: str
    said: str
    blocks: tuple[Any, ...]
    is_last: bool = True


def read(payload: bytes) -> Press:
    """Return what *payload*, the field of that name, says; NoButtonError when it is no button of ours."""
    try:
        sent = orjson.loads(payload)
        (action,) = sent["actions"]
        what, about = action["action_id"], ABOUT.fullmatch(action["value"])
        message, user, url = sent.get("message") or {}, sent["user"]["id"], sent["response_url"]
        place = [sent["container"][name] for name in ("channel_id", "message_ts")]
        blocks = tuple(message.get("blocks") or ())
    except (AttributeError, KeyError, LookupError, TypeError, ValueError):
        raise NoButtonError("it is not a press of one button") from None
    texts = [what, user, url, *place, message.get("text") or ""]
    if not all(isinstance(text, str) for text in texts) or not USER.fullmatch(user):
        raise NoButtonError("it is not a press of one button")
    if what not in WORDS or about is None:
        raise NoButtonError("it is another application's button")
    command = WORDS[what].format(**about.groupdict())
    is_last = what != "approve"  # others may have to approve, too, and somebody is to promote
    button = " ".join([*place, command, *([] if is_last else [user])])
    return Press(user, command, url, button, texts[-1], blocks, is_last)


def answered(press: Press, said: str, is_over: bool) -> dict[str, Any]:
    """Return the message with what is *said* of the press; its buttons are gone when that *is_over*."""
    kept = [one for one in press.blocks if isinstance(one, dict) and one.get("block_id") != "outcome"]
    shown = [one for one in kept if not (is_over and one.get("type") == "actions")]
    text = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown_text = {"type": "mrkdwn", "text": CUT_SIGN.sub("", text[:2000]), "verbatim": True}
    outcome = {"type": "context", "block_id": "outcome", "elements": [shown_text]}
    return {"replace_original": True, "text": press.said, "blocks": [*shown, outcome]}
