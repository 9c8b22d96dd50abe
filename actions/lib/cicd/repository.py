"""The APT repository, read over HTTP as its clients read it."""

from __future__ import annotations

import gzip
import re
import time
from typing import Any, Iterator, Mapping

import requests
from requests.structures import CaseInsensitiveDict

from cicd.config import Settings
from cicd.errors import RepositoryError
from cicd.release import Build

TIMEOUT_SECONDS = 20
PUBLISH_LIMIT_SECONDS = 20


class Repository:
    """What clients see of the repository."""

    def __init__(self, settings: Settings) -> None:
        self._section = settings.repository
        self._url = str(settings.repository["url"]).rstrip("/")

    def find(self, package: str, version: str) -> Mapping[str, str] | None:
        """Return the index entry of *package* at *version*, fields by name, or None."""
        for entry in self._entries():
            if entry.get("Package") == package and entry.get("Version") == version:
                return entry
        return None

    def build(self, package: str, version: str) -> Build:
        """Return the published build of *package* at *version*, or raise RepositoryError."""
        entry = self.find(package, version)
        if entry is None:
            raise RepositoryError(
                f"{package} {version} is not in the repository {self._url}.",
                "Publish it first, or name a version that `apt-cache madison` lists.",
            )
        return Build(
            version=version,
            package=package,
            commit=entry.get("X-Git-Commit", ""),
            sha256=entry["SHA256"],
            trace=entry.get("X-CICD-Trace", ""),
        )

    def wait_for(self, package: str, version: str, sha256: str) -> str:
        """
        Return the package's URL once a client can fetch *version* with exactly *sha256*.

        A client may look between two publishes, so a mismatch is tried again for a while.
        """
        deadline = time.monotonic() + PUBLISH_LIMIT_SECONDS
        while True:
            entry = self.find(package, version)
            if entry and entry.get("SHA256") == sha256:
                url = f"{self._url}/{entry['Filename']}"
                if self._get(url, method="HEAD").ok:
                    return url
            if time.monotonic() > deadline:
                raise self._never_appeared(package, version, sha256, entry)
            time.sleep(0.5)

    def _never_appeared(
        self, package: str, version: str, sha256: str, entry: Mapping[str, str] | None
    ) -> RepositoryError:
        seen = f"with other content (sha256 {entry.get('SHA256', '')[:12]}…)" if entry else "not at all"
        return RepositoryError(
            f"{package} {version} (sha256 {sha256[:12]}…) was published, but clients see it {seen}.",
            f"Check what serves {self._url}; the canary was not touched.",
        )

    def _entries(self) -> Iterator[Mapping[str, str]]:
        base = f"{self._url}/dists/{self._section['distribution']}/{self._section['component']}"
        for architecture in self._section["architectures"]:
            response = self._get(f"{base}/binary-{architecture}/Packages.gz")
            if response.ok:
                yield from _stanzas(gzip.decompress(response.content).decode())

    def _get(self, url: str, method: str = "GET") -> Any:
        try:
            return requests.request(method, url, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise RepositoryError(
                f"The repository {self._url} does not answer ({type(error).__name__}).",
                "Start what serves it, or correct `repository.url` in the configuration.",
            ) from None


def _stanzas(index: str) -> Iterator[Mapping[str, str]]:
    for stanza in re.split(r"\n{2,}", index.strip()):
        lines = [line for line in stanza.splitlines() if line and not line[0].isspace()]
        # Field names have no case, and publishers change it: aptly writes X-Cicd-Trace.
        yield CaseInsensitiveDict(
            (name, value.strip()) for name, _, value in (x.partition(":") for x in lines)
        )
