"""A checkup asks each provider of machines that is configured, and no other."""

from pathlib import Path
from typing import Any

import yaml

from cicd import config
from cicd.finding import WRONG
from cicd.setup import provider_checks

EXAMPLE = yaml.safe_load((Path(__file__).parents[3] / "cicd.yaml.example").read_text())


def settings(**providers: dict[str, Any]) -> config.Settings:
    return config.parse({**EXAMPLE, "machines": {"site": "acme", "providers": providers}})


def test_without_a_provider_nothing_is_asked():
    assert list(provider_checks.findings(settings())) == []


def test_each_provider_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path):
    (tmp_path / "token").write_text("secret")
    spec = {"region": "fra1", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
    away = {
        "driver": "digitalocean",
        "url": "http://127.0.0.1:9",
        "token_file": str(tmp_path / "token"),
        **spec,
    }
    unknown = {"driver": "ec2", "credentials_file": str(tmp_path / "none"), **spec}
    found = list(provider_checks.findings(settings(ocean=away, aws=unknown)))

    assert [one.what for one in found] == ["machines of ocean", "machines of aws"]
    assert {one.state for one in found} == {WRONG}
    assert "does not answer" in found[0].said
    assert "none cannot be used: No such file" in found[1].said
    assert all(one.fix for one in found)
