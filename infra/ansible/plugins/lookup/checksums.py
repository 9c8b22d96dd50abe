"""What is in a folder's packages, before one of them is sent anywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = """
name: checksums
short_description: the SHA-256 of each package of a folder, by the file's name
options:
  _terms: {description: folders on the machine that runs Ansible, required: true}
"""


class LookupModule(LookupBase):  # type: ignore[misc]
    """What `query('cicd.hosts.checksums', folder)` returns."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        return [checksums(Path(folder)) for folder in terms]


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each package in *folder*, by the file's name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.deb"))}
