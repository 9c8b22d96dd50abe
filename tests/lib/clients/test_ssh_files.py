"""The SSH files that the configuration names: what is wrong with them is said in a sentence."""

from pathlib import Path

import pytest

from cicd.clients.fanout import Fanout
from cicd.errors import CicdError
from tests.lib.consul_settings import settings


@pytest.mark.parametrize("content", ["", "not a key\n"])
def test_a_file_that_holds_no_private_key_is_named(tmp_path: Path, content: str) -> None:
    key, known = tmp_path / "key", tmp_path / "known_hosts"
    key.write_text(content)
    known.write_text("")
    files = {"private_key_file": str(key), "known_hosts_file": str(known)}

    with pytest.raises(CicdError, match=f"`ssh.private_key_file` names {key}, which cannot be used"):
        Fanout(settings("http://127.0.0.1:9", ssh=files))


def test_a_broken_known_hosts_file_is_named(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("web1\n")
    files = {"private_key_file": str(known), "known_hosts_file": str(known)}

    with pytest.raises(CicdError, match=f"`ssh.known_hosts_file` names {known}, which cannot be used"):
        Fanout(settings("http://127.0.0.1:9", ssh=files))
