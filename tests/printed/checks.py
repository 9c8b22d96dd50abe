"""What is wrong with a printed command, without running it."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import cicd_project.cli
import gateway.__main__
import lab.cli
import st2local.cli
from st2local.content import schema
from st2local.engine.alias_format import NoMatchError, extract
from st2local.engine.aliases import formats
from st2local.errors import ParamError
from tests.printed.commands import Command, printed, registry
from tests.printed.texts import ROOT

CLIENT = ROOT / "build" / "venvs" / "st2client" / "bin" / "python"
PARSERS = {
    "cicd_project": cicd_project.cli.parser,
    "gateway": gateway.__main__.parser,
    "lab": lab.cli.parser,
    "st2local": st2local.cli.parser,
}
UNITS = ("balancer", "render", "status", "gateway", "host/units", "examples/greeter")
Check = Callable[[Command], str]


def check_of(command: Command) -> Check | None:
    """Return what checks *command*; None when only running it would."""
    if command.spoken:
        return spoken
    if command.program.endswith(("python", "python3")):
        return python if command.words[1] == "-m" else None
    if "/" in command.program:
        return script
    return BY_PROGRAM.get(command.program)


def st2(command: Command) -> str:
    """Say what StackStorm's client, or the action's contract, has against a command; empty when nothing."""
    read = _read_by_client()[command.words[1:]]
    if "error" in read or read["parameters"] is None:
        return str(read.get("error", "")) or _said_in_it(command)
    return _refused(command.words[2], read["parameters"])


def parameters_of(command: Command) -> dict[str, Any] | None:
    """Return what `st2 run` would send; None for another command, and when the client refuses the words."""
    return _read_by_client()[command.words[1:]].get("parameters") if command.program == "st2" else None


def spoken(command: Command) -> str:
    """Say why words in chat are not exactly one command that its action accepts; empty when they are."""
    return _spoken(command.line)


def make(command: Command) -> str:
    """Say which targets the Makefile lacks; empty when it has all."""
    words = [word for word in command.words[1:] if "=" not in word]
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))
    missing = set(words) - targets
    return f"the Makefile has no target {', '.join(sorted(missing))}" if missing else ""


def python(command: Command) -> str:
    """Say why `python -m` cannot run the words; empty when it can."""
    module, words = command.words[2], command.words[3:]
    if command.program == "python":
        return "Debian has no `python`; write .venv/bin/python, or python3 for what needs no package"
    if importlib.util.find_spec(module) is None:
        return f"there is no module {module}"
    if command.program == "python3" and not _needs_no_package(module):
        return f"{module} needs packages; write .venv/bin/python"
    if module == "pytest":
        missing = [word for word in words if not word.startswith("-") and not (ROOT / word).exists()]
        return f"there is no {missing[0]}" if missing else ""
    return _parsed(PARSERS[module], words) if module in PARSERS else ""


def script(command: Command) -> str:
    """Say that neither the repository nor a sample application has a file, or that it cannot be run."""
    places = [ROOT / command.program, *sorted(ROOT.glob(f"examples/*/{command.program}"))]
    files = [path for path in places if path.is_file()]
    if not files:
        return f"there is no file {command.program}"
    is_program = files[0].read_text().startswith("#!")
    return f"{command.program} is not executable" if is_program and not os.access(files[0], os.X_OK) else ""


def sudo(command: Command) -> str:
    """Say what is wrong with what sudo runs."""
    words = [word for word in command.words[1:] if word != "-n"]
    return converge(Command(command.where, command.printed, tuple(words)))


def converge(command: Command) -> str:
    """Say what cicd-converge does not know; empty when it takes the words."""
    usage = re.search(r'usage: (.*?)"', (ROOT / "host/converge/run.sh").read_text())
    assert usage is not None
    unknown = [w for w in command.words[1:] if w.startswith("-") and w not in usage[1]]
    named = command.program.rpartition("/")[2] == "cicd-converge"
    return (
        f"cicd-converge has no {unknown[0]}" if unknown else "" if named else f"{command.program} is unknown"
    )


def unit(command: Command) -> str:
    """Say which systemd units neither product nor sample application has; empty when all are there."""
    words = [word for word in command.words[1:] if not word.startswith("-")]
    names = words[1:] if command.program == "systemctl" else words
    known = {
        path.stem
        for folder in UNITS
        for path in (ROOT / folder).iterdir()
        if path.suffix in (".service", ".timer")
    }
    missing = {re.sub(r"@.*|\.(service|timer)$", "", name) for name in names} - {k.rstrip("@") for k in known}
    return f"there is no unit {', '.join(sorted(missing))}" if missing else ""


BY_PROGRAM: dict[str, Check] = {
    "st2": st2,
    "make": make,
    "cicd-converge": converge,
    "sudo": sudo,
    "systemctl": unit,
    "journalctl": unit,
}


def _said_in_it(command: Command) -> str:
    return _spoken(command.words[3]) if command.words[1:3] == ("action-alias", "execute") else ""


def _spoken(words: str) -> str:
    found = []
    for alias in registry().all("action_alias"):
        for form in formats(alias):
            with contextlib.suppress(NoMatchError):
                found.append((alias.data["action_ref"], extract(form.representation, words)[0]))
    if len(found) != 1:
        return f"{len(found)} commands in chat fit these words"
    return _refused(found[0][0], {k: v for k, v in found[0][1].items() if v is not None})


def _refused(ref: str, parameters: dict[str, Any]) -> str:
    action = registry().find("action", ref)
    if action is None:
        return f"there is no action {ref}"
    try:
        schema.check(parameters, schema.for_parameters(registry().parameters(action)))
    except ParamError as error:
        return f"{ref} refuses it: {error}"
    return ""


def _needs_no_package(module: str) -> bool:
    argv = [sys.executable, "-S", "-c", f"import {module}"]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, check=False).returncode == 0


def _parsed(parser: Callable[[], Any], words: Iterable[str]) -> str:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser().parse_args(list(words))
    except SystemExit:
        pass  # after --help, or an error
    return said.getvalue().strip().rpartition("\n")[2]


@functools.cache
def _read_by_client() -> dict[tuple[str, ...], dict[str, Any]]:
    """Ask StackStorm's client once about every command that begins with `st2`."""
    words = sorted({command.words[1:] for command in printed() if command.program == "st2"})
    asked = json.dumps({"words": words, "actions": {a.ref: _contract(a) for a in registry().all("action")}})
    script = str(ROOT / "tests" / "printed" / "st2_words.py")
    done = subprocess.run(
        [str(CLIENT), "-W", "ignore", script], input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(words, json.loads(done.stdout), strict=True))


def _contract(action: Any) -> dict[str, Any]:
    return {
        "parameters": action.data["parameters"],
        "runner_parameters": registry().runner(action).parameters,
    }
