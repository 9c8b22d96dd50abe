"""
The maintainer scripts of a package: what runs on a host when it is installed or removed. Runs nothing.

Each is a few settings, by `_settings`, and the text of files in `maintainer`, which says what the script
does. dpkg's first argument says what happens to the package; RPM's number is translated to the same words.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Iterable, Mapping, Sequence

from cicd.package.declared import EMBEDDED_HOOKS
from cicd.package.metadata import Metadata
from cicd.package.unit import Unit

SYSUSERS, TMPFILES = "/usr/lib/sysusers.d/", "/usr/lib/tmpfiles.d/"
TEXTS = Path(__file__).with_name("maintainer")
PARTS = {
    "preinst": ("run", "old_hooks", "links", "units", "preinst"),
    "postinst": ("links", "units", "postinst"),
    "prerm": ("units", "prerm"),
    "postrm": ("run", "links", "units", "postrm"),
}
LEAVES = 'upgrade; [ "$1" != 0 ] || action=remove'
RPM_ACTIONS = {"preinst": "install", "postinst": "configure", "prerm": LEAVES, "postrm": LEAVES}


def maintainer_scripts(meta: Metadata) -> dict[str, str]:
    """Return the four scripts of a .deb and those of an .rpm, which begin with `rpm-`, by name."""
    debian = {name: _script(meta, name, "deb", "$1") for name in PARTS}
    return {**debian, **{f"rpm-{name}": _script(meta, name, "rpm", RPM_ACTIONS[name]) for name in PARTS}}


def hooks(meta: Metadata) -> dict[str, str]:
    """Return the path in the repository of each hook that the build embeds in a script, by name."""
    return {name: path for name, path in ((n, getattr(meta, n)) for n in EMBEDDED_HOOKS) if path}


def _units(meta: Metadata) -> dict[str, list[str]]:
    """Return names of units by what is done to them, in the order in which they start and stop."""
    sockets = [one for one in meta.units if one.kind == "socket" and one.on_upgrade == "restart"]
    behind = [one for one in meta.units if one.file in {socket.activates for socket in sockets}]
    restarted = [one for one in meta.units if one.on_upgrade == "restart" or one in behind]
    return {
        "units": _names(meta.units),
        "enabled": _names(one for one in meta.units if one.enable),
        "started": _names(one for one in meta.units if one.start),
        "restarted": _names(restarted),
        "reloaded": _names(one for one in meta.units if one.on_upgrade == "reload"),
        "stopped": _names([*sockets, *behind]),
        "lasting": _names(one for one in meta.units if one.start and one.lasts),
    }


def _names(units: Iterable[Unit]) -> list[str]:
    return [name for one in units for name in one.names]


def _below(meta: Metadata, folder: str) -> list[str]:
    return [file.path for file in meta.files if file.path.startswith(folder)]


def _words(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {key: f"'{' '.join(words)}'" for key, words in values.items()}


def _script(meta: Metadata, name: str, form: str, action: str) -> str:
    head = f"#!/bin/sh\n# cicd: {name} of {meta.name}; docs/project.md says when each hook runs\nset -eu\n"
    return "".join([head, _settings(meta), f"format={form} action={action}\n", *map(_text, PARTS[name])])


@lru_cache(maxsize=None)
def _text(part: str) -> str:
    return (TEXTS / f"{part}.sh").read_text(encoding="utf-8")


def _settings(meta: Metadata) -> str:
    values = {
        "package": meta.name,
        "info": "${DPKG_ADMINDIR:-/var/lib/dpkg}/info",
        "prefix": meta.prefix,
        "user": meta.user,
        **_words(_units(meta)),
        **_words({"directories": meta.directories, "sysusers": _below(meta, SYSUSERS)}),
        **_words({"tmpfiles": _below(meta, TMPFILES)}),
        "before_install": meta.before_install,
        "after_install": meta.hook,
        "before_remove": meta.before_remove,
        "after_remove": meta.after_remove,
        "after_purge": meta.after_purge,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())
