"""What is wrong with a configuration is said in one sentence."""

import pytest
import yaml

from gateway import config
from gateway.config import ConfigError
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
    (["github", "secret_files"], [7], "is not a list of file names"),
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


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\x00"])
def test_a_file_that_is_no_configuration_is_named_in_one_line(tmp_path, text):
    (tmp_path / "gateway.yaml").write_text(text)

    with pytest.raises(ConfigError, match=r"gateway\.yaml") as error:
        config.read(tmp_path / "gateway.yaml")
    assert "\n" not in str(error.value)


def test_no_secret_is_in_the_text_of_a_configuration(tmp_path):
    read = config.read(configure(tmp_path, "http://stackstorm/v1/"))

    assert read.api_url == "http://stackstorm/v1"
    assert not [word for word in ("secret-", "the-token", "the-api-key") if word in repr(read)]


def test_the_example_has_every_key(tmp_path):
    example = yaml.safe_load((ROOT / "gateway/gateway.yaml.example").read_text())
    written = yaml.safe_load(configure(tmp_path, "http://stackstorm/v1").read_text())

    assert {key: set(value) for key, value in example.items() if isinstance(value, dict)} == {
        key: set(value) for key, value in written.items() if isinstance(value, dict)
    }
    assert example["spool"]
