"""What is wrong with a configuration is said in one sentence."""

import dataclasses
import ipaddress
import re

import pytest
import yaml

from gateway import config
from gateway.alarms.names import DEFAULT
from gateway.config import KNOWN, OWN, Caller, ConfigError
from tests.gateway.gateways import ROOT, configure

CASES = [
    (["listen", "host"], None, "`listen.host` is missing"),
    (["listen", "port"], "80", "`listen.port` in .* has the wrong type"),
    (["listen", "port"], True, "`listen.port` in .* has the wrong type"),
    (["stackstorm"], "x", "`stackstorm.api_url` is missing"),
    (["stackstorm", "api_url"], "stackstorm/v1", "does not begin with http"),
    (["stackstorm", "api_key_file"], "/nosuch/key", "/nosuch/key cannot be read: No such file"),
    (["github", "secret_files"], [], "`github.secret_files` is missing"),
    (["github", "secret_files"], "/a/file", "`github.secret_files` in .* has the wrong type"),
    (["github", "secret_files"], [7], "is not a list of names"),
    (["github", "secret_envs"], ["CICD_NO_SUCH"], "the environment variable CICD_NO_SUCH is empty"),
    (["github", "repositories"], {"vault": {}}, "`github.repositories` in .* is not an owner/name"),
    (["github", "repositories"], {"a/b": {}}, "`github.repositories.a/b.secret_files` is missing"),
    (["github", "repositories"], {"a/b": {"secret": "x"}}, "`github.repositories.a/b.secret` .* not known"),
    (["github", "url"], "github.com", "does not begin with http"),
    (["jenkins", "adresses"], ["10.0.0.1"], "`jenkins.adresses` in .* is not known"),
    (["jenkins", "addresses"], ["10.0.0.1/8"], "`jenkins.addresses` in .* is not an address or network"),
    (["jenkins", "addresses"], "10.0.0.1", "`jenkins.addresses` in .* has the wrong type"),
    (["alarm"], {"addresses": ["10.0.0.1"]}, "`alarm.token_file` is missing"),
    (["alarm"], {"labels": {"vm": ["x"]}}, "`alarm.labels.vm` in .* is not known"),
    (["alarm"], {"labels": {"host": "vm"}}, "`alarm.labels.host` in .* has the wrong type"),
    (["alarm"], {"labels": {"host": [7]}}, "`alarm.labels.host` in .* is not a list of names"),
    (["alarms"], {}, "`alarms` in .* is not known"),
    (["slack"], {"users": {"ann": "U024BE7LH"}}, "`slack.users.ann` in .* is not a Slack user's ID"),
    (["slack"], {"users": {"U024BE7LH": "{{ x }}"}}, "`slack.users.U024BE7LH` in .* is not a Slack"),
    (["slack"], {"users": {"U024BE7LH": "ann"}}, "`slack.signing_secret_file` is missing"),
    (["jenkins", "token_file"], "/dev/null", "/dev/null is empty"),
    (["jenkins", "token_file"], "/proc/self/mem", "/proc/self/mem cannot be read"),
]


@pytest.mark.parametrize(("keys", "value", "said"), CASES)
def test_a_mistake_names_the_key_or_the_file(tmp_path, keys, value, said):
    path = configure(tmp_path, "http://stackstorm/v1")
    settings = inner = yaml.safe_load(path.read_text())
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(yaml.safe_dump(settings))

    with pytest.raises(ConfigError, match=said):
        config.read(path)


@pytest.mark.parametrize("content", [b"\xff", b"two\nlines", "ä".encode()])
def test_a_secret_is_one_line_of_plain_text(tmp_path, content):
    path = configure(tmp_path, "http://stackstorm/v1")
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(ConfigError, match="text"):
        config.read(path)


def test_a_short_secret_is_refused_with_the_command_that_makes_a_long_one(tmp_path):
    path = configure(tmp_path, "http://stackstorm/v1")
    (tmp_path / "token").write_text("x" * 15)

    with pytest.raises(ConfigError, match="fewer than 16 characters; use: openssl rand -hex 32"):
        config.read(path)


def test_a_secret_that_every_user_can_read_is_refused(tmp_path):
    path = configure(tmp_path, "http://stackstorm/v1")
    (tmp_path / "token").chmod(0o644)

    with pytest.raises(ConfigError, match=r"token can be read by every user of this machine; chmod 0400 it"):
        config.read(path)


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\x00"])
def test_a_file_that_is_no_configuration_is_named_in_one_line(tmp_path, text):
    (tmp_path / "gateway.yaml").write_text(text)

    with pytest.raises(ConfigError, match=r"gateway\.yaml") as error:
        config.read(tmp_path / "gateway.yaml")
    assert "\n" not in str(error.value)


