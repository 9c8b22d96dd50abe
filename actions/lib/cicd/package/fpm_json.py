"""The fields of fpm.json: what each may be, what is wrong with a file, and its JSON schema. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping

from cicd.release.version import UPSTREAM
from cicd.sanitize import one_line

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"
ABSOLUTE_PATH = r"/(?!/|.*(?:^|/)\.\.?(?:/|$)|.*//)[A-Za-z0-9._+@/-]*[A-Za-z0-9._+@-]"
RELATIVE_PATH = r"(?!.*(?:^|/)\.\.?(?:/|$)|.*//)[A-Za-z0-9._+@-][A-Za-z0-9._+@/-]*"
UNIT_PATH = r"(?!.*(?:^|/)\.\.?(?:/|$)|.*//)[A-Za-z0-9._+@-][A-Za-z0-9._+@/-]*\.service"
DEPENDENCY = r"[a-z0-9][a-z0-9.+-]*(?::[a-z0-9-]+)?(?: ?\((?:<<|<=|=|>=|>>) ?[A-Za-z0-9.+:~-]+\))?"
RPM_DEPENDENCY = r"[A-Za-z0-9_][A-Za-z0-9._+-]*(?: (?:<|<=|=|>=|>) [A-Za-z0-9._+:~^-]+)?"
ABSOLUTE = "an absolute path of letters, digits and . _ + @ - without .."
RELATIVE = "a path in the repository of letters, digits and . _ + @ - without .."


@dataclass(frozen=True)
class Field:
    """One field: its *pattern* as a whole, what it must be in words, an example, and whether it is a list."""

    pattern: str
    must_be: str
    example: str
    is_list: bool = False
    meaning: str = ""


FIELDS = {
    "name": Field(
        r"[a-z0-9][a-z0-9.+-]+",
        "at least two of lower case letters, digits and . + -, beginning with a letter or digit",
        "greeter",
        meaning="Debian package name; the project's name when missing.",
    ),
    "version": Field(
        UPSTREAM.pattern,
        "digits, letters and . + ~, beginning with a digit",
        "1.4.0",
        meaning="Upstream version; the pipeline adds the number of commits and the commit.",
    ),
    "description": Field(r"[\s\S]*\S[\s\S]*", "a text", "Greets people.", meaning="What the application is."),
    "maintainer": Field(
        r"[^$\x00-\x1f{}%]{1,200}",
        "one line of at most 200 characters without $ { } %",
        "Ann <ann@example.com>",
        meaning="Who answers for the package.",
    ),
    "license": Field(
        r"[A-Za-z0-9.+() -]{1,100}", "an SPDX expression", "Apache-2.0", meaning="SPDX license expression."
    ),
    "architecture": Field(
        r"all|amd64|arm64|armhf|i386|ppc64el|riscv64|s390x",
        "a Debian architecture",
        "all",
        meaning="Debian architecture; all when missing.",
    ),
    "prefix": Field(
        ABSOLUTE_PATH, ABSOLUTE, "/opt/greeter", meaning="Directory of the application; /opt/<project>."
    ),
    "user": Field(
        r"[a-z_][a-z0-9_-]{0,31}",
        "a user name of lower case letters, digits, _ and -",
        "greeter",
        meaning="System user that is made at installation and owns `directories`.",
    ),
    "unit": Field(
        UNIT_PATH,
        f"{RELATIVE}, ending in .service",
        "greeter.service",
        meaning="systemd unit in the repository; enabled and restarted on every installation.",
    ),
    "before_install": Field(
        RELATIVE_PATH,
        RELATIVE,
        "script/pre-inst",
        meaning="Executable that runs before a version's files arrive: at installation, upgrade, rollback.",
    ),
    "after_install": Field(
        RELATIVE_PATH,
        RELATIVE,
        "script/post-inst",
        meaning="Executable that runs after every installation, upgrade and rollback.",
    ),
    "before_remove": Field(
        RELATIVE_PATH,
        RELATIVE,
        "script/pre-rm",
        meaning="Executable that runs before a removal, never at an upgrade.",
    ),
    "after_remove": Field(
        RELATIVE_PATH,
        RELATIVE,
        "script/post-rm",
        meaning="Executable that runs after a removal, never at an upgrade; settings are still there.",
    ),
    "after_purge": Field(
        RELATIVE_PATH,
        RELATIVE,
        "script/purge",
        meaning="Executable that runs after a purge: the place to delete data.",
    ),
    "depends": Field(
        rf"{DEPENDENCY}(?: ?\| ?{DEPENDENCY})*",
        "a Debian dependency",
        "libc6 (>= 2.36)",
        True,
        "Debian packages that must be installed.",
    ),
    "rpm_depends": Field(
        RPM_DEPENDENCY, "an RPM dependency", "python3 >= 3.9", True, "The same for an RPM, in its own words."
    ),
    "directories": Field(
        ABSOLUTE_PATH, ABSOLUTE, "/var/lib/greeter", True, "Directories that are made at installation."
    ),
    "conffiles": Field(
        ABSOLUTE_PATH,
        ABSOLUTE,
        "/opt/greeter/greeter.conf",
        True,
        "Files of the package in which an operator's changes survive an upgrade.",
    ),
}
REQUIRED = ("version", "description")
LISTS = tuple(name for name, field in FIELDS.items() if field.is_list)


def parse(text: str | None) -> tuple[dict[str, Any], list[str]]:
    """
    Return the values of the fpm.json *text* and every problem with it, each with its line.

    None means that there is no such file. Values that have a problem are left out.
    """
    if text is None:
        return {}, ["fpm.json is missing: add it with at least `version` and `description`"]
    twice: list[str] = []
    try:
        values = json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, twice))
    except ValueError as error:
        where = getattr(error, "lineno", 1)
        return {}, [f"fpm.json line {where} is not JSON: {one_line(getattr(error, 'msg', str(error)), 100)}"]
    except RecursionError:
        return {}, ["fpm.json is nested too deeply: it is one object of texts and lists of texts"]
    if not isinstance(values, dict):
        return {}, ['fpm.json must be an object, such as {"version": "1.0.0", "description": "…"}']
    return _checked(text, values, twice)


def schema() -> dict[str, Any]:
    """Return the JSON schema of fpm.json, as docs/fpm.schema.json publishes it."""
    return {
        "$schema": SCHEMA_ID,
        "title": "fpm.json",
        "description": "What the package of a project is; see docs/project.md.",
        "type": "object",
        "required": list(REQUIRED),
        "additionalProperties": False,
        "properties": {name: _property(field) for name, field in FIELDS.items()},
    }


def _property(field: Field) -> dict[str, Any]:
    text = {"type": "string", "pattern": f"^(?:{field.pattern})$"}
    if field.is_list:
        example: Any = [field.example]
        return {
            "description": field.meaning,
            "type": "array",
            "items": {**text, "description": f"Must be {field.must_be}."},
            "examples": [example],
        }
    return {"description": f"{field.meaning} Must be {field.must_be}.", **text, "examples": [field.example]}


def _object(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice += sorted({name for name in names if names.count(name) > 1})
    return dict(pairs)


def _checked(text: str, values: Mapping[str, Any], twice: list[str]) -> tuple[dict[str, Any], list[str]]:
    found = {key: _problem(key, value) for key, value in values.items()}
    problems = [f"fpm.json line {line_of(text, key)}: {said}" for key, said in found.items() if said]
    problems += [f"fpm.json has `{one_line(key, 40)}` twice: keep one" for key in twice]
    problems += [
        f"fpm.json has no `{key}`: add it, such as {json.dumps(FIELDS[key].example)}"
        for key in REQUIRED
        if key not in values
    ]
    return {key: value for key, value in values.items() if not found[key]}, problems


def _problem(key: str, value: object) -> str:
    field = FIELDS.get(key)
    if field is None:
        return f"`{one_line(key, 40)}` is not known; known are {', '.join(sorted(FIELDS))}"
    items = value if field.is_list and isinstance(value, list) else [value]
    if isinstance(value, list) == field.is_list and all(_fits(field, item) for item in items):
        return ""
    what = f"a list, each item of it {field.must_be}" if field.is_list else field.must_be
    example = json.dumps([field.example] if field.is_list else field.example)
    return f"`{key}` must be {what}, such as {example}"


def _fits(field: Field, value: object) -> bool:
    if not isinstance(value, str) or not re.fullmatch(field.pattern, value):
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def line_of(text: str, key: str) -> int:
    """Return the line of the field *key* in the fpm.json *text*; the first one when it is not found."""
    found = re.search(rf"{re.escape(json.dumps(key))}\s*:", text)
    return text[: found.start()].count("\n") + 1 if found else 1
