"""What is wrong with the content of a project's hooks and unit, as far as the commit shows it. Pure."""

from __future__ import annotations

import re
from typing import Callable, Iterator, Sequence

from cicd.sanitize import one_line

ELF = b"\x7fELF"
SHELLS = ("sh", "dash", "bash")
# What dpkg finds on every Debian host, before any dependency is there.
ESSENTIAL = (*SHELLS, "perl")
# Which word of `depends` brings an interpreter that not every host has.
PACKAGES = {
    "python": "python-is-python3",
    "python3": "python3",
    "ruby": "ruby",
    "node": "nodejs",
    "nodejs": "nodejs",
    "php": "php",
    "zsh": "zsh",
    "ksh": "ksh",
    "fish": "fish",
}


def hook_problems(name: str, path: str, content: bytes, prefix: str, depends: Sequence[str]) -> list[str]:
    """Return what keeps the hook *name*, the file *path* with *content*, from running on a new host."""
    if content.startswith(ELF):
        return []
    if not content.startswith(b"#!"):
        return [f"{path} line 1: a hook begins with #! and its interpreter, as in #!/bin/sh"]
    first = content.split(b"\n")[0].decode("utf-8", errors="replace")
    found = [_carriage_return(path, content, first), _nul(path, content)]
    said = _interpreter_problem(name, first.rstrip("\r")[2:].strip(), prefix, depends)
    return [problem for problem in (*found, said and f"{path} line 1: {said}") if problem]


def unit_problems(path: str, content: bytes, may_be_named: Callable[[str], bool]) -> list[str]:
    """
    Return why systemd would not load the unit *path* with *content*, or not as what it should be.

    *may_be_named* says whether the project may bring a unit of a name: `Alias` is one too.
    """
    settings = list(_settings(content.decode("utf-8", errors="replace")))
    service = [(line, key, value) for line, section, key, value in settings if section == "Service"]
    aliases = [
        f"{path} line {line}: `Alias` is {one_line(name, 60)}, which is not a name of this project"
        for line, section, key, value in settings
        if (section, key) == ("Install", "Alias")
        for name in value.split()
        if not may_be_named(name)
    ]
    return aliases + [f"{path} {said}" for said in _service_problems(service)]


def _carriage_return(path: str, content: bytes, first: str) -> str:
    is_shell = any(f"/{shell}" in first or f" {shell}" in first for shell in SHELLS)
    lines = content.split(b"\n") if is_shell else [first.encode()]
    at = next((number for number, line in enumerate(lines, 1) if line.endswith(b"\r")), 0)
    return f"{path} line {at} ends in CR LF: save the file with LF alone" if at else ""


def _nul(path: str, content: bytes) -> str:
    at = content.find(b"\0")
    return f"{path} line {content[:at].count(10) + 1} has a NUL byte" if at >= 0 else ""


def _interpreter_problem(name: str, command: str, prefix: str, depends: Sequence[str]) -> str:
    interpreter, _, argument = command.partition(" ")
    if not interpreter.startswith("/"):
        return f"the interpreter {one_line(interpreter, 60)!r} is not an absolute path"
    folder, _, program = interpreter.rpartition("/")
    if program == "env":
        argument = argument.strip()
        if " " in argument and not argument.startswith("-S"):
            return f"env takes {one_line(argument, 60)!r} for one name; write env -S"
        words = [word for word in argument.split() if word != "-S" and "=" not in word]
        program = words[0] if words else ""
        if not program:
            return "env has no name of an interpreter"
    elif folder not in ("/bin", "/usr/bin"):
        return _elsewhere(name, interpreter, prefix)
    return _missing_package(name, program, depends)


def _elsewhere(name: str, interpreter: str, prefix: str) -> str:
    if interpreter.startswith(f"{prefix}/") and name not in ("after_install", "before_remove"):
        return f"{interpreter} is a file of the package, which is not there when `{name}` runs"
    is_usual = interpreter.split("/")[1] in ("sbin", "usr", "opt", "srv", "var", "etc", "home")
    return "" if is_usual else f"no package brings {one_line(interpreter, 60)}"


def _missing_package(name: str, program: str, depends: Sequence[str]) -> str:
    program = re.sub(r"^python3\.[0-9]+$", "python3", program)
    if program in ESSENTIAL or program not in PACKAGES:
        return ""
    if name == "before_install":
        return f"{program} may not be there yet when `before_install` runs: write it in sh, bash or perl"
    if any(PACKAGES[program] in item for item in depends):
        return ""
    return f'not every host has {program}: add "{PACKAGES[program]}" to `depends`'


def _settings(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield line, section, key and value of each setting of a unit."""
    section, before = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(("#", ";")):
            continue
        line, before = before + line, ""
        if line.endswith("\\"):
            before = f"{line[:-1]} "
        elif line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        else:
            key, _, value = line.partition("=")
            yield number, section, key.strip(), value.strip()


def _service_problems(service: Sequence[tuple[int, str, str]]) -> Iterator[str]:
    last = {key: value for _, key, value in service}
    is_oneshot = last.get("Type") == "oneshot"
    commands: list[tuple[int, str]] = []
    for line, key, value in service:
        if key == "ExecStart":
            commands = [*commands, (line, value)] if value else []
    stays = "ExecStop" in last and last.get("RemainAfterExit") in ("yes", "true", "on", "1")
    if not commands and not (is_oneshot and (stays or "SuccessAction" in last)):
        yield "line 1: [Service] has no ExecStart"
    if len(commands) > 1 and not is_oneshot:
        yield f"line {commands[1][0]}: a second ExecStart, which only Type=oneshot may have"
    for line, value in commands:
        program = value.lstrip("@-:+!|").split(" ")[0]
        if "/" in program and not program.startswith(("/", "%", '"', "'", "$")):
            yield f"line {line}: ExecStart runs {one_line(program, 60)}, which is not an absolute path"
    if is_oneshot and last.get("Restart") in ("always", "on-success"):
        yield f"line 1: Restart={last['Restart']} is not for Type=oneshot"
