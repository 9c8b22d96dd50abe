"""What hosts read is written again only when it is not what holds, on a real Consul."""

import requests

from cicd.config import Settings
from cicd.deploy import stale_documents
from cicd.release import transitions
from cicd.release.record import Cause
from cicd.store.store import Store
from tests.lib.consul_settings import settings
from tests.lib.store.test_store import build

CAUSE = Cause("ann", "deploy", 1.0, "e1")
OPEN = [{"from": "* * * * *", "until": "0 0 29 2 *", "zone": "UTC", "reason": "stock-taking"}]


def deployed(consul: str) -> tuple[Settings, Store]:
    requests.delete(f"{consul}/v1/kv/?recurse", timeout=10)
    known = settings(consul)
    store = Store(known)
    store.change(
        "greeter",
        "advertise_canary",
        "canary",
        CAUSE,
        lambda r: transitions.advertise_canary(r, build(1), 1.0),
    )
    return known, store


def test_nothing_is_due_while_hosts_read_what_holds(consul):
    assert list(stale_documents.find(*deployed(consul))) == []


def test_a_document_that_somebody_changed_is_due_until_it_is_written_again(consul):
    known, store = deployed(consul)
    requests.put(f"{consul}/v1/kv/cicd/greeter/wanted/canary", data="version=0.9", timeout=10)

    assert list(stale_documents.find(known, store)) == [("cicd.refresh_due", {"projects": ["greeter"]})]
    store.refresh("greeter")
    assert list(stale_documents.find(known, store)) == []


def test_a_freeze_window_that_opened_is_due(consul):
    deployed(consul)
    opened = settings(consul, freeze_windows=OPEN)

    assert list(stale_documents.find(opened, Store(opened))) == [
        ("cicd.refresh_due", {"projects": ["greeter"]})
    ]
