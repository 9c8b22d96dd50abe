"""A job is read as a whole or refused by its key; another one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from follow.errors import FollowError
from follow.files import Access
from render import job, jobs
from render.quiet import Quiet

GIVEN = {"template": "haproxy.cfg.j2", "destination": "/etc/haproxy/haproxy.cfg"}


def test_a_job_has_defaults_for_all_but_the_template_and_the_destination():
    found = job.parse(GIVEN)

    assert (found.check, found.apply, found.quiet_seconds, found.access) == ((), (), 1.0, Access(0, 0, 0o644))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"template": "../x"}, "`template` is neither"),
        ({"destination": "x"}, "`destination` is not a path"),
        ({"check": "haproxy -c"}, "`check` is not a list of words"),
        ({"check": ["haproxy", "-c"]}, "`check` has no word with {file}"),
        ({"apply": [["a"]]}, "`apply` is not a list of words"),
        ({"owner": "nobody-of-this-name"}, "this host has no user 'nobody-of-this-name'"),
        ({"group": 7}, "this host has no group 7"),
        ({"mode": 644}, "write it in quotes"),
        ({"mode": "4755"}, "`mode` is not one"),
        ({"quiet_seconds": -1}, "`quiet_seconds` is not a number"),
        ({"quiet_seconds": True}, "`quiet_seconds` is not a number"),
        ({"vars": ["a"]}, "`vars` is not a mapping"),
        ({"reload": ["a"]}, "`reload` is not a key"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(changed, why):
    with pytest.raises(FollowError, match=why):
        job.parse({**GIVEN, **changed})


def test_a_file_that_is_wrong_keeps_no_other_from_being_read(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("{")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(GIVEN))
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(GIVEN))
    (tmp_path / "d.yaml").write_text("- a")
    (tmp_path / "e.yaml.dpkg-old").write_text("- a")
    found, troubles = jobs.read(str(tmp_path))

    assert list(found) == ["b"]
    assert f"{tmp_path}/a.yaml: it is not YAML" in troubles[0]
    assert troubles[1:] == [
        f"{tmp_path}/d.yaml: it is not a mapping of keys to values.",
        "c.yaml: /etc/haproxy/haproxy.cfg is already that of b.yaml.",
    ]


def test_the_shipped_examples_are_jobs():
    for file in (Path(jobs.__file__).parent / "examples").glob("*.yaml"):
        assert job.parse(yaml.safe_load(file.read_text()))


def test_a_text_is_taken_once_nothing_changes_any_more_or_it_has_waited_long():
    quiet = Quiet()

    assert not quiet.is_over("a", 0, 2)
    assert not quiet.is_over("b", 1.9, 2)
    assert not quiet.is_over("b", 3.8, 2)
    assert quiet.is_over("b", 3.9, 2)
    assert [quiet.is_over(str(number), number, 2) for number in (18, 19, 20)] == [False, False, True]
    quiet.end()
    assert not quiet.is_over("c", 30, 2)
    assert Quiet().is_over("a", 0, 0)
