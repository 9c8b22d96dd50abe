"""The moving picture of `make demo` shows what was recorded, in a minute, and no place of its maker."""

import importlib.util
import json
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("recording", ROOT / "script" / "recording_of_demo.py")
recording = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(recording)


@pytest.fixture
def cast(tmp_path: Path) -> Path:
    """A recording of six stories, with a step each, of which the second took ten minutes."""
    events = [
        [story * 600, "o", f"\x1b[1mv{story} <&>\x1b[0m\r\n 1.0 \x1b[32m✓\x1b[0m in {ROOT}/build/lab\r\n"]
        for story in range(1, 7)
    ]
    (tmp_path / "demo.cast").write_text("\n".join(json.dumps(one) for one in [{"version": 2}, *events]))
    return tmp_path / "demo.cast"


def texts(svg: str) -> list[str]:
    return [
        "".join(one.itertext())
        for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_the_first_stories_are_drawn_line_by_line(cast):
    moments = recording.shortened(list(recording.first_stories(recording.lines(cast))))
    drawn = texts(recording.picture(moments))

    assert drawn[:3] == ["$ make demo", "v1 <&>", " 1.0 ✓ in build/lab"]
    assert len(drawn) == 1 + 2 * recording.STORIES


def test_no_wait_is_long(cast):
    moments = recording.shortened(list(recording.lines(cast)))

    assert max(after - before for (before, _), (after, _) in pairwise(moments)) <= recording.LONGEST_WAIT
    assert moments[-1][0] <= recording.WHOLE


def test_what_a_program_shows_is_recorded_and_its_exit_code_is_returned(tmp_path):
    status = recording.record(["sh", "-c", "echo one; echo two; exit 3"], tmp_path / "a.cast")

    assert status == 3
    assert [line for _, line in recording.lines(tmp_path / "a.cast")][1:] == ["one", "two"]


def test_the_picture_in_the_repository_is_small_and_whole():
    file = ROOT / "docs" / "pictures" / "demo.svg"
    shown = texts(file.read_text())

    assert file.stat().st_size < 300_000
    assert any("through CI, package, canary and production" in line for line in shown)
    assert not [line for line in shown if str(ROOT) in line]
