"""The configuration's `machines`: read, and refused by name where a provider lacks what its driver needs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Dict, Iterator, List, Mapping, Tuple, TypedDict, cast

from cicd import config_file
from cicd.config_schema import Keys, Problem
from cicd.errors import ConfigError

DIGITALOCEAN, EC2, EXISTING = "digitalocean", "ec2", "existing"
SPEC = ("size", "image", "network")
NEEDED = {
    DIGITALOCEAN: ("token_file", "region", "size", "image"),
    EC2: ("credentials_file", "region", "size", "image"),
    EXISTING: ("addresses",),
}
POSSIBLE = {
    DIGITALOCEAN: (*NEEDED[DIGITALOCEAN], "url", "network", "address", "ssh_keys", "rings"),
    EC2: (*NEEDED[EC2], "url", "network", "address", "ssh_keys", "security_groups", "rings"),
    EXISTING: NEEDED[EXISTING],
}
SHARED = ("driver",)
PRIVATE, PUBLIC = "private", "public"


class GivenSpec(TypedDict, total=False):
    """What a machine is like, as the configuration has it."""

    size: str
    image: str
    network: str


class GivenProvider(GivenSpec, total=False):
    """A provider as the configuration has it, once the schema refuses nothing in it."""

    driver: str
    ssh_keys: List[str]
    rings: Mapping[str, GivenSpec]


@dataclass(frozen=True)
class Spec:
    """What a machine is like, in the words of its provider."""

    size: str = ""
    image: str = ""
    network: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Provider:
    """Who has machines: `driver` is how it is asked, the other keys are explained in config.schema.yaml."""

    name: str
    driver: str
    url: str = ""
    token_file: str = ""
    credentials_file: str = ""
    region: str = ""
    usual: Spec = Spec()
    address: str = PRIVATE
    ssh_keys: Tuple[str, ...] = ()
    security_groups: Tuple[str, ...] = ()
    addresses: Tuple[str, ...] = ()
    rings: Mapping[str, Spec] = field(default_factory=dict)

    @property
    def files(self) -> Tuple[str, ...]:
        """The files with its secrets."""
        return tuple(filter(None, (self.token_file, self.credentials_file)))

    @property
    def specs(self) -> Tuple[Spec, ...]:
        """Every kind of machine that may be asked of it."""
        return tuple(dict.fromkeys((self.usual, *self.rings.values())))

    def spec(self, ring: str) -> Spec:
        """Return what a machine of *ring* is like."""
        return self.rings.get(ring, self.usual)


@dataclass(frozen=True, eq=False, repr=False)
class MachinesSettings:
    """Machines that the pack may make, and of whom it asks them."""

    site: str
    max_machines: int
    max_canaries: int
    gateway_url: str
    gateway_ca_file: str
    files_dir: str
    packages: tuple[str, ...]
    ready_seconds: int
    applications: Mapping[str, Mapping[str, Any]]
    providers: Mapping[str, Provider]

    def provider(self, name: str) -> Provider:
        """
        Return the provider called *name*, or the only one for an empty name.

        ConfigError names those that exist.
        """
        if name in self.providers:
            return self.providers[name]
        if not name and len(self.providers) == 1:
            return next(iter(self.providers.values()))
        known = ", ".join(sorted(self.providers)) or "none"
        raise ConfigError(
            f"{name:.80} is not a provider of machines." if name else "No provider of machines is named.",
            f"Add it under `machines.providers` in the pack's configuration (configured now: {known}).",
        )


def parse(values: Mapping[str, object]) -> MachinesSettings:
    """
    Return the section `machines` with *values*, in which the schema refuses nothing.

    ConfigError names the key that is missing, or of no use.
    """
    given = cast(Mapping[str, GivenProvider], values["providers"])
    providers = {name: _provider(name, one) for name, one in given.items()}
    if providers and not values["site"]:
        raise _wrong(("site",), "is missing: machines are found again by it")
    known: Dict[str, Any] = {**values, "providers": providers}
    return MachinesSettings(**known)


def _provider(name: str, given: GivenProvider) -> Provider:
    values = cast(
        GivenProvider, {key: value for key, value in given.items() if value not in (None, "", [], {})}
    )
    for key, why in _problems(values):
        raise _wrong(("providers", name, key), why)
    usual = Spec(**_of_spec(values))
    rings = {ring: replace(usual, **_of_spec(own or {})) for ring, own in values.get("rings", {}).items()}
    tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    known: Dict[str, Any] = {one.name: tuples[one.name] for one in fields(Provider) if one.name in tuples}
    known.pop("rings", None)
    return Provider(name=name, usual=usual, rings=rings, **known)


def _problems(values: GivenProvider) -> Iterator[Tuple[str, str]]:
    driver = values["driver"]
    for key in NEEDED[driver]:
        if key not in values:
            yield key, f"is missing, which `driver: {driver}` needs"
    for key in values:
        if key not in (*SHARED, *POSSIBLE[driver]):
            yield key, f"is nothing that `driver: {driver}` has"
    if driver == EC2 and len(values.get("ssh_keys", ())) > 1:
        yield "ssh_keys", "has more than one, and `driver: ec2` takes one"


def _of_spec(values: GivenSpec) -> Mapping[str, str]:
    return {key: str(value) for key, value in values.items() if key in SPEC and value}


def _wrong(below: Keys, why: str) -> ConfigError:
    keys = ("machines", *below)
    return ConfigError(
        f"`{Problem(keys, why).name}` {why} in {config_file.place(keys)}.",
        config_file.correction(keys, "docs/machines.md"),
    )
