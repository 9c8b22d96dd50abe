"""Which rings are found to be driven by nobody, in a real Consul."""

import json
import time

import requests

from cicd.clock import Sightings
from cicd.deploy import lost_deploys
from cicd.release.record import DEPLOYING, Build, Release, Ring, to_json
from cicd.release.rollout_record import rollout_key
from cicd.store.store import Store
from tests.lib.consul_settings import changed, settings

BUILD = Build("2.0-2.abcdef0", "greeter", "a" * 40, "0" * 64, "")
AHEAD = 3600.0


def test_a_deploy_that_died_before_the_clock_was_set_back_is_found_in_its_time(consul):
    known = changed(settings(consul), "deploy", lost_after=0.2)
    seen, now = Sightings(), time.time()
    ring = Ring(DEPLOYING, BUILD, generation=1, since=now - 10)
    record = to_json(Release("greeter", 1, {"canary": ring}))
    rollout = {"state": "running", "at": now + AHEAD}
    for key, body in {"cicd/greeter/release": record, rollout_key("greeter", 1): rollout}.items():
        requests.put(f"{consul}/v1/kv/{key}", data=json.dumps(body), timeout=10).raise_for_status()
    assert list(lost_deploys.find(known, Store(known), seen)) == []
    time.sleep(0.3)

    (found,) = lost_deploys.find(known, Store(known), seen)

    assert found == ("cicd.deploy_lost", {"project": "greeter", "ring": "canary", "generation": 1})
