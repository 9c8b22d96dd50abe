"""Every program of ours: its options and its exit codes, as `--help` says them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import balancer.__main__
import cicd_project.cli
import gateway.__main__
import lab.cli
import render.__main__
import st2local.cli
import status.__main__
from reference.markdown import code, page, table

Parser = argparse.ArgumentParser
PROGRAMS: tuple[tuple[str, str, Callable[[], Parser]], ...] = (
    ("cicd-gateway", "a receiver's host: webhooks come in here", gateway.__main__.parser),
    ("cicd-render", "each load balancer's host, or any other", render.__main__.parser),
    ("cicd-status", "the status page's host", status.__main__.parser),
    ("cicd-traffic", "each load balancer's host", balancer.__main__.parser),
    ("python3 -m cicd_project", "a developer's machine, before a push", cicd_project.cli.parser),
    (
        ".venv/bin/python -m st2local",
        "a machine without StackStorm",
        st2local.cli.parser,
    ),
    (".venv/bin/python -m lab", "a machine that you can throw away", lab.cli.parser),
)


def programs() -> str:
    """Return the page: for each program what it takes and how it ends."""
    lines = ["`cicd-converge`, which app hosts run, is in [hosts.md](hosts.md#exit-codes).", ""]
    for name, place, parser in PROGRAMS:
        lines += [f"## {name}", "", f"Runs on {place}. {parser().description}", ""]
        lines += [*_options(parser()), str(parser().epilog), ""]
    return page("Programs", "the parsers of each program", lines)


def _options(parser: Parser) -> Iterator[str]:
    own = list(_rows(parser))
    yield from table(("option", "default", "meaning"), own)
    for words, about, below in _commands(parser, ""):
        yield from [f"### {words}", "", f"{about[:1].upper()}{about[1:]}.", ""]
        yield from table(("option", "default", "meaning"), _rows(below))


def _commands(parser: Parser, before: str) -> Iterator[tuple[str, str, Parser]]:
    """Yield each command of *parser*, and what is below it, with its words and its help."""
    for group in parser._actions:
        if isinstance(group, argparse._SubParsersAction):
            about = {one.dest: one.help or "" for one in group._choices_actions}
            for name, below in group.choices.items():
                words = f"{before} {name}".strip()
                if not any(isinstance(one, argparse._SubParsersAction) for one in below._actions):
                    yield words, about.get(name, ""), below
                yield from _commands(below, words)


def _rows(parser: Parser) -> Iterator[tuple[str, str, str]]:
    for one in parser._actions:
        if isinstance(one, (argparse._SubParsersAction, argparse._HelpAction)):
            continue
        name = ", ".join(map(code, one.option_strings)) or code(str(one.metavar or one.dest).upper())
        chosen = f"one of {', '.join(code(choice) for choice in one.choices)}" if one.choices else ""
        yield name, _default(one), ". ".join(filter(None, (_help(one), chosen)))


def _help(option: argparse.Action) -> str:
    return str(option.help or "").replace("%(default)s", str(option.default))


def _default(option: argparse.Action) -> str:
    if option.required and option.option_strings:
        return "required"
    if option.default == sys.executable:
        return "the Python that runs it"
    return "" if option.default in (None, False, [], "", argparse.SUPPRESS) else code(option.default)
