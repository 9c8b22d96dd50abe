"""Refuse packages that the repository publishes with other bytes: hosts would keep those without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: published
short_description: fails where a package has the name and version of a published one, and other bytes
options:
  checksums: {description: the SHA-256 of each package by the file's name, type: dict, required: true}
  folder: {description: name of the packages' folder for messages, type: str, required: true}
  indexes: {description: the folder of the published component, type: path, required: true}
"""
REFUSAL = (
    "{file} is not the {name} {version} that this repository publishes, but has its name and version. "
    "Hosts would keep what they have. Give it a higher version (build it from a release), "
    "or remove {version} from the repository first: docs/machines.md says how."
)


def main() -> None:
    """Compare what is to be published with what is; a module changes nothing by that."""
    options = {
        "checksums": {"type": "dict", "required": True},
        "folder": {"type": "str", "required": True},
        "indexes": {"type": "path", "required": True},
    }
    module = AnsibleModule(options, supports_check_mode=True)
    refused = list(refusals(module.params["checksums"], module.params["folder"], module.params["indexes"]))
    if refused:
        module.fail_json(msg=" ".join(refused))
    module.exit_json(changed=False)


def refusals(checksums: dict[str, str], folder: str, indexes: str) -> Iterator[str]:
    """Yield what is wrong with each package that differs from the published one."""
    known = {file_name(package): package for package in published(Path(indexes))}
    for name in sorted(checksums.keys() & known.keys()):
        package = known[name]
        if package["SHA256"] != checksums[name]:
            yield REFUSAL.format(file=f"{folder}/{name}", name=package["Package"], version=package["Version"])


def published(indexes: Path) -> Iterator[dict[str, str]]:
    """Yield the fields of each package that is published; none before the first publish."""
    for index in sorted(indexes.glob("binary-*/Packages")):
        for paragraph in index.read_text(encoding="utf-8").split("\n\n"):
            lines = [line.partition(": ") for line in paragraph.splitlines() if not line.startswith(" ")]
            if lines:
                yield {name: value for name, _, value in lines}


def file_name(package: dict[str, str]) -> str:
    """Return how a file of *package* is named: an epoch is in no name."""
    version = package["Version"].partition(":")[2] or package["Version"]
    return f"{package['Package']}_{version}_{package['Architecture']}.deb"


if __name__ == "__main__":
    main()
