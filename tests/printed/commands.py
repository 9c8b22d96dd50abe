"""The commands among what is printed, each with samples in the place of what the reader fills in."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from st2local.content.registry import Registry
from st2local.content.resources import Resource
from st2local.engine.aliases import formats
from tests.printed.texts import ROOT, SPAN, Text, everything

PROGRAMS = {
    ".venv/bin/python", "apt-cache", "apt-get", "build/venvs/st2client/bin/python", "cicd-converge",
    "consul", "curl",
    "dpkg-query", "git", "gpg", "gpgv", "journalctl", "make", "pytest", "python", "python3", "sed", "ssh",
    "st2", "st2-apply-rbac-definitions", "st2-trigger-refire", "st2ctl", "sudo", "systemctl",
    "systemd-analyze", "useradd",
}  # fmt: skip
SAMPLES = {
    "project": "greeter",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "version": "1.4.0-57.ab12cd3",
    "from_version": "1.4.0-56.01234ab",
    "to_version": "1.4.0-57.ab12cd3",
    "ring": "production",
    "host": "web1",
    "hosts": "web1",
    "package": "greeter",
    "unit": "greeter.service",
    "key": "cicd/greeter/alarms/firing",
    "plan": "12-0123456789ab-0123456789ab",
    "id": "12-0123456789ab-0123456789ab",
    "port": "8090",
    "repository": "acme/shop",
    "reason": "db migration",
    "role": "incident_commander",
}
_PLACE = re.compile(r"<([A-Za-z][A-Za-z _-]*)>")
_FILLED_IN = re.compile(r"…|«.*»")
_PATH = re.compile(r"(script|\.ci)/\S+$")
_ASSIGNMENT = re.compile(r"[A-Z_0-9]+=")


@dataclass(frozen=True)
class Command:
    """
    One command, *spoken* in chat or typed in a shell, and the file and line of it.

    *words* have samples in the place of what the reader fills in; *printed* is the whole line or span.
    """

    where: str
    printed: str
    words: tuple[str, ...]
    spoken: bool = False

    @property
    def line(self) -> str:
        """The words in one line, without quotes: how commands.yaml names a command."""
        return " ".join(self.words)

    @property
    def program(self) -> str:
        """What is run; empty for what is spoken."""
        return "" if self.spoken else self.words[0]


@functools.cache
def registry() -> Registry:
    """Return the pack's content, and that of the packs that every StackStorm has."""
    return Registry.of([ROOT])


@functools.cache
def printed() -> tuple[Command, ...]:
    """Return every command that is printed anywhere."""
    return tuple(command for text in everything() for command in commands_of(text))


def commands_of(text: Text) -> Iterator[Command]:
    """
    Yield the commands of *text*: of a block for the shell all, of a span what looks like one.

    A block that begins with `#!` is a file of a project, and nobody types its lines.
    """
    if text.language == "sh" and not text.code.startswith("#!"):
        yield from _of_block(text)
    elif text.language == SPAN:
        for code in _with_and_without_options(text.code):
            if _is_spoken(code):
                yield Command(text.where, code, tuple(_samples_in_speech(code)), spoken=True)
            elif _is_typed(code):
                yield from _typed(text.where, code)


def _with_and_without_options(code: str) -> list[str]:
    """Return *code* with, and without, each of its parts in [brackets]."""
    parts = re.split(r"(?<= )\[([^]]*[=…][^]]*)\]", code)
    choices = [(part, "") if number % 2 else (part,) for number, part in enumerate(parts)]
    return ["".join(choice).strip() for choice in itertools.product(*choices)]


def _is_spoken(code: str) -> bool:
    words = code.split()
    return len(words) > 1 and words[0] in _first_words() and "=" not in code


@functools.cache
def _first_words() -> frozenset[str]:
    aliases: list[Resource] = registry().all("action_alias")
    return frozenset(one.representation.split()[0] for alias in aliases for one in formats(alias))


def _is_typed(code: str) -> bool:
    words = list(itertools.dropwhile(_ASSIGNMENT.match, code.split()))
    if not words or (words[1:] and not words[1].strip("<>=")):
        return False  # nothing but settings, or a dependency such as `python3 >= 3.9`
    known = words[0] in PROGRAMS or words[0].removeprefix("cicd.") in _actions()
    is_whole = len(words) > 1 or words[0].startswith("st2-")
    return (known and is_whole) or bool(_PATH.match(words[0]))


@functools.cache
def _actions() -> frozenset[str]:
    return frozenset(action.name for action in registry().all("action") if action.pack == "cicd")


def _samples_in_speech(code: str) -> Iterator[str]:
    for word in _marked(code).split():
        name = re.sub(r"[«»….]", "", word)
        sample = SAMPLES.get(name, "greeter" if name else SAMPLES["reason"])
        yield from sample.split() if _FILLED_IN.search(word) else [word]


def _of_block(text: Text) -> Iterator[Command]:
    path, _, first = text.where.partition(":")
    number = int(first or 1)
    for line in re.split(r"(?<!\\)\n", text.code):
        yield from _typed(f"{path}:{number}", line.replace("\\\n", " "))
        number += 1 + line.count("\n")


def _typed(where: str, line: str) -> Iterator[Command]:
    try:
        for words in _simple_commands(line):
            yield Command(where, line.strip(), tuple(_samples(words)))
    except ValueError as error:
        raise ValueError(f"{where}: {line.strip()}: {error}") from None


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Split a line of shell into simple commands, without the assignments before them."""
    lexer = shlex.shlex(_marked(line), posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, "#"
    for is_operator, words in itertools.groupby(lexer, lambda word: set(word) <= set(";&|")):
        found = list(itertools.dropwhile(_ASSIGNMENT.match, words))
        if found and not is_operator:
            bare = found[0].removeprefix("cicd.")
            yield ["st2", "run", f"cicd.{bare}", *found[1:]] if bare in _actions() else found


def _marked(code: str) -> str:
    return _PLACE.sub(lambda place: f"«{place[1].replace(' ', '-')}»", code)


def _samples(words: list[str]) -> Iterator[str]:
    for word in words:
        name, equals, value = word.partition("=")
        if equals and _FILLED_IN.search(value):
            yield f"{name}={SAMPLES.get(name, 'sample')}"
        else:
            yield re.sub(r"«(.*?)»", lambda place: SAMPLES.get(place[1].strip("_"), place[1]), word)
