"""Pushes whose every text is hostile, made from a seed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

# What an evaluated template would leave somewhere, and the file that an executed command would.
PRODUCT, MARK = str(1_234_577 * 7), "owned-8f21"
TEMPLATES = [
    "{{ 1234577 * 7 }}",
    "{%- print(1234577 * 7) -%}",
    "<% 1234577 * 7 %>",
    "{{ config_context }}",
    "{{ config_context.jenkins.token_file }}",
    "<% ctx() %>",
    "<% ctx(st2) %>",
    "{{ st2kv.system.kept }}",
    "{{ st2kv.system.kept | decrypt_kv }}",
    "<% st2kv('system.kept', decrypt => true) %>",
    "{{ '{' + '{ 1234577 * 7 }' + '}' }}",
    "<% '<' + '% 1234577 * 7 %' + '>' %>",
    "{% raw %}",
    "{% endraw %}{{ 1234577 * 7 }}",
    "{{ no_such_name }}",
    "<% no_such_function() %>",
    "{{",
    "%}",
    "{# ",
]
# What is taken out of a text must not join what opens a template.
JOINED = [
    f"{opener[0]}{gap}{opener[1]} 1234577 * 7 {closer}"
    for gap in ("\x1b[0m", "\u202e", "\ufeff", "\x08")
    for opener, closer in (("{{", "}}"), ("<%", "%>"), ("{%", "%}"))
]
SHELL = [
    f"$(touch {MARK})",
    f"`touch {MARK}`",
    f"; touch {MARK};",
    f"' && touch {MARK} '",
    f'" | touch {MARK} #',
    f"\ntouch {MARK}\n",
    f"--upload-pack=touch {MARK}",
    f"${{IFS}}|touch${{IFS}}{MARK}",
    "../../../../etc/passwd",
]
TERMINAL = ["\x1b[31m", "\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\r\n", "\r", "\x08\x08", "\x7f"]
BIDI = ["\u202egnp.exe", "\u2066", "\u200f", "\ufeff", "\u061c"]
PLAIN = ["Fix the greeting", "\n\nBecause it was wrong.", "ä€😀", " ", "'", '"', "\\", "&lt;", "%0d%0a"]
ALLOWED = ["release/1.0", "-rf", "--upload-pack=touch", "HEAD@1", "=x+y", ".a", "/b", "_", "@"]
KINDS = [TEMPLATES, JOINED, SHELL, TERMINAL, BIDI, PLAIN]
# What a text would still do where it is shown: open a template, or act on a terminal.
ACTING = re.compile(
    r"\{\{|\{%|\{#|<%|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True)
class Hostile:
    """
    A push and what its build says.

    *branch* is one that no project is deployed from; *is_odd* when the push itself is to the oddest
    branch that one is. *route* is by which it is told: gateway, straight (to StackStorm) or nobody.
    """

    message: str
    author: str
    file: str
    console: str
    description: str
    branch: str
    passes: bool
    is_odd: bool
    route: str


def made(seed: int) -> Hostile:
    """Return the push of *seed*."""
    chance = Random(seed)
    return Hostile(
        message=f"{_text(chance, 1_000_000)}\n[skip deploy]",
        author=f"{_text(chance, 500)} Ann",  # git refuses a name of marks alone
        # A newline in a name is refused at the contract, and has a test of its own.
        file=chance.choice("-f") + _text(chance, 60).replace("/", "|").replace("\n", "|")[:60],
        console=_text(chance, 1_000_000),
        description=_text(chance, 100_000),
        branch=_branch(chance),
        passes=seed % 2 == 0,
        is_odd=chance.random() < 0.3,
        route=chance.choices(["gateway", "straight", "nobody"], [6, 3, 1])[0],
    )


def _text(chance: Random, size: int) -> str:
    """Return hostile fragments; every third text is at least *size* characters long."""
    short = "".join(chance.choice(chance.choice(KINDS)) for _ in range(chance.randrange(1, 12)))
    if chance.random() < 2 / 3:
        return short
    filler = chance.choice(["x", "{{ 1234577 * 7 }}", "<% 1234577 * 7 %>\n", "\x1b[0m", "a\r\n"])
    return short + filler * (size // len(filler) + 1) + short


def _branch(chance: Random) -> str:
    """Return a name that git, or the pack, may or may not take for a branch."""
    kinds = [ALLOWED] if chance.random() < 0.4 else KINDS
    return "".join(chance.choice(chance.choice(kinds)) for _ in range(chance.randrange(1, 4)))[:150]
