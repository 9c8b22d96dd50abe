"""Does in StackStorm what a person pressed in Slack, and writes into the message what came of it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.config import Slack
from gateway.slack import press
from gateway.slack.press import Press

REQUEST_SECONDS = 15
LONGEST_SECONDS = 1700  # Slack takes answers for half an hour
ASK_EVERY_SECONDS = 2.0
QUIET = {"notification_route": "slack-buttons"}  # nobody listens: the message says what came of it
ENDED = ("succeeded", "failed", "timeout", "abandoned", "canceled")
Answer = Mapping[str, Any]
Settle = Callable[[bool], Awaitable[object]]


class RefusedError(ValueError):
    """StackStorm does not do what it was asked, now or later."""


UNCLEAR = (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError, LookupError)


class Desk:
    """What is under way for people in Slack."""

    def __init__(self, api_url: str, slack: Slack) -> None:
        self._api_url = api_url
        self._slack = slack
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def reload(self, api_url: str, slack: Slack) -> None:
        """Trust and ask as is said from now on."""
        self._api_url, self._slack = api_url, slack

    async def start(self) -> None:
        """Be ready to ask."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Leave what is under way to StackStorm; the messages stay as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def may_answer(self, url: str) -> bool:
        """Return whether *url* is where Slack takes answers: whoever signs could name any."""
        try:
            wanted, given = urlsplit(self._slack.answer_url), urlsplit(url)
        except ValueError:
            return False
        return (given.scheme, given.netloc) == (wanted.scheme, wanted.netloc)

    def do(self, pressed: Press, name: str, settle: Settle) -> None:
        """Do what was *pressed* as StackStorm's user *name*, and *settle* whether it stays pressed."""
        self._begin(self._do(pressed, name, settle))

    def refuse(self, pressed: Press, why: str) -> None:
        """Say to who *pressed*, and to nobody else, *why* nothing was done."""
        said = f"Nothing was done: {why}"
        body = {"response_type": "ephemeral", "replace_original": False, "text": said}
        self._begin(self._tell(pressed, body))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, pressed: Press, name: str, settle: Settle) -> None:
        who = f"{name}: `{pressed.command}`"
        said, stays = await self._became(pressed, name, who)
        with suppress(sqlite3.Error):  # the message is owed in any case
            await settle(stays)
        await self._tell(pressed, press.answered(pressed, f"{who}: {said}", stays and pressed.is_last))

    async def _became(self, pressed: Press, name: str, who: str) -> tuple[str, bool]:
        """Return in words what became of what was *pressed*, and whether it stays pressed."""
        try:
            execution = await self._execute(pressed, name)
            number = execution["id"]
        except UNCLEAR as error:
            return f"StackStorm does not say what became of it ({_why(error)}).", False
        begun = f"{who} is under way (execution {number})"
        await self._tell(pressed, press.answered(pressed, begun, is_over=True))
        try:
            ended = await self._ended(execution)
        except UNCLEAR as error:
            return f"StackStorm does not say what became of execution {number} ({_why(error)}).", True
        if ended["status"] not in ENDED:
            return f"execution {number} had not ended when this message was last written.", True
        return outcome(ended), ended["status"] == "succeeded"

    async def _execute(self, pressed: Press, name: str) -> Answer:
        body = {"command": pressed.command, "user": name, "source_channel": "slack"}
        answer = await self._ask("POST", "/aliasexecution/match_and_execute", {**body, **QUIET})
        first: Answer = answer["results"][0]["execution"]
        return first

    async def _ended(self, execution: Answer) -> Answer:
        until = time.monotonic() + LONGEST_SECONDS
        query = f"/executions/{execution['id']}?include_attributes=status,result"
        while execution["status"] not in ENDED and time.monotonic() < until:
            await asyncio.sleep(ASK_EVERY_SECONDS)
            execution = {**execution, **await self._now(query)}
        return execution

    async def _now(self, query: str) -> Answer:
        """Return what StackStorm says of an execution; nothing while it is restarted."""
        try:
            return await self._ask("GET", query)
        except RefusedError:
            raise
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return {}

    async def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        assert self._session, "started before anything is asked"
        headers = {"St2-Api-Key": self._slack.api_key}
        url = f"{self._api_url}{path}"
        async with self._session.request(
            method, url, json=body, headers=headers, allow_redirects=False
        ) as answer:
            try:
                content = await answer.json(content_type=None)
            except ValueError:  # a page of the proxy in front of it
                content = None
            if not answer.ok or not isinstance(content, dict):
                reason = content.get("faultstring") if isinstance(content, dict) else ""
                kind = RefusedError if 400 <= answer.status < 500 else ValueError
                raise kind(f"{answer.status} {reason or ''}".strip())
            return content

    async def _tell(self, pressed: Press, body: Answer) -> None:
        assert self._session, "started before anything is reported"
        try:
            async with self._session.post(pressed.answer_url, json=body, allow_redirects=False) as answer:
                answer.release()
                problem = "" if answer.ok else str(answer.status)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            problem = type(error).__name__
        if problem:  # without the URL: who knows it may write into the message
            sys.stderr.write(f"gateway: Slack took no answer to `{pressed.command}` ({problem})\n")


def outcome(execution: Answer) -> str:
    """Return in words what became of *execution*, as its result says first."""
    result = execution.get("result")
    parts = [result, *(result.get(name) for name in ("output", "result"))] if isinstance(result, dict) else []
    told = [one for one in parts if isinstance(one, dict)]
    errors = [one["error"] if isinstance(one.get("error"), dict) else one for one in told]
    for one in errors:
        if isinstance(one.get("error"), str):
            return " ".join(str(one[key]) for key in ("error", "hint") if one.get(key))
    messages = [str(one["message"]) for one in told if one.get("message")]
    return messages[-1] if messages else str(execution.get("status"))


def _why(error: Exception) -> str:
    return str(error)[:300] if isinstance(error, ValueError) else type(error).__name__
