"""What `get_release` asks of Consul, and that a long history changes none of it."""

import json
import re

import pytest
import requests

from cicd.clients import consul as kv
from cicd.clients.consul import set_
from cicd.release import transitions
from cicd.release.record import Cause, audit, to_json
from cicd.release.transitions import Release
from cicd.reports import overview
from cicd.store.store import Store
from tests.lib.consul_settings import settings
from tests.lib.store.test_store import build

LONG = 10_000
AT_ONCE = 60  # of the 64 operations that Consul takes in one transaction


def remember(store: Store, changes: int) -> None:
    """Give the project a history of *changes*, as that many deploys to canary would leave it."""
    known = transitions.advertise_canary(Release("greeter", changes - 1), build(1), 1.0)
    entry = audit(known, known, "advertise_canary", "canary", Cause("ann", "deploy", 1.0, "e1"))
    written = [set_("cicd/greeter/release", json.dumps(to_json(known)))]
    for number in range(1, changes + 1):
        text = json.dumps({**entry, "generation": number})
        written.append(set_(f"cicd/greeter/history/{number:08d}", text))
    for start in range(0, len(written), AT_ONCE):
        assert store.commit(written[start : start + AT_ONCE])


def asked(url: str, changes: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], int, dict]:
    """Return what a look at *changes* changes asks of Consul, the bytes of its answers, and the result."""
    requests.delete(f"{url}/v1/kv/?recurse", timeout=10).raise_for_status()
    remember(Store(settings(url)), changes)
    paths, sizes, send = [], [], kv.Impatient.send

    def counted(self, request, **options):
        answer = send(self, request, **options)
        paths.append(re.sub(r"\d+", "N", str(request.path_url)))
        sizes.append(len(answer.content))
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(kv.Impatient, "send", counted)
        result = overview.project_status(settings(url), "greeter")
    return paths, sum(sizes), result


def test_a_release_with_a_long_history_costs_the_same_questions_and_answers(consul, monkeypatch):
    short, long = (asked(consul, changes, monkeypatch) for changes in (overview.HISTORY_ENTRIES, LONG))

    assert long[0] == short[0]
    assert long[1] - short[1] <= 20 * (overview.HISTORY_ENTRIES + len(long[0]))  # numbers with more digits
    newest = [entry["generation"] for entry in long[2]["history"]]
    assert newest == list(range(LONG, LONG - overview.HISTORY_ENTRIES, -1))
    assert len(json.dumps(long[2])) < 10_000
