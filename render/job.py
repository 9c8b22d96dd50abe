"""One file to be made: of which template, for whom, and what is run before and after it takes its place."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from follow.errors import FollowError
from follow.files import Access
from render.words import trusted

FILE = "{file}"  # what stands for the new file in a check
KEYS = {"template", "destination", "check", "apply", "owner", "group", "mode", "quiet_seconds", "vars"}
LONGEST_QUIET = 600
ROOTS = Access(0, 0)


class Vars(dict[str, object]):
    """Values by name; one that is not given is None, so a template can have `vars.bind or ":80"`."""

    def __missing__(self, name: str) -> None:
        return None


@dataclass(frozen=True)
class Job:
    """A file of render.d; `vars` are its own values, which a template may print as they are."""

    template: str
    destination: Path
    check: Sequence[str] = ()
    apply: Sequence[str] = ()
    access: Access = ROOTS
    quiet_seconds: float = 1.0
    vars: Mapping[str, object] = field(default_factory=Vars)


def parse(given: object) -> Job:
    """Return what *given* says, as YAML has it; FollowError names the key that is wrong."""
    if not isinstance(given, dict):
        raise FollowError("it is not a mapping of keys to values")
    unknown = sorted(str(key) for key in given if key not in KEYS)
    if unknown:
        raise FollowError(f"`{unknown[0]:.40}` is not a key; the keys are {', '.join(sorted(KEYS))}")
    return Job(
        template=_template(given),
        destination=_destination(given),
        check=_check(given),
        apply=_words(given, "apply"),
        access=Access(_user(given), _group(given), _mode(given)),
        quiet_seconds=_quiet(given),
        vars=_vars(given),
    )


def _template(given: Mapping[str, object]) -> str:
    template = given.get("template")
    if isinstance(template, str) and (template.startswith("/") or re.fullmatch(r"[A-Za-z0-9._-]+", template)):
        return template
    raise FollowError("`template` is neither a path from / nor the name of a template that cicd-render has")


def _destination(given: Mapping[str, object]) -> Path:
    destination = given.get("destination")
    if isinstance(destination, str) and Path(destination).is_absolute():
        return Path(destination)
    raise FollowError("`destination` is not a path from /")


def _check(given: Mapping[str, object]) -> Sequence[str]:
    words = _words(given, "check")
    if words and not any(FILE in word for word in words):
        raise FollowError(f"`check` has no word with {FILE}, which stands for the new file")
    return words


def _words(given: Mapping[str, object], key: str) -> Sequence[str]:
    words = given.get(key) or []
    if isinstance(words, list) and all(isinstance(word, str) and "\0" not in word for word in words):
        return tuple(words)
    raise FollowError(f'`{key}` is not a list of words, such as ["systemctl", "reload", "haproxy"]')


def _user(given: Mapping[str, object]) -> int:
    try:
        return pwd.getpwnam(str(given.get("owner", "root"))).pw_uid
    except KeyError:
        raise FollowError(f"`owner`: this host has no user {given['owner']!r:.40}") from None


def _group(given: Mapping[str, object]) -> int:
    try:
        return grp.getgrnam(str(given.get("group", "root"))).gr_gid
    except KeyError:
        raise FollowError(f"`group`: this host has no group {given['group']!r:.40}") from None


def _mode(given: Mapping[str, object]) -> int:
    mode = given.get("mode", "0644")
    if isinstance(mode, str) and re.fullmatch(r"0?[0-7]{3}", mode):
        return int(mode, 8)
    raise FollowError('`mode` is not one; write it in quotes, such as "0640"')


def _quiet(given: Mapping[str, object]) -> float:
    seconds = given.get("quiet_seconds", 1)
    if type(seconds) in (int, float) and 0 <= float(str(seconds)) <= LONGEST_QUIET:
        return float(str(seconds))
    raise FollowError(f"`quiet_seconds` is not a number from 0 to {LONGEST_QUIET}")


def _vars(given: Mapping[str, object]) -> Mapping[str, object]:
    values = trusted(given.get("vars") or {})
    if isinstance(values, dict):
        return Vars(values)
    raise FollowError("`vars` is not a mapping of names to values")
