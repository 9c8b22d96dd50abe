"""
The maintainer scripts of a package: what runs on a host when it is installed or removed. Runs nothing.

Each is a few settings, by `_settings`, and the text of files in `maintainer`, which says what the script
does. dpkg's first argument says what happens to the package; RPM's number is translated to the same words.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cicd.package.metadata import EMBEDDED_HOOKS, Metadata

TEXTS = Path(__file__).with_name("maintainer")
PARTS = {
    "preinst": ("run", "old_hooks", "links", "preinst"),
    "postinst": ("links", "postinst"),
    "prerm": ("prerm",),
    "postrm": ("run", "links", "postrm"),
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


def unit_name(meta: Metadata) -> str:
    """Return the name of the project's systemd unit."""
    return meta.unit.rpartition("/")[2]


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
        "unit": unit_name(meta),
        "directories": f"'{' '.join(meta.directories)}'",
        "before_install": meta.before_install,
        "after_install": meta.hook,
        "before_remove": meta.before_remove,
        "after_remove": meta.after_remove,
        "after_purge": meta.after_purge,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())
