"""Every action and alias, with whatever a caller may add: production stays what it may be."""

import itertools
import json
from typing import Any

import pytest
import requests

from cicd.release import record
from cicd.store.store import Store
from tests.conformance.rest import Rest
from tests.fuzz.conftest import GOOD, seed
from tests.lib.consul_settings import settings
from tests.pack.test_contract import ACTIONS, ALIASES

WRONG = "9.9-9.9999999"
GIVEN = {
    "project": "greeter",
    "version": WRONG,
    "ring": "production",
    "reason": "fuzz",
    "role": "root",
    "commit": "2" * 40,
    "generation": 2,
    "hosts": [],
    "host": "web1",
    "user": "root",
    "branch": "main",
    "repository": "acme/greeter",
    "status": "firing",
    "check": "errors",
}
EXTRA: dict[str, Any] = {
    "version": WRONG,
    "ring": "production",
    "production": True,
    "user": "root",
    "force": True,
    "min_bake_seconds": 0,
    "generation": 10**6,
    "plan": "0-000000000000-000000000000",
    "api_user": "root",
    "config": {"access": {}},
    "exempt": 1,
}
ODD: list[Any] = [
    None,
    True,
    7,
    1.5,
    [],
    ["greeter"],
    {},
    {"name": "greeter"},
    "",
    " greeter",
    "greeter\n",
    "GREETER/../greeter",
    "gr\u0435eter",
    "greeter\u200b",
    "\u202egreeter",
    "\uff47reeter",
    "everything",
    "{{ config_context }}",
    "<% ctx() %>",
    "greeter::version",
    "../greeter",
    "x" * 5000,
]
SPOKEN = {
    "reason": "fuzz",
    "role": "root",
    "ring": "canary",
    "plan": EXTRA["plan"],
    "version": WRONG,
    "host": "web1",
}


def production(consul: str) -> tuple[str, str, str]:
    """Return what production is wanted to run: by the record, the contract key and the hosts' document."""
    known = Store(settings(consul)).release("greeter").ring("production").wanted
    key = requests.get(f"{consul}/v1/kv/greeter::version?raw", timeout=10).text
    document = requests.get(f"{consul}/v1/kv/cicd/greeter/wanted/production?raw", timeout=10).text
    assert known is not None
    return known.version, key, next(line for line in document.splitlines() if line.startswith("version="))


def unmoved(consul: str) -> None:
    assert production(consul) == (GOOD.version, GOOD.version, f"version={GOOD.version}")


def base(action: str) -> dict[str, Any]:
    parameters = ACTIONS[action]["parameters"]
    return {n: GIVEN[n] for n, schema in parameters.items() if n in GIVEN and not schema.get("immutable")}


def ask(engine: Rest, action: str, parameters: dict[str, Any]) -> str | None:
    """Ask for an execution; None when it is refused before anything ran."""
    answer = engine.ask("POST", "/executions", {"action": f"cicd.{action}", "parameters": parameters})
    assert answer.status_code in (201, 400, 403, 404), answer.text
    return answer.json()["id"] if answer.status_code == 201 else None


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_parameters_that_an_action_does_not_have_are_refused_before_it_runs(engine, consul, action):
    own = ACTIONS[action]["parameters"]
    for name, value in EXTRA.items():
        if name not in own or own[name].get("immutable"):
            assert ask(engine, action, {**base(action), name: value}) is None, name
    unmoved(consul)


def test_a_project_of_odd_type_or_look_alike_name_reaches_no_release(engine, consul):
    public = sorted({alias["action_ref"].removeprefix("cicd.") for alias in ALIASES.values()})
    started = [ask(engine, action, {**base(action), "project": odd}) for action in public for odd in ODD]
    for identifier in filter(None, started):
        engine.wait(identifier, seconds=300)
    unmoved(consul)
    keys = requests.get(f"{consul}/v1/kv/cicd/?keys", timeout=10).json()
    assert {key.split("/")[1] for key in keys} <= {"greeter", record.EVERYTHING, "_", ".sensors"}


def test_actions_called_by_themselves_at_once_move_production_nowhere(engine, consul):
    started = [ask(engine, action, base(action)) for action in sorted(ACTIONS)]
    for ended in (engine.wait(one, seconds=300) for one in started if one):
        assert len(json.dumps(ended["result"])) < 20_000
    unmoved(consul)
    seed(consul)


def spoken(display: str) -> str:
    """Return what a person says, by what the help shows."""
    words = display.split()
    return " ".join(SPOKEN.get(word.strip("<>"), "greeter") if "<" in word else word for word in words)


def test_no_trailing_words_turn_a_command_into_another(engine, consul):
    started = []
    for alias in ALIASES.values():
        parameters = ACTIONS[alias["action_ref"].removeprefix("cicd.")]["parameters"]
        closed = {n for n, schema in parameters.items() if schema.get("immutable")}
        closed |= set(alias.get("immutable_parameters") or {})
        for entry, (name, value) in itertools.product(alias["formats"], EXTRA.items()):
            words = f"{spoken(entry['display'])} {name}={json.dumps(value)}"
            body = {"command": words, "user": "root", "source_channel": "x"}
            answer = engine.ask("POST", "/aliasexecution/match_and_execute", body)
            if answer.status_code == 201:
                assert name in parameters.keys() - closed, words
                started.append(answer.json()["results"][0]["execution"]["id"])
    for identifier in started:
        engine.wait(identifier, seconds=300)
    unmoved(consul)
