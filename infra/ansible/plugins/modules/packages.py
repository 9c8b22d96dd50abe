"""Install Debian packages; unlike ansible.builtin.apt also without python3-apt, and in check mode."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: packages
short_description: installs Debian packages, some in exactly the version that is named
options:
  names: {description: names of packages, type: list, elements: str, required: true}
  versions: {description: the version of each name that has one, type: dict, default: {}}
"""
# dpkg asks nobody: a file that was edited, or written before the package came, stays.
INSTALL = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "--allow-downgrades"]
INSTALL += ["-o", "DPkg::Options::=--force-confdef", "-o", "DPkg::Options::=--force-confold"]
INSTALL += ["-o", "DPkg::Lock::Timeout=60"]
UPDATE = ["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any"]
STATE = "${db:Status-Status} ${Version}"


def main() -> None:
    """Install what of `names` is missing, or there in another version."""
    options = {
        "names": {"type": "list", "elements": "str", "required": True},
        "versions": {"type": "dict", "default": {}},
    }
    module = AnsibleModule(options, supports_check_mode=True)
    versions: dict[str, str] = module.params["versions"]
    found = {name: installed(module, name) for name in module.params["names"]}
    wanted = {name: versions.get(name, "") for name in found}
    lacking = [name for name in found if not found[name] or wanted[name] not in ("", found[name])]
    if lacking and not module.check_mode:
        install(module, [f"{name}={wanted[name]}" if wanted[name] else name for name in lacking])
    module.exit_json(changed=bool(lacking), diff=difference(lacking, found, wanted))


def installed(module: Any, name: str) -> str:
    """Return the version of *name* that is installed; empty when none is."""
    _, said, _ = module.run_command(["dpkg-query", "-W", "-f", STATE, name])
    state, _, version = said.partition(" ")
    return version if state == "installed" else ""


def install(module: Any, packages: list[str]) -> None:
    """Install *packages*, with fresh lists where apt does not know them or cannot fetch them."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    code, _, _ = module.run_command([*INSTALL, *packages], environ_update=environment)
    if code != 0:
        module.run_command(UPDATE, environ_update=environment, check_rc=True)
        module.run_command([*INSTALL, *packages], environ_update=environment, check_rc=True)


def difference(lacking: list[str], found: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """Return what `--diff` shows."""
    return {
        "before": "".join(f"{name} {found[name]}\n" for name in lacking if found[name]),
        "after": "".join(f"{name} {wanted[name]}".rstrip() + "\n" for name in lacking),
    }


if __name__ == "__main__":
    main()
