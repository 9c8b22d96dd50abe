"""What the packages of our services share: the program that starts one, its user, its unit."""

from __future__ import annotations

# -I: neither the environment nor the working directory says what is imported.
PROGRAM = """#!/usr/bin/python3 -I
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib/{name}"))
from {package}.__main__ import main

sys.exit(main())
"""
USER = """getent passwd {name} >/dev/null ||
    useradd --system --user-group --home-dir /nonexistent --shell /usr/sbin/nologin {name}
"""
START = """[ -d /run/systemd/system ] || exit 0
systemctl --system daemon-reload >/dev/null || true
deb-systemd-invoke restart {name}.service >/dev/null || true
"""
PRERM = """#!/bin/sh
set -e
[ "$1" = remove ] && [ -d /run/systemd/system ] || exit 0
deb-systemd-invoke stop {name}.service >/dev/null || true
"""
POSTRM = """#!/bin/sh
set -e
case "$1" in remove | purge) ;; *) exit 0 ;; esac
! command -v deb-systemd-helper >/dev/null || deb-systemd-helper "$1" {name}.service >/dev/null || true
[ "$1" != purge ] || rm -rf /var/lib/{name}
[ ! -d /run/systemd/system ] || systemctl --system daemon-reload >/dev/null || true
"""


def program(name: str, package: str) -> str:
    """Return the program *name*, which runs the Python *package* in its own folder below /usr/lib."""
    return PROGRAM.format(name=name, package=package)


def scripts(name: str, configure: str, user: str = USER) -> dict[str, str]:
    """
    Return the maintainer scripts of the service *name*, by their names.

    *configure* are the lines between those that make its *user*, none for root, and starting its unit. What
    it keeps below /var/lib stays until a purge.
    """
    start = f'#!/bin/sh\nset -e\n[ "$1" = configure ] || exit 0\n{user}'
    postinst = start.format(name=name) + configure + START.format(name=name)
    return {"postinst": postinst, "prerm": PRERM.format(name=name), "postrm": POSTRM.format(name=name)}
