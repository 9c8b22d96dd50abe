"""The bill of materials of a package, as CycloneDX 1.5 JSON. Runs nothing."""

from __future__ import annotations

import json
import re
import uuid
from typing import Dict, Iterator, List, Mapping, Sequence, TypedDict
from urllib.parse import quote

from cicd.package.builder_input import Origin
from cicd.package.metadata import Metadata

PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.!+_-]+)", re.M)
SPDX = re.compile(r"[A-Za-z0-9.+-]+")


# What CycloneDX says of a component, and of all of them; `purl` is a package URL.
Component = TypedDict(
    "Component",
    {
        "type": str,
        "bom-ref": str,
        "name": str,
        "version": str,
        "description": str,
        "purl": str,
        "hashes": List[Dict[str, str]],
        "licenses": List[Dict[str, Dict[str, str]]],
        "externalReferences": List[Dict[str, str]],
    },
    total=False,
)
Bill = TypedDict(
    "Bill",
    {
        "$schema": str,
        "bomFormat": str,
        "specVersion": str,
        "serialNumber": str,
        "version": int,
        "metadata": Mapping[str, object],
        "components": List[Component],
        "dependencies": List[Mapping[str, object]],
    },
)


def bill(
    meta: Metadata,
    version: str,
    origin: Origin,
    digests: Mapping[str, str],
    time: str,
    locks: Mapping[str, str],
) -> Bill:
    """
    Return the bill of the release of *meta* at *version*, made at *time* (RFC 3339).

    *digests* are the sha256 of its packages by file name, for every architecture. Components of the first
    one are the others, and what they declare: Debian dependencies, and the pins of the lock files *locks*
    (text by name) of the commit.
    """
    packages = _packages(meta)
    own, *others = (_package(one, version, origin, digests[one.file(version)]) for one in packages)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, own["purl"] + own["hashes"][0]["content"])
    components = [*others, *_debian(meta.release), *_pinned(locks)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"timestamp": time, "tools": {"components": [_tool()]}, "component": own},
        "components": components,
        "dependencies": [{"ref": own["bom-ref"], "dependsOn": [c["bom-ref"] for c in components]}],
    }


def _packages(meta: Metadata) -> list[Metadata]:
    """Return each package of the release, once for each architecture for which it is built."""
    more = (one for other in meta.other_architectures for one in meta.built_for(other).release)
    return list(dict.fromkeys([*meta.release, *more]))


def _package(meta: Metadata, version: str, origin: Origin, sha256: str) -> Component:
    purl = f"pkg:deb/cicd/{quote(meta.name)}@{quote(version)}?arch={meta.architecture}"
    return {
        "type": "application",
        "bom-ref": purl,
        "name": meta.name,
        "version": version,
        "description": meta.description,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "licenses": [{"license": {"name": meta.license}}],
        "externalReferences": [
            {"type": "vcs", "url": f"https://github.com/{origin.repository}", "comment": origin.commit}
        ],
    }


def _tool() -> dict[str, str]:
    return {"type": "application", "name": "cicd"}


def _debian(packages: Sequence[Metadata]) -> Iterator[Component]:
    items = [item for meta in packages for item in meta.depends]
    names = dict.fromkeys(
        re.split(r"[ :(]", choice.strip())[0] for item in items for choice in item.split("|")
    )
    own = {meta.name for meta in packages}
    return (_component("deb/debian", name, "") for name in names if name not in own)


def _pinned(locks: Mapping[str, str]) -> Iterator[Component]:
    pins = dict(PIN.findall(locks.get("requirements.txt", "")))
    for name, version in sorted(pins.items()):
        yield _component("pypi", re.sub(r"[-_.]+", "-", name).lower(), version)
    for name, version in sorted(_npm(locks.get("package-lock.json", ""))):
        yield _component("npm", name, version)


def _npm(text: str) -> set[tuple[str, str]]:
    try:
        packages = json.loads(text)["packages"].items()
        found = {(path.rpartition("node_modules/")[2], entry.get("version")) for path, entry in packages}
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return set()
    return {(name, version) for name, version in found if name and isinstance(version, str)}


def _component(kind: str, name: str, version: str) -> Component:
    purl = f"pkg:{kind}/{quote(name, safe='/')}" + (f"@{quote(version)}" if version else "")
    found: Component = {"type": "library", "bom-ref": purl, "name": name, "purl": purl}
    return {**found, "version": version} if version else found
