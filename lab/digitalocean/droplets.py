"""The droplets of one account: ordered, listed as they are, destroyed."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from lab.digitalocean import catalog

HOSTNAME = r"[a-zA-Z0-9.-]+"
TAG = r"[A-Za-z0-9:_-]{1,255}"
USER_DATA_BYTES = 64 * 1024
FIRST_NUMBER = 3164444


class Refusal(Exception):
    """What is asked for has a value that DigitalOcean answers with 422."""


class Machines(Protocol):
    """What runs the droplets."""

    def boot(self, number: int, name: str, user_data: str) -> None:
        """Let a machine start; returns at once."""

    def status(self, number: int) -> str:
        """Return new, active or off."""

    def address(self, number: int) -> str:
        """Return its address; empty until it has one."""

    def destroy(self, number: int) -> None:
        """Remove it and its disk."""


@dataclass
class Droplet:
    """What was ordered."""

    number: int
    name: str
    region: str
    size: str
    image: str
    tags: list[str]
    vpc: str
    created: float = field(default_factory=time.time)


class Droplets:
    """The account's droplets, at most *limit*, which *machines* run."""

    def __init__(self, machines: Machines, limit: int = 10) -> None:
        self._machines = machines
        self._limit = limit
        self._known: dict[int, Droplet] = {}
        self._lock = threading.Lock()
        self._last = FIRST_NUMBER

    def create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return a new droplet as it is *wanted*."""
        with self._lock:
            droplet = self._ordered(wanted)
            self._known[droplet.number] = droplet
        self._machines.boot(droplet.number, droplet.name, str(wanted.get("user_data") or ""))
        return self._document(droplet)

    def listed(self, tag: str) -> list[dict[str, Any]]:
        """Return the droplets with *tag*, or all, the newest first."""
        with self._lock:
            found = [one for one in self._known.values() if not tag or tag in one.tags]
        return [self._document(one) for one in sorted(found, key=lambda one: -one.number)]

    def destroy(self, number: int) -> bool:
        """Destroy droplet *number*, and return whether there was one."""
        with self._lock:
            known = self._known.pop(number, None)
        if known:
            self._machines.destroy(number)
        return known is not None

    def _ordered(self, wanted: dict[str, Any]) -> Droplet:
        slug = catalog.image_slug(wanted.get("image"))
        tags = [str(tag) for tag in wanted.get("tags") or []]
        self._refuse_wrong(wanted, slug, tags)
        self._last += 1
        return Droplet(
            number=self._last,
            name=str(wanted["name"]),
            region=str(wanted["region"]),
            size=str(wanted["size"]),
            image=slug or "",
            tags=tags,
            vpc=str(wanted.get("vpc_uuid") or "5a4981aa-9653-4bd1-bef5-d6bff52042e4"),
        )

    def _refuse_wrong(self, wanted: dict[str, Any], slug: str | None, tags: list[str]) -> None:
        """The messages are DigitalOcean's own."""
        wrong = {
            "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)": not re.fullmatch(
                HOSTNAME, str(wanted.get("name", ""))
            ),
            "You specified an invalid region for Droplet creation.": wanted.get("region")
            not in catalog.REGIONS,
            "You specified an invalid size for Droplet creation.": wanted.get("size") not in catalog.SIZES,
            "You specified an invalid image for Droplet creation.": slug is None,
            "Tag name is invalid.": not all(re.fullmatch(TAG, tag) for tag in tags),
            "User data is too long.": len(str(wanted.get("user_data") or "").encode()) > USER_DATA_BYTES,
            "creating this/these droplet(s) will exceed your droplet limit": len(self._known) >= self._limit,
        }
        for message, is_so in wrong.items():
            if is_so:
                raise Refusal(message)

    def _document(self, one: Droplet) -> dict[str, Any]:
        size, address = catalog.size(one.size), self._machines.address(one.number)
        return {
            "id": one.number,
            "name": one.name,
            **{key: size[key] for key in ("memory", "vcpus", "disk")},
            "disk_info": size["disk_info"],
            "locked": False,
            "status": self._machines.status(one.number),
            "kernel": None,
            "created_at": _moment(one.created),
            "features": ["droplet_agent", "private_networking"],
            "backup_ids": [],
            "next_backup_window": None,
            "snapshot_ids": [],
            "image": catalog.image(one.image),
            "volume_ids": [],
            "size": size,
            "size_slug": one.size,
            "networks": {"v4": _addresses(address), "v6": []},
            "region": catalog.region(one.region),
            "tags": one.tags,
            "vpc_uuid": one.vpc,
        }


def _addresses(address: str) -> list[dict[str, str]]:
    """A machine of the lab has one address, which is both: other machines and the world see it by that."""
    common = {"ip_address": address, "netmask": "255.255.240.0"}
    kinds = {"public": "127.0.0.1", "private": ""}
    return [{**common, "gateway": gateway, "type": kind} for kind, gateway in kinds.items() if address]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
