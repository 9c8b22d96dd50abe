"""What a release promised is there, and asks for nothing new."""

import pytest

from reference import pack, stable

ACTION = "action cicd.deploy"


def test_nothing_that_was_promised_is_gone():
    broken = stable.broken()

    assert not broken, "\n".join(["docs/stability.md promises what changed here:", *broken])


def test_something_of_each_kind_is_promised():
    kinds = {line.split()[0] for line in stable.promised()}

    assert kinds == {
        "action", "chat", "host", "metric", "notice", "program", "setting", "trigger", "webhook"
    }  # fmt: skip
    assert len(stable.promised()) > 500


@pytest.mark.parametrize(
    "line",
    [
        "action cicd.rename_me",
        f"{ACTION} parameter verison: string",
        "trigger cicd.ring_promotable field colour: string",
        "setting consul.adress: string",
        "host report sunny",
    ],
)
def test_a_name_that_disappears_is_reported(line, monkeypatch):
    monkeypatch.setattr(stable, "promised", lambda: [*stable.stable(), line])

    assert stable.broken() == [f"gone: {line}"]


def test_a_parameter_that_callers_must_give_from_now_on_is_reported(monkeypatch):
    now = stable.stable()
    line = f"{ACTION} parameter version: string required"
    monkeypatch.setattr(stable, "promised", lambda: [one for one in now if one != line])

    assert stable.broken() == [f"new: {line}"]


def test_a_new_action_may_ask_for_what_it_likes(monkeypatch):
    now = stable.stable()
    monkeypatch.setattr(stable, "promised", lambda: [one for one in now if not one.startswith(ACTION)])

    assert stable.broken() == []


def test_the_promise_is_of_the_version_of_the_pack(tmp_path, monkeypatch):
    monkeypatch.setattr(stable, "FILE", tmp_path / "stable.txt")
    stable.promise()

    assert f"cicd {pack.about()['version']} promises" in (tmp_path / "stable.txt").read_text()
    assert stable.promised() == stable.stable()
