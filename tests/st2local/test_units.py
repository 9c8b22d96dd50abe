"""The small parts: schedules, paths, versions, formats, casts, templates."""

from __future__ import annotations

import ast
import itertools
import marshal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import st2local
from st2local import jsonpath, version
from st2local.content import schema
from st2local.database import Database
from st2local.datastore import Datastore
from st2local.engine.alias_format import NoMatchError, extract
from st2local.engine.timers import CRON, schedule
from st2local.errors import ParamError, RefusedError
from st2local.parameters import Rendering, cast, render_final, render_live
from st2local.runners import python_script
from st2local.templates import Templates


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "after", "due"),
    [
        ({"minute": 30}, "2026-01-01T00:00:00", "2026-01-01T00:30:00"),
        ({"hour": 3}, "2026-01-01T03:00:00", "2026-01-02T03:00:00"),
        ({"day_of_week": "mon-fri", "hour": 9}, "2026-01-03T00:00:00", "2026-01-05T09:00:00"),
        ({"second": "*/20"}, "2026-01-01T00:00:05", "2026-01-01T00:00:20"),
        ({"month": "feb", "day": 29}, "2026-03-01T00:00:00", "2028-02-29T00:00:00"),
        ({"minute": "5,10-12"}, "2026-01-01T00:05:00", "2026-01-01T00:10:00"),
        ({"day": "last"}, "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ({"day": "2nd fri"}, "2026-01-01T00:00:00", "2026-01-09T00:00:00"),
        ({"day": "last sun", "hour": 2}, "2026-03-01T00:00:00", "2026-03-29T02:00:00"),
        ({"year": 2020}, "2026-01-01T00:00:00", None),
    ],
)
def test_cron_is_due_when_all_fields_fit(fields: dict[str, Any], after: str, due: str | None) -> None:
    found = schedule(CRON, fields)(moment(after))
    assert found == (moment(due) if due else None)


def test_cron_keeps_to_its_time_zone() -> None:
    found = schedule(CRON, {"hour": 3, "timezone": "Europe/Berlin"})(moment("2026-07-01T00:00:00"))
    assert found == moment("2026-07-01T01:00:00")


@pytest.mark.parametrize("fields", [{"minute": 75}, {"minute": "x"}, {"hour": "5-2"}, {"day": "1--2"}])
def test_cron_refuses_what_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        schedule(CRON, fields)


def test_an_interval_counts_from_the_last_time() -> None:
    following = schedule("core.st2.IntervalTimer", {"unit": "minutes", "delta": 5})
    assert following(moment("2026-01-01T00:00:00")) == moment("2026-01-01T00:05:00")


def test_a_date_is_due_once() -> None:
    following = schedule("core.st2.DateTimer", {"date": "2026-01-01 12:00:00"})
    assert following(moment("2026-01-01T00:00:00")) == moment("2026-01-01T12:00:00")
    assert following(moment("2026-01-01T12:00:00")) is None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[0]", [1]),
        ("a['b'][1]", [2]),
        ('a."b"', [[1, 2]]),
        ("a.b[*]", [1, 2]),
        ("$.a.b[-1]", [2]),
        ("c-d.e", ["x"]),
        ("a.none.b", []),
        ("a.b[9]", []),
        ("$..e", ["x"]),
        ("a.b[0:1]", [1]),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    assert jsonpath.find({"a": {"b": [1, 2]}, "c-d": {"e": "x"}}, path) == found


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a path"):
        jsonpath.find({}, "a[")


def test_versions_order_as_semver_says() -> None:
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
    ]
    for left, right in itertools.pairwise(ordered):
        assert version.less_than(left, right)
        assert version.more_than(right, left)
    assert version.equal("1.0.0+a", "1.0.0+b")
    with pytest.raises(ValueError, match="not valid SemVer"):
        version.compare("1.0", "1.0.0")


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r'\"{}="), min_size=1).map(str.strip)
)
def test_any_plain_words_come_through_a_format(words: str) -> None:
    if not words or not words.strip():
        return
    try:
        (found,) = extract("say {{words}}", f"say {words}")
    except NoMatchError:
        return
    assert found["words"].strip() == words.strip() or words.strip() != words


def test_a_command_that_is_none_of_a_format_is_refused() -> None:
    with pytest.raises(NoMatchError, match='Command "deploy" doesn\'t match'):
        extract("deploy {{project}}", "deploy")


