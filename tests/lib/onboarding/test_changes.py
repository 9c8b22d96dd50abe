"""Where the pack does not log in, files for configuration management take the place of what it would do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cicd.config import Settings
from cicd.errors import ConfigError
from cicd.onboarding import balancer, changes, host_files, wanted
from cicd.onboarding.item import MISSING, OTHER, THERE
from cicd.release.host import Host
from tests.lib.consul_settings import changed, settings
from tests.lib.onboarding.test_wanted import given, request

HOST = Host("web1", "10.0.0.1")


@pytest.fixture
def known(tmp_path: Path) -> Settings:
    return changed(settings("http://127.0.0.1:1"), "administration", changes_dir=str(tmp_path / "changes"))


def state(known: Settings, text: str = "text\n") -> str:
    return changes.item(known, "hosts/web1/etc/file", text).state


def test_a_file_is_made_once_and_removed_with_the_folders_that_it_leaves_empty(known, tmp_path):
    item = changes.item(known, "hosts/web1/etc/file", "text\n")
    item.make()

    assert (item.state, state(known), state(known, "other\n")) == (MISSING, THERE, OTHER)
    item.remove()
    item.remove()
    assert list((tmp_path / "changes").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path, known):
    (tmp_path / "changes").write_text("no folder")

    with pytest.raises(ConfigError, match="cannot be written"):
        changes.item(known, "hosts/web1/etc/file", "text\n").make()


def test_a_hosts_files_say_what_docs_hosts_says(tmp_path):
    asked = wanted.parse(given(tmp_path), "shop", request())
    conf, service = host_files.files(asked, HOST, "secret").values()

    assert conf.splitlines() == [
        "SERVICE=shop",
        "TAG=shop::app",
        "CANARY_TAG=shop::app_canary",
        "STABLE_TAG=shop::app_stable",
        "HEALTH_URL=http://10.0.0.1:8090/health",
        "UNIT=shop.service",
    ]
    assert '"token": "secret"' in service
    assert service.replace(" ", "").count('"shop::app_canary"') == 1


def test_an_applications_environment_is_a_file_that_systemd_reads_as_it_was_given(tmp_path):
    values = {"HOST": "{address}", "NODE": "{host}", "MOTTO": """ 'a' "b" \\ $HOME `id` #; \\"""}
    definition = {"repository": "acme/shop", "environment": values}
    asked = wanted.parse(given(tmp_path), "shop", request(definition=definition))

    assert host_files.files(asked, HOST)["/etc/default/shop"].splitlines()[1:] == [
        'HOST="10.0.0.1"',
        'NODE="web1"',
        r"""MOTTO=" 'a' \"b\" \\ \$HOME \`id\` #; \\" """.strip(),
    ]


@pytest.mark.parametrize(
    "values", [{"A": "b\n"}, {"A": "b\0"}, {"A\n": "b"}, {"A B": "c"}, {"A=": "b"}, {"A": 1}]
)
def test_an_environment_that_a_file_cannot_have_is_refused(tmp_path, values):
    definition = {"repository": "acme/shop", "environment": values}

    with pytest.raises(ConfigError, match="environment"):
        wanted.parse(given(tmp_path), "shop", request(definition=definition))


def test_rings_of_a_lifecycle_are_named_to_the_host_with_their_tags(tmp_path):
    rings = [
        {"name": "staging", "tag": "{project}::staging"},
        {"name": "production", "tag": "{project}::app"},
    ]
    hosts = {"staging": ["web1"], "production": ["web2"]}
    asked = wanted.parse(
        given(tmp_path), "shop", request(definition={"repository": "acme/shop", "rings": rings}, hosts=hosts)
    )

    assert 'RINGS="staging=shop::staging production=shop::app"' in host_files.settings_file(asked, HOST)
    assert "_shop._shop::staging.service.consul:0" in balancer.text(replace(asked))
