"""The configuration's `machines`: what a provider needs, and what is different for a ring."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cicd import config
from cicd.errors import ConfigError
from cicd.machines import drivers

EXAMPLE = yaml.safe_load((Path(__file__).parents[2] / "cicd.yaml.example").read_text())
OCEAN = {
    "driver": "digitalocean",
    "token_file": "/token",
    "region": "fra1",
    "size": "s-1vcpu-1gb",
    "image": "debian-12-x64",
}
EC2 = {
    "driver": "ec2",
    "credentials_file": "/keys",
    "region": "eu-central-1",
    "size": "t3.small",
    "image": "ami-1",
}


def parsed(provider: dict[str, Any], **machines: Any) -> config.Settings:
    given = {"site": "acme", "providers": {"cloud": provider}, **machines}
    return config.parse({**EXAMPLE, "machines": given})


def test_without_providers_there_is_nothing_to_give():
    machines = config.parse(EXAMPLE).machines

    assert (machines.site, machines.providers, machines.max_machines) == ("", {}, 10)
    with pytest.raises(ConfigError, match="cloud is not a provider of machines"):
        machines.provider("cloud")


def test_an_order_has_what_is_configured_and_what_is_different_for_its_ring():
    settings = parsed({**OCEAN, "network": "vpc-1", "rings": {"canary": {"size": "s-2vcpu-2gb"}}})
    canary, production = (
        drivers.order(settings, "cloud", f"greeter-{ring}-1", "greeter", ring, "")
        for ring in ("canary", "production")
    )

    assert (canary.size, canary.image, canary.network, canary.region) == (
        "s-2vcpu-2gb",
        "debian-12-x64",
        "vpc-1",
        "fra1",
    )
    assert production.size == "s-1vcpu-1gb"
    assert canary.tags == {
        "cicd-site": "acme",
        "cicd-project": "greeter",
        "cicd-ring": "canary",
        "cicd-machine": "greeter-canary-1",
    }


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (
            {**OCEAN, "token_file": ""},
            r"`machines.providers.cloud.token_file` is missing, which `driver: digit",
        ),
        ({**OCEAN, "image": None}, r"`machines.providers.cloud.image` is missing"),
        ({**OCEAN, "credentials_file": "/x"}, r"`machines.providers.cloud.credentials_file` is nothing that"),
        (
            {**EC2, "token_file": "/x"},
            r"`machines.providers.cloud.token_file` is nothing that `driver: ec2` has",
        ),
        ({**EC2, "ssh_keys": ["a", "b"]}, r"`machines.providers.cloud.ssh_keys` has more than one"),
        (
            {**EC2, "rings": {"canary": {"region": "x"}}},
            r"`machines.providers.cloud.rings.canary.region` is not a key",
        ),
        ({**OCEAN, "url": "http://example.com"}, r"`machines.providers.cloud.url` is 'http://example.com'"),
        ({**OCEAN, "url": "https://user@example.com"}, r"`machines.providers.cloud.url` is"),
        (
            {"driver": "existing"},
            r"`machines.providers.cloud.addresses` is missing, which `driver: existing` needs",
        ),
        (
            {**OCEAN, "driver": "existing", "addresses": ["192.0.2.1"]},
            r"`machines.providers.cloud.token_file` is noth",
        ),
        (
            {"driver": "existing", "addresses": ["-oProxyCommand=x"]},
            r"`machines.providers.cloud.addresses\[0\]` is",
        ),
        ({"driver": "nova"}, r"`machines.providers.cloud.driver` must be one of digitalocean, ec2"),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_key(given, why):
    with pytest.raises(ConfigError, match=why):
        parsed(given)


def test_providers_need_a_site():
    with pytest.raises(ConfigError, match=r"`machines.site` is missing: machines are found again by it"):
        parsed(OCEAN, site="")