def test_no_secret_is_in_the_text_of_a_configuration(tmp_path):
    read = config.read(configure(tmp_path, "http://stackstorm/v1/"))

    assert read.api_url == "http://stackstorm/v1"
    assert not [word for word in ("secret-of", "the-token", "the-api-key") if word in repr(read)]


def test_labels_of_alarms_are_those_that_are_given_and_the_usual_ones_else(tmp_path):
    path = configure(tmp_path, "http://stackstorm/v1")
    settings = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**settings, "alarm": {"labels": {"host": ["vm", "instance"]}}}))
    found = config.read(path)

    assert found.alarm == found.jenkins, "without a token of its own"
    assert found.alarm_names == dataclasses.replace(DEFAULT, host=("vm", "instance"))


def test_the_labels_of_the_example_are_the_usual_ones():
    example = yaml.safe_load((ROOT / "gateway/gateway.yaml.example").read_text())

    assert example["alarm"]["labels"] == {name: list(labels) for name, labels in vars(DEFAULT).items()}


def whole() -> str:
    """Return the example with the sections that it shows as comments."""
    text = (ROOT / "gateway/gateway.yaml.example").read_text()
    return re.sub(r"^# (slack:|consul:|  .*)$", r"\1", text, flags=re.MULTILINE)


def test_the_example_has_every_key_and_nothing_else():
    example = yaml.safe_load(re.sub(r"# (\w+_envs?: )", r"\1", whole()))

    assert {key: set(value) if isinstance(value, dict) else set() for key, value in example.items()} == KNOWN
    assert set(example["github"]["repositories"]["acme/vault"]) == OWN


SECRETS_OF_THE_EXAMPLE = ("api.key", "github.secret", "vault.secret", "jenkins.token", "alarm.token")


@pytest.mark.parametrize(
    "more", [(), ("slack.signing-secret", "slack.api-key", "consul.token", "consul-ca.pem")]
)
def test_the_example_is_taken_as_it_is(tmp_path, more):
    text = whole() if more else (ROOT / "gateway/gateway.yaml.example").read_text()
    for name in (*SECRETS_OF_THE_EXAMPLE, *more):
        (tmp_path / name).write_text(f"{name} of an example\n")
        (tmp_path / name).chmod(0o400)
    path = tmp_path / "gateway.yaml"
    path.write_text(text.replace("/etc/cicd/gateway", str(tmp_path)))

    read = config.read(path)

    assert read.github.secrets == (b"github.secret of an example", b"vault.secret of an example")
    assert read.github.secrets_of("Acme/Vault") == (b"vault.secret of an example",)
    assert read.github.secrets_of("acme/greeter") == (b"github.secret of an example",)
    assert read.slack.secret == (b"slack.signing-secret of an example" if more else b"")
    assert dict(read.slack.users) == ({"U024BE7LH": "ann", "U0JD3BPNC": "bob"} if more else {})
    assert (read.jenkins.token, read.alarm.token) == (
        "jenkins.token of an example",
        "alarm.token of an example",
    )


def test_secrets_may_come_from_the_environment(tmp_path, monkeypatch):
    for name in ("KEY", "SECRET", "TOKEN"):
        monkeypatch.setenv(name, f"{name} of the environment")
    path = configure(tmp_path, "http://stackstorm/v1")
    settings = yaml.safe_load(path.read_text())
    settings["stackstorm"] = {"api_url": "http://stackstorm/v1", "api_key_env": "KEY"}
    settings["github"] = {"secret_envs": ["SECRET"]}
    settings["jenkins"] = {"token_env": "TOKEN"}
    path.write_text(yaml.safe_dump(settings))

    read = config.read(path)

    assert (read.api_key, read.jenkins.token) == ("KEY of the environment", "TOKEN of the environment")
    assert read.github.secrets == (b"SECRET of the environment",)
    assert read.alarm == read.jenkins


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::7", True),
        ("11.0.0.1", False),
        ("::1", False),
        ("", False),
        (None, False),
        ("x", False),
    ],
)
def test_addresses_restrict_who_may_show_a_token(address, may):
    networks = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/64"))

    assert Caller("token", networks).is_at(address) is may
    assert Caller("token").is_at(address)
