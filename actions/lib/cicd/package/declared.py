"""What a commit declares: the values of fpm.json, beside what it has of the files that they name. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Iterator, List, Mapping, Tuple

from cicd.package import files
from cicd.package.fields import INHERITED
from cicd.package.files import File
from cicd.package.shape import Where

SCRIPTS = {
    "script/cisetup": "it prepares the tests",
    "script/cibuild": "it runs the tests",
}
HOOKS = ("script/post-inst", "script/post-install")
BUILD = "script/build"
# The package's files are not there when these run.
EMBEDDED_HOOKS = ("before_install", "after_remove", "after_purge")
NAMED_SCRIPTS = (*EMBEDDED_HOOKS, "after_install", "before_remove")
FILE = ("executable", "not executable")


@dataclass(frozen=True)
class Declared:
    """
    The *values* of fpm.json for the package *name*, and *states* as `metadata.read` is told them.

    *where* its values stand in fpm.json: nowhere but at the top for the first package of a release.
    """

    project: str
    name: str
    values: Mapping[str, Any]
    states: Mapping[str, str]
    where: Where = ()

    @property
    def packages(self) -> List[Declared]:
        """All packages of the release, each with what it inherits; this one is the first."""
        inherited = {key: self.values[key] for key in INHERITED if key in self.values}
        usual = {**inherited, "exclude": ["*"]}
        more = enumerate(self.values.get("packages", ()))
        return [
            self,
            *(
                Declared(self.project, said["name"], {**usual, **said}, self.states, ("packages", number))
                for number, said in more
            ),
        ]

    @property
    def is_installed(self) -> bool:
        """Whether the project's hosts install it."""
        return bool(self.values.get("install", True))

    @property
    def prefix(self) -> str:
        """Directory of the application."""
        return str(self.values.get("prefix") or f"/opt/{self.name if self.where else self.project}")

    @property
    def hook(self) -> str:
        """Path of the script that runs after every installation; only the first package must have one."""
        present = [hook for hook in HOOKS if self.state(hook) != "missing"]
        usual = "" if self.where else [*present, HOOKS[0]][0]
        return str(self.values.get("after_install") or usual)

    @property
    def build(self) -> str:
        """Path of the executable that makes what is packaged; empty for none."""
        present = self.state(BUILD) != "missing" and not self.artifact
        return str(self.values.get("build") or (BUILD if present else ""))

    @property
    def artifact(self) -> str:
        """What of CI's archive is packaged; empty for nothing."""
        return str(self.values.get("artifact", ""))

    @property
    def architectures(self) -> Tuple[str, ...]:
        """Architectures for each of which the release is built; empty for one build on any host."""
        return tuple(dict.fromkeys(self.values.get("architectures", ())))

    @property
    def architecture(self) -> str:
        """Architecture of the package; of a release that is built for several the first one, or all."""
        return str(self.values.get("architecture") or next(iter(self.architectures), "all"))

    @property
    def entries(self) -> list[File]:
        """The entries of `files`."""
        return [files.read(said) for said in self.values.get("files", ())]

    def units(self) -> Iterator[tuple[Where, dict[str, Any]]]:
        """Yield where each unit is named, and what is said of it; `unit` always starts and restarts."""
        if "unit" in self.values:
            yield ("unit",), {"path": self.values["unit"], "start": True, "on_upgrade": "restart"}
        yield from ((("units", number), said) for number, said in enumerate(self.values.get("units", ())))

    def state(self, path: str) -> str:
        """What *path* is in the commit: `executable`, `missing` and so on."""
        return self.states.get(path, "missing")

    def content(self, path: str) -> bytes:
        """Content of the file *path* in the commit, empty when it is none."""
        return self.decoded(f"content:{path}")

    def decoded(self, key: str) -> bytes:
        """What `states` has in base64."""
        return base64.b64decode(self.states.get(key, ""))

    def inside(self, key: str) -> dict[str, str]:
        """Return the paths in the repository of what *key* names below the prefix, by full path."""
        below = self.prefix.rstrip("/") + "/"
        named = self.values.get(key, ())
        return {path: path[len(below) :] for path in named if path.startswith(below)}
