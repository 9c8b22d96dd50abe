"""The configuration's `notices`: what is refused, and by which name."""

import pytest
import yaml

from cicd import config, config_schema
from cicd.errors import ConfigError
from tests.lib.consul_settings import EXAMPLE

WEBHOOK = {"name": "team", "to": "webhook", "url_file": "/etc/cicd/slack.url"}
MAIL = {
    "name": "oncall",
    "to": "mail",
    "server": "mail.example.com:25",
    "sender": "cicd@example.com",
    "recipients": ["ann@example.com"],
}

MATRIX = {
    "name": "room",
    "to": "matrix",
    "homeserver": "https://matrix.example.com",
    "room": "!abc:example.com",
    "token_file": "/etc/cicd/matrix.token",
}

GRAFANA = {
    "name": "graphs",
    "to": "grafana",
    "url": "https://grafana",
    "token_file": "/etc/cicd/grafana.token",
}


def parsed(*notices: dict) -> config.Settings:
    return config.parse({**yaml.safe_load(EXAMPLE.read_text()), "notices": list(notices)})


def test_nobody_is_told_anything_without_notices():
    assert config.parse(yaml.safe_load(EXAMPLE.read_text())).notices == ()


def test_a_target_has_what_its_kind_needs():
    team, oncall = parsed(WEBHOOK, {**MAIL, "events": ["alarm"], "projects": ["greeter"]}).notices

    assert (team.name, team.events, team.projects) == ("team", (), ())
    assert (oncall.events, oncall.projects, oncall.tls) == (("alarm",), ("greeter",), "starttls")


@pytest.mark.parametrize(
    ("notices", "name"),
    [
        ([{**WEBHOOK, "url_file": ""}], "notices[0].url_file"),
        ([{**WEBHOOK, "channel": "#x"}], "notices[0].channel"),
        ([{**WEBHOOK, "to": "pigeon"}], "notices[0].to"),
        ([{**WEBHOOK, "events": ["canary_god"]}], "notices[0].events[0]"),
        ([{**WEBHOOK, "projects": ["other"]}], "notices[0].projects"),
        ([WEBHOOK, WEBHOOK], "notices[1].name"),
        ([{**MAIL, "sender": "x@example.com\nBcc: y@example.com"}], "notices[0].sender"),
        ([{**MAIL, "recipients": ["ann@example.com, eve@example.com"]}], "notices[0].recipients[0]"),
        ([{**MAIL, "server": "mail.example.com:99999"}], "notices[0].server"),
        ([{**MAIL, "user": "cicd"}], "notices[0].password_file"),
        ([{**MAIL, "user": "cicd", "password_file": "/p", "tls": "none"}], "notices[0].tls"),
        ([{"name": "room", "to": "chatops"}], "notices[0].channel"),
        ([{**MATRIX, "room": ""}], "notices[0].room"),
        ([{**MATRIX, "room": "#deploys:example.com"}], "notices[0].room"),
        ([{**MATRIX, "homeserver": "matrix.example.com"}], "notices[0].homeserver"),
        ([{**MATRIX, "to": "grafana"}], "notices[0].url"),
        ([{**GRAFANA, "url": "https://user:password@grafana"}], "notices[0].url"),
        ([{"name": "traces", "to": "opentelemetry"}], "notices[0].url"),
    ],
)
def test_what_is_wrong_is_named(notices, name):
    with pytest.raises(ConfigError) as refused:
        parsed(*notices)

    assert f"`{name}`" in refused.value.message


def test_the_schema_knows_each_key_of_a_target():
    known = config_schema.attributes()["notices"]["items"]["properties"]

    assert set(known) == set(vars(parsed(WEBHOOK).notices[0]))


def test_a_check_of_the_setup_names_a_file_that_actions_cannot_read():
    assert config.unreadable_for_notices(parsed(WEBHOOK, MAIL)) == ["/etc/cicd/slack.url"]
