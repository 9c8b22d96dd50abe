"""How a notice is sent to each kind of target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Mapping, Sequence, Tuple

from cicd.clients import grafana, irc, mail, matrix, opentelemetry, webhook
from cicd.clients.stackstorm import StackStorm
from cicd.notice_targets import CHATOPS, GRAFANA, IRC, MAIL, MATRIX, OPENTELEMETRY, WEBHOOK, NoticeTarget
from cicd.reports.run_trace import Span


@dataclass(frozen=True)
class Message:
    """
    A notice as it is sent: lines of harmless text, and our own `link`.

    Whatever is sent twice has the same `identifier`. It happened `at` an epoch second; `tags` are words.
    `spans` are those of the run that ended by it, for a target that takes traces.
    Each of the `buttons` is what a person may do, and what about.
    """

    lines: Tuple[str, ...]
    link: str
    identifier: str
    at: float
    tags: Tuple[str, ...]
    spans: Sequence[Span] = ()
    buttons: Tuple[Tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """All of it as one text."""
        return "\n".join([*self.lines, *([self.link] if self.link else [])])


Sender = Callable[[NoticeTarget, Message], None]
SENDERS: Mapping[str, Sender] = {
    WEBHOOK: lambda target, one: webhook.post(
        target.url_file, one.lines, one.link, one.buttons if target.buttons else ()
    ),
    MAIL: lambda target, one: mail.send(target, one.lines, one.link, one.identifier),
    CHATOPS: lambda target, one: StackStorm().say(target.route, target.channel, one.text),
    MATRIX: lambda target, one: matrix.send(target, one.lines, one.link, one.identifier),
    IRC: lambda target, one: irc.say(target, one.lines, one.link),
    OPENTELEMETRY: lambda target, one: opentelemetry.export(target, one.spans),
    GRAFANA: lambda target, one: grafana.mark(target, one.lines, one.link, one.at, one.tags),
}
