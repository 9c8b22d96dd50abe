"""Templates through every webhook, action and alias: nothing evaluates them, and no workflow holds one."""

from __future__ import annotations

import itertools
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conformance.rest import COMPLETED, Rest
from tests.fuzz.conftest import CONFIGURED
from tests.fuzz.test_callers import GIVEN, SPOKEN, base
from tests.pack.test_contract import ACTIONS, ALIASES, RULES

EXAMPLES = int(os.environ.get("TEMPLATE_EXAMPLES", "25"))
STORED, PRODUCT, MARK = "stored-91d7", str(1_234_577 * 7), "executed-by-a-template"
OPENER = re.compile(r"\{\{|\{%|\{#|<%")
COMMIT = "4" * 40
HOOKS = sorted(
    rule["trigger"]["parameters"]["url"].removeprefix("cicd/")
    for rule in RULES.values()
    if rule["trigger"]["type"] == "core.st2.webhook"
)


def templates(folder: Path) -> list[str]:
    """Return texts that, evaluated anywhere, leave a canary in the results or a file in *folder*."""
    shell = f"cycler.__init__.__globals__.os.popen('touch {folder / MARK}').read()"
    return [
        f"{{{{ {shell} }}}}",
        f"{{% if {shell} %}}x{{% endif %}}",
        "{{ st2kv.system.kept }}",
        "{%- print(1234577 * 7) -%}",
        "{{ config_context.jenkins.user }}{# a comment #}",
        "{# {{ 1234577 * 7 }} #}{{ 1234577 * 7 }}",
        "<% st2kv('system.kept') %>",
        "<% 1234577 * 7 %>",
        "<% ctx().st2.user %>{{ 1234577 * 7 }}",
        "{{ '{' }}{ 1234577 * 7 }}",
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="module", autouse=True)
def kept(engine: Rest) -> None:
    answer = engine.ask("PUT", "/keys/kept", {"name": "kept", "value": STORED})
    assert answer.status_code == 200, answer.text


def rested(engine: Rest) -> list[dict[str, Any]]:
    """Return every execution, once nothing runs any more, and nothing new began for two seconds."""
    before = -1
    for _ in range(300):
        found = list(executions(engine))
        if len(found) == before and all(one["status"] in COMPLETED for one in found):
            return found
        before = len(found)
        time.sleep(2)
    raise AssertionError("it never came to rest")


