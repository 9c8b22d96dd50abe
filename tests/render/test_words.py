"""What a template may print of what Consul has: a word, or what a filter made safe."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from render.words import Safe, as_json, is_word, printed, quoted, trusted

ANY = st.one_of(st.text(), st.from_regex(r"[a-z]{1,4}[\s\"'{}%$#;\\]{1,3}[a-z ]{0,9}", fullmatch=True))


@given(ANY)
def test_what_is_printed_is_one_word(text):
    try:
        assert printed(text) == text
    except ValueError:
        assert not is_word(text)
    else:
        assert text.split() == [text]
        assert not set(text) & set("\"'\\#{}$%;\r\n")


@given(ANY)
def test_what_is_quoted_is_one_line_and_reads_as_it_was(text):
    try:
        made = quoted(text)
    except ValueError:
        return
    assert len(made.splitlines()) == 1
    assert json.loads(made) == text


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_json_is_one_line_and_reads_as_it_was(value):
    assert len(as_json(value).splitlines()) == 1
    assert json.loads(as_json(value)) == value


@pytest.mark.parametrize("value", ["", "a b", "a\n", "a#", "a'", None, True, ["a"], b"a"])
def test_what_is_no_word_is_refused_by_its_name(value):
    with pytest.raises(ValueError, match="is not a plain word"):
        printed(value)


def test_what_is_made_of_safe_text_is_looked_at_anew():
    made = quoted("a b")

    assert printed(made) == '"a b"'
    for one in (made + "\n", made.replace("a", "\n"), made.strip('"'), "".join([made, "\n"]), made[1:]):
        with pytest.raises(ValueError, match="is not a plain word"):
            printed(one)


def test_a_hosts_own_values_are_printed_as_they_are():
    values = trusted({"bind": ":80 defer-accept", "ports": [80], "more": [{"a": "b c"}]})

    assert values == {"bind": ":80 defer-accept", "ports": [80], "more": [{"a": "b c"}]}
    assert isinstance(values, dict)
    assert isinstance(values["bind"], Safe)


@pytest.mark.parametrize("text", ["plain", "two words", 'a"b', "a\\b", "#", "'"])
def test_haproxy_reads_what_was_quoted_as_one_word(tmp_path: Path, text: str):
    lines = ("defaults", "  mode http", "  timeout client 1s", "frontend one", "  bind unix@one")
    (tmp_path / "haproxy.cfg").write_text("\n".join([*lines, f"  description {quoted(text)}\n"]))
    command = ["haproxy", "-c", "-q", "-f", str(tmp_path / "haproxy.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
