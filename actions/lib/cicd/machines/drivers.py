"""Which driver asks a provider: each is one class, imported when it is needed."""

from __future__ import annotations

from typing import Callable, Dict

from cicd.config import Settings
from cicd.machine_providers import DIGITALOCEAN, EC2, EXISTING, Provider
from cicd.machines.driver import Driver, Order, tags


def _digitalocean(settings: Settings, provider: Provider) -> Driver:
    from cicd.machines.digitalocean import DigitalOcean

    return DigitalOcean(settings.machines.site, provider)


def _ec2(settings: Settings, provider: Provider) -> Driver:
    from cicd.machines.ec2 import Ec2

    return Ec2(settings.machines.site, provider)


def _existing(settings: Settings, provider: Provider) -> Driver:
    from cicd.machines.existing import Existing

    return Existing(settings, provider)


DRIVERS: Dict[str, Callable[[Settings, Provider], Driver]] = {
    DIGITALOCEAN: _digitalocean,
    EC2: _ec2,
    EXISTING: _existing,
}


def of(settings: Settings, provider: str) -> Driver:
    """Return the driver of the *provider* that the configuration calls so; ConfigError when there is none."""
    found = settings.machines.provider(provider)
    return DRIVERS[found.driver](settings, found)


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