def executions(engine: Rest) -> Iterator[dict[str, Any]]:
    for offset in itertools.count(0, 100):
        page = engine.get(f"/executions/?limit=100&offset={offset}&include_attributes=")
        yield from page
        if len(page) < 100:
            return


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from strings([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def nothing_was_evaluated(engine: Rest, consul: str, folder: Path) -> None:
    ended = rested(engine)
    values = requests.get(f"{consul}/v1/kv/?recurse", timeout=10).text
    seen = [[one["parameters"], one.get("result"), one.get("stderr")] for one in ended]
    everything = json.dumps(seen) + values

    assert not (folder / MARK).exists()
    assert [word for word in (STORED, CONFIGURED, PRODUCT) if word in everything] == []
    flows = [one for one in ended if "workflow_execution" in one["context"]]
    held = [[one["parameters"], one.get("result")] for one in flows]
    assert [text[:200] for text in strings(held) if OPENER.search(text)] == []


def placed(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return *leaf* by itself, among other text, and in lists and objects, as a key, too."""
    long = leaf.map(lambda text: f"{'x' * 20_000}{text}\n{text}")
    inner = leaf | long | st.sampled_from(["web1", "", 7, None, True])
    nested = st.recursive(
        inner, lambda more: st.lists(more, max_size=3) | st.dictionaries(leaf, more, max_size=2), max_leaves=6
    )
    return leaf | long | nested


def bodies(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies of webhooks in which anything may be a template, and most is as it should be."""
    odd = placed(leaf)

    def often(right: Any) -> st.SearchStrategy[Any]:
        return st.just(right) | st.just(right) | odd

    commit = st.fixed_dictionaries(
        {"id": often(COMMIT), "message": odd, "timestamp": odd, "author": odd, "added": odd}
    )
    push = {
        "ref": often("refs/heads/main"),
        "before": often("3" * 40),
        "after": often(COMMIT),
        "repository": st.fixed_dictionaries({"full_name": often("acme/greeter"), "description": odd}) | odd,
        "pusher": st.fixed_dictionaries({"name": often("ann"), "email": odd}),
        "head_commit": commit | odd,
        "commits": st.lists(commit | odd, max_size=2) | odd,
    }
    build = {"number": often(7), "phase": often("FINALIZED"), "status": often("SUCCESS"), "full_url": odd}
    parameters = st.fixed_dictionaries({"COMMIT": often(COMMIT), "TRACE": odd})
    jenkins = {"name": often("greeter"), "build": st.fixed_dictionaries({**build, "parameters": parameters})}
    alarm = {"project": often("greeter"), "status": often("firing"), "host": odd, "check": odd, "source": odd}
    ran = {"id": often(10**10), "head_sha": often(COMMIT), "event": often("workflow_dispatch")}
    ended = {"path": often(".github/workflows/ci.yaml"), "conclusion": often("success"), "display_title": odd}
    run = {"action": often("completed"), "workflow_run": st.fixed_dictionaries({**ran, **ended}) | odd}
    return st.fixed_dictionaries({**push, **jenkins, **alarm, **run}, optional={"cicd": odd, "created": odd})


def test_nothing_evaluates_a_template_in_any_webhook(engine, consul, folder):
    leaf = st.sampled_from(templates(folder))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(bodies(leaf), leaf)
    def post(body: dict[str, Any], text: str) -> None:
        headers = {"X-GitHub-Delivery": text, "St2-Trace-Tag": text}
        for hook, kind in [*((hook, "push") for hook in set(HOOKS)), ("github", "workflow_run")]:
            told = {**headers, "X-GitHub-Event": kind}
            answer = engine.ask("POST", f"/webhooks/cicd/{hook}", body, headers=told)
            assert answer.status_code in (202, 400), answer.text

    post()
    nothing_was_evaluated(engine, consul, folder)


@pytest.mark.parametrize("marked", [True, False], ids=["as from a gateway", "as from GitHub"])
def test_a_push_whose_message_is_a_template_is_a_push_like_any_other(engine, consul, folder, marked):
    for number, text in enumerate(templates(folder)):
        commit = f"{number:x}" * 20 + ("e" if marked else "f") * 20
        body = {
            "ref": "refs/heads/main",
            "after": commit,
            "repository": {"full_name": "acme/greeter"},
            "head_commit": {"message": text},
            **({"cicd": {"skip_ci": True, "paths": [text]}} if marked else {}),
        }
        assert engine.ask(
            "POST", "/webhooks/cicd/github", body, headers={"X-GitHub-Event": "push"}
        ).is_success

    nothing_was_evaluated(engine, consul, folder)
    flows = [one for one in executions(engine) if one["action"]["ref"] == "cicd.git_push"]
    assert {one["status"] for one in flows if one["parameters"]["commit"].endswith("e" * 20)} <= {"succeeded"}
    assert flows


def hostile(schema: dict[str, Any], text: str) -> list[Any]:
    """Return values of the type of *schema* that hold *text*."""
    kind = schema.get("type")
    if kind == "array":
        return [[text], [{text: [text]}]]
    if kind == "object":
        return [{text: text}, {"name": text, "address": {"inner": [text]}}]
    return [text, f"{'x' * 20_000}{text}"]


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_nothing_evaluates_a_template_in_the_parameters_of_an_action(engine, consul, folder, action):
    """StackStorm renders what a caller gives once, as the caller: `raw` makes of that the text itself."""
    for name, schema in ACTIONS[action]["parameters"].items():
        for text in templates(folder)[:: 1 if name == "event" else 5]:
            for value in hostile(schema, f"{{% raw %}}{text}{{% endraw %}}"):
                body = {"action": f"cicd.{action}", "parameters": {**base(action), name: value}}
                answer = engine.ask("POST", "/executions", body)
                assert answer.status_code in (201, 400), answer.text
                if ACTIONS[action]["runner_type"] == "orquesta":
                    assert answer.status_code == 400, f"{name}: {value}"
    assert not (folder / MARK).exists()


def test_nothing_that_callers_gave_to_actions_was_evaluated(engine, consul, folder):
    nothing_was_evaluated(engine, consul, folder)


def said(display: str, slot: int, text: str) -> str:
    """Return what a person says by what the help shows, with *text* in place of the parameter *slot*."""
    words, at = [], -1
    for word in display.split():
        if "<" in word:
            at += 1
            given = SPOKEN.get(word.strip("<>"), GIVEN.get(word.strip("<>"), "greeter"))
            word = text if at == slot else str(given)
        words.append(word)
    return " ".join(words)


def test_nothing_evaluates_a_template_that_is_said_in_chat(engine, consul, folder):
    for alias in ALIASES.values():
        for entry in alias["formats"]:
            for slot in range(entry["display"].count("<")):
                for text in templates(folder)[slot::5]:
                    # What the chat server calls a person is rendered once by StackStorm's notifier.
                    person = f"{{% raw %}}{text}{{% endraw %}}"
                    body = {"command": said(entry["display"], slot, text), "user": person}
                    engine.ask("POST", "/aliasexecution/match_and_execute", {**body, "source_channel": "x"})

    nothing_was_evaluated(engine, consul, folder)
