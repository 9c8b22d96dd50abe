"""What is wrong with the content of a project's hooks, as far as the commit shows it. Pure."""

from __future__ import annotations

import re
from typing import Sequence

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


def environment_problems(path: str, content: bytes) -> list[str]:
    """Return the lines of the file *path* with *content* that systemd would not read as variables."""
    lines = enumerate(content.decode("utf-8", errors="replace").splitlines(), 1)
    return [
        f"{path} line {number}: write NAME=value, or begin a comment with #"
        for number, line in lines
        if line.strip() and not re.match(r"\s*(?:[#;]|[A-Za-z_][A-Za-z0-9_]*=)", line)
    ]


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
