"""Lets in what Slack has signed, once, from people who are known."""

from __future__ import annotations

import functools
import sqlite3
import time
import uuid
from collections.abc import Mapping

from gateway import body
from gateway.audit import Decision
from gateway.config import Slack
from gateway.slack import press, signature
from gateway.slack.desk import Desk
from gateway.slack.press import Press
from gateway.spool import PRESSED, Spool
from gateway.writer import Writer

Taken = tuple[Decision, int]


class Door:
    """Where presses of buttons come in; the *desk* does what they stand for."""

    def __init__(self, spool: Spool, writer: Writer, desk: Desk) -> None:
        self._spool = spool
        self._writer = writer
        self._desk = desk

    async def take(self, slack: Slack, headers: Mapping[str, str], raw: bytes, content_type: str) -> Taken:
        """Return what was decided of a request, and the status to answer, long before 3 seconds are over."""
        wrong = signature.problem(headers, raw, slack.secret, time.time())
        if wrong:
            return _decided("refused", wrong), 401
        try:
            pressed = press.read(body.payload(raw, content_type))
        except press.NoButtonError as error:
            return _decided("ignored", str(error)), 200
        if not self._desk.may_answer(pressed.answer_url):
            return _decided("refused", "the answer is to go elsewhere than to Slack"), 403
        return await self._once(pressed, headers["X-Slack-Signature"], slack.users.get(pressed.user, ""))

    async def _once(self, pressed: Press, signed: str, name: str) -> Taken:
        pressing = functools.partial(self._spool.press, signed, pressed.button if name else "")
        try:
            known = await self._writer.do(pressing)
        except sqlite3.Error:
            return _decided("failed", "the spool cannot be written"), 503
        if known == PRESSED:
            self._desk.refuse(
                pressed, "this button was pressed already, and what it began goes on or is done."
            )
        if known:
            return _decided("duplicate", known), 200
        if not name:
            self._desk.refuse(pressed, f"{pressed.user} is not among slack.users of the gateway.")
            return _decided("refused", f"{pressed.user} is not mapped to a StackStorm user"), 200
        settle = functools.partial(self._spool.settle_press, pressed.button)
        self._desk.do(pressed, name, lambda stays: self._writer.do(functools.partial(settle, stays)))
        return _decided("accepted", f"{name}: {pressed.command}"), 200


def _decided(decision: str, reason: str) -> Decision:
    return Decision("slack", f"gateway-{uuid.uuid4()}", decision, reason)
