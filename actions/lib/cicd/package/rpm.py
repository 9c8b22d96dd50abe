"""What an RPM says of other packages, by the same fields as a .deb, and what it cannot say. Pure."""

from __future__ import annotations

import re
from typing import Iterator

from cicd.errors import ProjectError
from cicd.package.fields import PACKAGE
from cicd.package.metadata import Metadata

RELATIONS = ("provides", "conflicts", "replaces", "recommends", "suggests")
MISSING = {
    "pre_depends": "name it in `depends` and `rpm_depends`",
    "breaks": "name it in `conflicts`",
}
SIGNS = {"<<": "<", ">>": ">"}
VERSION = r"(?:\d+:)?[A-Za-z0-9.+~]+(?:-[A-Za-z0-9.+~]+)?"
RELATION = re.compile(rf"({PACKAGE})(?: ?\((<<|<=|=|>=|>>) ?({VERSION})\))?")


def relations(meta: Metadata) -> dict[str, list[str]]:
    """Return what an RPM of *meta* names of other packages, by the field of fpm.json, in RPM's words."""
    named = {key: [in_words(said) for said in getattr(meta, key)] for key in RELATIONS}
    return {key: words for key, words in named.items() if words}


def in_words(said: str) -> str:
    """Return the Debian relation *said* as RPM writes it: `greeter < 2` for `greeter (<< 2)`."""
    found = RELATION.fullmatch(said)
    if not found or not found[2]:
        return said
    return f"{found[1]} {SIGNS.get(found[2], found[2])} {found[3]}"


def refuse_unsayable(project: str, commit: str, meta: Metadata) -> None:
    """Raise ProjectError when *meta*, of *project* at *commit*, says what no RPM can."""
    problems = list(unsayable(meta))
    if problems:
        raise ProjectError(
            f"{project} at {commit[:7]} says what an RPM cannot, and package.formats wants one: "
            f"{'; '.join(problems)}.",
            "Correct fpm.json and push again, or take rpm out of package.formats in the configuration.",
            problems=problems,
        )


def unsayable(meta: Metadata) -> Iterator[str]:
    """Yield each field of *meta* that an RPM has not, and each relation that it cannot express."""
    for key, instead in MISSING.items():
        if names := getattr(meta, key):
            yield f"`{key}` names {names[0]}, and an RPM has no such field: {instead}"
    for key in RELATIONS:
        for said in getattr(meta, key):
            if not RELATION.fullmatch(said):
                yield f"`{key}` names {said}: take one package, no architecture, a version with at most one -"