def test_casts() -> None:
    assert cast("5", {"type": "integer"}) == 5
    assert cast("true", {"type": "boolean"}) is True
    assert cast(None, {"type": "integer"}) is None
    assert cast("%*****__%NONE%__*****%", {"type": "string"}) is None
    with pytest.raises(ParamError, match="invalid literal"):
        cast("x", {"type": "integer"})


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    store = Datastore(Database(tmp_path / "db"), tmp_path / "key")
    store.set("word", "from the datastore")
    store.set("hidden", "secret", secret=True)
    return Templates(store)


def test_parameters_are_rendered_in_order_of_need(templates: Templates) -> None:
    own = {"a": {"default": "{{ b }}!"}, "b": {"default": "{{ st2kv.system.word }}"}, "c": {}}
    live = render_live(Rendering(templates, {}, {}), {"c": "{{ a }}"}, own, {})
    assert live == {"a": "from the datastore!", "b": "from the datastore", "c": "from the datastore!"}


def test_values_that_were_rendered_are_not_rendered_again(templates: Templates) -> None:
    rendering = Rendering(templates, {}, {"token": "t"})
    runner, own = render_final(
        rendering, {"a": "{{ config_context.token }}"}, {"a": {}}, {"timeout": {"default": 5}}
    )
    assert own == {"a": "{{ config_context.token }}"}
    assert runner == {"timeout": 5}


def test_a_secret_key_is_only_read_by_who_decrypts(templates: Templates) -> None:
    context = {"st2kv": templates.datastore(None)}
    assert "secret" not in templates.render("{{ st2kv.system.hidden }}", context)
    assert templates.render("{{ st2kv.system.hidden | decrypt_kv }}", context) == "secret"


def test_a_template_reaches_nothing_of_python(templates: Templates) -> None:
    with pytest.raises(Exception, match=r"unsafe|undefined"):
        templates.render("{{ ''.__class__.__mro__[1].__subclasses__() }}", {})


def test_a_ciphertext_of_another_key_is_refused(tmp_path: Path) -> None:
    first = Datastore(Database(tmp_path / "a"), tmp_path / "first")
    second = Datastore(Database(tmp_path / "b"), tmp_path / "second")
    with pytest.raises(RefusedError, match="not encrypted with this server's key"):
        second.decrypt(first.encrypt("x"))
    assert (tmp_path / "first").stat().st_mode & 0o077 == 0


def test_required_properties_are_found_at_every_depth() -> None:
    nested = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {"b": {"required": True}}}},
    }
    assert schema.errors({"a": {}}, nested) == [(["a"], "a: 'b' is a required property")]


def test_required_as_a_list_is_refused_with_whatever_it_checks():
    listed = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}

    with pytest.raises(ParamError, match=r"\['a'\] is not of type 'boolean'"):
        schema.check({"a": "there"}, listed)


def _write_and_fail(database: Database) -> None:
    with database.transaction():
        database.execute("INSERT INTO traces VALUES ('a', 'b', 'c')")
        assert database.value("SELECT count(*) FROM traces") == 1
        raise ZeroDivisionError


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(database)
    assert database.value("SELECT count(*) FROM traces") == 0
    database.close()


def test_it_imports_nothing_of_the_pack_the_lab_or_the_gateway() -> None:
    root = Path(st2local.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names}
            assert not tops & {"cicd", "lab", "gateway", "demo", "tests", "bench"}, path


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    root = Path(st2local.__file__).parent
    assert [path for path in root.rglob("*.py") if len(path.read_text().splitlines()) > 300] == []


def test_what_an_action_returns_is_read_whole_or_not_at_all() -> None:
    whole = b"M" + marshal.dumps((True, {"a": [1, (2, 3)]}))
    sized = len(whole).to_bytes(8, "big") + whole
    assert python_script._message(sized) == (True, {"a": [1, [2, 3]]})
    assert python_script._message(sized[:-3]) == (None, "None")
    assert python_script._message(b"") == (None, "None")


def test_what_is_no_json_is_shown_as_text() -> None:
    for status, result in ((None, {1: 2}), (None, {"a": {3, 4}})):
        data = b"M" + marshal.dumps((status, result))
        found = python_script._message(len(data).to_bytes(8, "big") + data)
        assert found == (None, f"{result}, 'status': None}}")
