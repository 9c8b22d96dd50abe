"""Which driver asks a provider: each is one class, imported when it is needed."""

from __future__ import annotations

from typing import Callable, Dict

from cicd.config import Settings
from cicd.machine_providers import DIGITALOCEAN, EC2, Provider
from cicd.machines.driver import Driver, Order, tags


def _digitalocean(site: str, provider: Provider) -> Driver:
    from cicd.machines.digitalocean import DigitalOcean

    return DigitalOcean(site, provider)


def _ec2(site: str, provider: Provider) -> Driver:
    from cicd.machines.ec2 import Ec2

    return Ec2(site, provider)


DRIVERS: Dict[str, Callable[[str, Provider], Driver]] = {DIGITALOCEAN: _digitalocean, EC2: _ec2}


def of(settings: Settings, provider: str) -> Driver:
    """Return the driver of the *provider* that the configuration calls so; ConfigError when there is none."""
    found = settings.machines.provider(provider)
    return DRIVERS[found.driver](settings.machines.site, found)


def order(settings: Settings, provider: str, name: str, project: str, ring: str, user_data: str) -> Order:
    """Return the order of a machine for *ring* of *project*, as the configuration says what it is like."""
    found = settings.machines.provider(provider)
    spec = found.spec(ring)
    return Order(
        name=name,
        project=project,
        ring=ring,
        size=spec.size,
        image=spec.image,
        region=found.region,
        network=spec.network,
        user_data=user_data,
        tags=tags(settings.machines.site, project, ring, name),
    )
