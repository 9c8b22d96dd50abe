"""DigitalOcean's droplets, by its API v2."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, TypedDict, cast
from urllib.parse import quote

from cicd import config
from cicd.errors import ProviderBusy, ProviderError
from cicd.machine_providers import PUBLIC, Provider, Spec
from cicd.machines.api import CONFIGURE, Api
from cicd.machines.driver import (
    GONE,
    MACHINE_TAG,
    RUNNING,
    SITE_TAG,
    STARTING,
    STOPPED,
    Driver,
    Machine,
    Order,
    ours,
    seen,
)
from cicd.sanitize import one_line

URL = "https://api.digitalocean.com"
PAGE = 200
STATES = {"new": STARTING, "active": RUNNING, "off": STOPPED, "archive": GONE}
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
QUOTA = "Retire a machine, or ask DigitalOcean for a higher limit."
SCOPES = "droplet:create, droplet:read, droplet:delete, image:read, tag:create, tag:read and sizes:read"


class Address(TypedDict, total=False):
    """An address of a droplet: `type` is public or private."""

    ip_address: str
    type: str


class Networks(TypedDict, total=False):
    """The addresses of a droplet."""

    v4: List[Address]


class Droplet(TypedDict, total=False):
    """A droplet, as far as it is read."""

    id: int
    name: str
    status: str
    created_at: str
    tags: List[str]
    networks: Networks


class Size(TypedDict):
    """A size of droplets, and the regions that have it."""

    slug: str
    regions: List[str]


class DigitalOcean(Driver):
    """The droplets that carry the tag of *site*; *provider* says where and how they are."""

    def __init__(self, site: str, provider: Provider) -> None:
        self._site = site
        self._provider = provider
        self._api = Api(f"DigitalOcean ({provider.name})", provider.url.rstrip("/") or URL)
        self._token = config.secret(provider.token_file)

    def list(self) -> List[Machine]:
        return ours(self._tagged(SITE_TAG, self._site))

    def named(self, name: str) -> List[Machine]:
        return self._tagged(MACHINE_TAG, name)

    def make(self, order: Order) -> Machine:
        body: Dict[str, object] = {
            "name": order.name,
            "region": order.region,
            "size": order.size,
            "image": _number_or_word(order.image),
            "ssh_keys": [_number_or_word(key) for key in self._provider.ssh_keys],
            "user_data": order.user_data,
            "tags": [_tag(key, value) for key, value in sorted(order.tags.items())],
            **({"vpc_uuid": order.network} if order.network else {}),
        }
        return self._machine(self._part(self._ask("POST", "/v2/droplets", makes=True, json=body), "droplet"))

    def remove(self, machine: Machine) -> None:
        try:
            self._ask("DELETE", f"/v2/droplets/{machine.identifier}")
        except _Missing:
            return

    def check(self) -> str:
        found, sizes = self.list(), self._sizes()
        for spec in self._provider.specs:
            self._refuse_unknown(spec, sizes)
        return seen(self._site, found)

    def _sizes(self) -> Dict[str, List[str]]:
        """Return the regions of each size."""
        found = cast(Iterator[Size], self._pages("/v2/sizes", "sizes"))
        return {one["slug"]: one["regions"] for one in found}

    def _refuse_unknown(self, spec: Spec, sizes: Mapping[str, List[str]]) -> None:
        image = self._ask("GET", f"/v2/images/{quote(spec.image, safe='')}")
        known = self._part(image, "image")
        there = {
            f"size {spec.size}": sizes.get(spec.size, []),
            f"image {spec.image}": known["regions"],
        }
        for what, regions in there.items():
            if self._provider.region not in regions:
                said = f"{self._api.provider} has no {what} in the region {self._provider.region}."
                raise ProviderError(said, CONFIGURE)

    def _tagged(self, key: str, value: str) -> List[Machine]:
        """Return the machines of this site with a tag."""
        found = cast(Iterator[Droplet], self._pages("/v2/droplets", "droplets", tag_name=_tag(key, value)))
        own = _tag(SITE_TAG, self._site)
        return [self._machine(one) for one in found if own in (one.get("tags") or [])]

    def _pages(self, path: str, what: str, **wanted: str) -> Iterator[object]:
        number, is_last = 1, False
        while not is_last:
            page = self._ask("GET", path, params={**wanted, "page": str(number), "per_page": str(PAGE)})
            yield from self._part(page, what)
            is_last = not ((page.get("links") or {}).get("pages") or {}).get("next")
            number += 1

    def _part(self, said: Mapping[str, object], what: str) -> Any:
        """Return *what* was *said*; it is never left out as nothing, since a machine would be overlooked."""
        if not isinstance(said.get(what), (dict, list)):
            raise ProviderError(f"{self._api.provider} answered without {what}.", CONFIGURE)
        return said[what]

    def _machine(self, droplet: Droplet) -> Machine:
        try:
            return self._read(droplet)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            said = (
                f"{self._api.provider} answered with a droplet that cannot be read ({type(error).__name__})."
            )
            raise ProviderError(said, CONFIGURE) from None

    def _read(self, droplet: Droplet) -> Machine:
        status = str(droplet["status"])
        return Machine(
            identifier=str(droplet["id"]),
            name=_marked(droplet),
            address=self._address(droplet),
            state=STATES.get(status, STARTING),
            created=datetime.fromisoformat(droplet["created_at"].replace("Z", "+00:00")).timestamp(),
            reason="" if status == "active" else f"the droplet is {one_line(status, 40)}",
        )

    def _address(self, droplet: Droplet) -> str:
        known = (droplet.get("networks") or {}).get("v4") or []
        by_type = {one["type"]: one["ip_address"] for one in reversed(known)}
        return by_type.get(self._provider.address) or by_type.get(PUBLIC, "")

    def _ask(self, method: str, path: str, makes: bool = False, **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = self._api.ask(method, path, makes, headers=headers, **given)
        if answer.ok and not answer.content:
            return {}
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise ProviderError(f"{self._api.provider} answered {answer.status_code}, no JSON.", CONFIGURE)
        if answer.ok:
            return said
        raise self._refusal(answer.status_code, one_line(str(said.get("message", "")), 200))

    def _refusal(self, status: int, why: str) -> ProviderError:
        said = f"{self._api.provider} refused: {status} {why}".rstrip(".")
        if "pending event" in why:
            return ProviderBusy(f"{said}.", "It is doing something else with the droplet: try again.")
        hints = {
            UNAUTHORIZED: f"Put a token that is valid in {self._provider.token_file}.",
            FORBIDDEN: f"Give the token in {self._provider.token_file} {SCOPES}.",
        }
        hint = QUOTA if "limit" in why else CONFIGURE
        return (_Missing if status == NOT_FOUND else ProviderError)(f"{said}.", hints.get(status, hint))


class _Missing(ProviderError):
    """It does not exist there."""


def _number_or_word(value: str) -> int | str:
    """Images and keys have a number, or a word: a slug or a fingerprint."""
    return int(value) if value.isdecimal() else value


def _marked(droplet: Droplet) -> str:
    """Return the name by its tag, since anyone may rename a droplet; empty without one."""
    tags = (tag.partition(":") for tag in droplet.get("tags") or [])
    return next((name for key, _, name in tags if key == MACHINE_TAG), "")


def _tag(key: str, value: str) -> str:
    """Tags are one word of these characters; what else a project's name may have is a dash there."""
    return f"{key}:{re.sub(r'[^A-Za-z0-9_-]', '-', value)}"
