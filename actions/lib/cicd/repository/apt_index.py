"""The APT repository, read over HTTP as its clients read it."""

from __future__ import annotations

import gzip
import hashlib
import re
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from cicd.config import Project, Settings
from cicd.errors import RepositoryError
from cicd.release.record import Build, Sibling

if TYPE_CHECKING:
    from cicd.package.built import Package

TIMEOUT_SECONDS = 20
PUBLISH_LIMIT_SECONDS = 20
CHUNK_BYTES = 1 << 20
# A line of Release's SHA256 section: no other digest has 64 digits.
FIELD = re.compile(r"^([A-Z][A-Za-z-]+): (.*)$", re.M)
INDEX = re.compile(r"^ ([0-9a-f]{64}) +\d+ (\S+/Packages\.gz)$", re.M)


class Repository:
    """What clients see of the repository; of *project*'s distributions, when one is given."""

    def __init__(self, settings: Settings, project: Project | None = None) -> None:
        section = settings.repository
        self._url = section.url.rstrip("/")
        self._architectures = section.architectures
        self._distributions = settings.distributions(project) if project else (section.distribution,)
        self._component = settings.component(project) if project else section.component

    @cached_property
    def _session(self) -> Any:
        import requests  # it takes long, and most steps ask the repository nothing

        return requests.Session()

    def release(self, distribution: str) -> Mapping[str, str] | None:
        """Return the fields of the index of *distribution*, as Release says them; None when there is none."""
        answer = self._get(f"{self._url}/dists/{distribution}/InRelease")
        return dict(FIELD.findall(answer.text)) if answer.ok else None

    def find(self, package: str, version: str) -> Mapping[str, str] | None:
        """Return the index entry of *package* at *version*, fields by name, or None."""
        return self._find(self._distributions[0], package, version)

    def of_version(self, version: str) -> list[Mapping[str, str]]:
        """Return the index entries of *version*, of whatever package and architecture."""
        return [one for one in self.entries() if one.get("Version") == version]

    def entries(self) -> list[Mapping[str, str]]:
        """Return all index entries of the first distribution, each once."""
        found = {e["Filename"]: e for e in self._entries(self._distributions[0]) if "Filename" in e}
        return list(found.values())

    def build(self, package: str, version: str) -> Build:
        """Return the published build of *package* at *version*, or raise RepositoryError."""
        entries = self.of_version(version)
        entry = next((entry for entry in entries if entry.get("Package") == package), None)
        if entry is None:
            raise self._missing(package, version)
        return Build(
            version=version,
            package=package,
            commit=entry.get("X-Git-Commit", ""),
            sha256=entry["SHA256"],
            trace=entry.get("X-CICD-Trace", ""),
            siblings=self._siblings(entry, entries),
        )

    def _siblings(
        self, first: Mapping[str, str], entries: Sequence[Mapping[str, str]]
    ) -> tuple[Sibling, ...]:
        """Return what of *entries*, all of one version, hosts install with the *first* one, as that says."""
        names = [first["Package"], *first.get("X-CICD-Packages", "").split()]
        found = [Sibling(one["Package"], one["SHA256"]) for one in entries if one.get("Package") in names]
        missing = set(names) - {one.package for one in found}
        if missing:
            raise self._missing(sorted(missing)[0], first["Version"])
        own = Sibling(first["Package"], first["SHA256"])
        return tuple(one for one in dict.fromkeys(found) if one != own)

    def _missing(self, package: str, version: str) -> RepositoryError:
        return RepositoryError(
            f"{package} {version} is not in the repository {self._url}.",
            f"Publish it first, or name a version that an app host lists: `apt-cache madison {package}`.",
        )

    def wait_for(self, package: Package) -> str:
        """
        Return the package's URL once a client can fetch exactly it, and its release, from every distribution.

        As apt does: the signed Release names the index, the index the file, each by its digest.
        A client may look between two publishes, so a mismatch is tried again for a while.
        """
        deadline = time.monotonic() + PUBLISH_LIMIT_SECONDS
        while True:
            seen = {
                one: self._look(distribution, one)
                for distribution in self._distributions
                for one in package.release
            }
            if all(seen.values()):
                return seen[package]
            if time.monotonic() > deadline:
                raise self._never_appeared(next(one for one, url in seen.items() if not url))
            time.sleep(0.5)

    def _look(self, distribution: str, package: Package) -> str:
        wanted = (package.name, package.version, package.sha256, package.commit)
        fields = ("Package", "Version", "SHA256", "X-Git-Commit")
        for entry in self._entries(distribution):
            if tuple(map(entry.get, fields)) == wanted:
                url = f"{self._url}/{entry['Filename']}"
                return url if self._digest(url) == package.sha256 else ""
        return ""

    def _never_appeared(self, package: Package) -> RepositoryError:
        entries = [e for e in self.of_version(package.version) if e.get("Package") == package.name]
        entry = next(iter(entries), None)
        other = all(e.get("SHA256") != package.sha256 for e in entries)
        seen = (
            f"with other content (sha256 {entry.get('SHA256', '')[:12]}…)" if entry and other else "not whole"
        )
        return RepositoryError(
            f"{package.name} {package.version} (sha256 {package.sha256[:12]}…) was published, "
            f"but APT clients {f'see it {seen}' if entry else 'do not see it'}.",
            f"Check what serves {self._url}; the canary was not touched.",
        )

    def _find(self, distribution: str, package: str, version: str) -> Mapping[str, str] | None:
        for entry in self._entries(distribution):
            if entry.get("Package") == package and entry.get("Version") == version:
                return entry
        return None

    def _entries(self, distribution: str) -> Iterator[Mapping[str, str]]:
        release = self._get(f"{self._url}/dists/{distribution}/InRelease")
        digests = dict(reversed(found) for found in INDEX.findall(release.text)) if release.ok else {}
        for architecture in self._architectures:
            name = f"{self._component}/binary-{architecture}/Packages.gz"
            if name in digests:
                yield from _stanzas(self._index(distribution, name, digests[name]))

    def _index(self, distribution: str, name: str, digest: str) -> str:
        """Return the index *name*, empty when it is not the one that Release names: between two publishes."""
        response = self._get(f"{self._url}/dists/{distribution}/{name}")
        whole = response.ok and hashlib.sha256(response.content).hexdigest() == digest
        return gzip.decompress(response.content).decode() if whole else ""

    def _digest(self, url: str) -> str:
        response, digest = self._get(url, stream=True), hashlib.sha256()
        try:
            for chunk in response.iter_content(CHUNK_BYTES):
                digest.update(chunk)
        except OSError:
            return ""
        return digest.hexdigest() if response.ok else ""

    def _get(self, url: str, stream: bool = False) -> Any:
        try:
            return self._session.get(url, timeout=TIMEOUT_SECONDS, stream=stream)
        except OSError as error:  # requests' own are kinds of it
            raise RepositoryError(
                f"The repository {self._url} does not answer ({type(error).__name__}).",
                "Start what serves it, or correct `repository.url` in the configuration.",
            ) from None


def _stanzas(index: str) -> Iterator[Mapping[str, str]]:
    from requests.structures import CaseInsensitiveDict

    for stanza in re.split(r"\n{2,}", index.strip()):
        lines = [line for line in stanza.splitlines() if line and not line[0].isspace()]
        # Field names have no case, and publishers change it: aptly writes X-Cicd-Trace.
        yield CaseInsensitiveDict(
            (name, value.strip()) for name, _, value in (x.partition(":") for x in lines)
        )
