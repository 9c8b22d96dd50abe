"""A configuration that cannot be used is refused in one sentence."""

from pathlib import Path

import pytest

from status import config
from status.config import ConfigError

PACK = Path(config.__file__).parents[1] / "cicd.yaml.example"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not YAML"),
        ("[]", "is not a mapping"),
        ("pack: x\nhost: y", "`host` in"),
        ("pack: x\nlisten: {hosts: y}", "`listen.hosts` in"),
        ("listen: {port: 1}", "`pack` in"),
        ("pack: x\nlisten: {port: 70000}", "`listen.port` in"),
        ("pack: x\nlisten: 5", "`listen` in"),
        ("pack: x\nconsul: {token_file: 5}", "`consul.token_file` in"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, said):
    path = tmp_path / "status.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=said):
        config.read(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        config.read(tmp_path / "status.yaml")


def test_the_page_has_a_token_of_its_own(tmp_path):
    (tmp_path / "status.yaml").write_text(f"pack: {PACK}\nconsul: {{token_file: {tmp_path}/own}}\n")
    settings = config.read(tmp_path / "status.yaml").settings()

    assert settings.consul.token_file == f"{tmp_path}/own"
    assert settings.consul.ca_file == ""


def test_the_pack_must_be_configured(tmp_path):
    (tmp_path / "cicd.yaml").write_text("consul: {url: 5}")
    (tmp_path / "status.yaml").write_text(f"pack: {tmp_path}/cicd.yaml\n")

    with pytest.raises(ConfigError, match=r"cicd\.yaml: "):
        config.read(tmp_path / "status.yaml").settings()


def test_the_example_is_what_it_is_without_a_file():
    example = config.read(Path(config.__file__).parent / "status.yaml.example")

    assert (example.host, example.port, example.commit_url) == ("127.0.0.1", 9120, config.COMMIT_URL)
