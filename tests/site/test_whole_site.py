"""With `SITE=whole`: a push through the five machines of a site, which test_site.py has made."""

import os

import pytest

from lab.errors import LabError
from tests.site.data import MOTTO
from tests.site.made import Site
from tests.site.world import APT, CANARY, NAMES, PRODUCTION, STACK

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_push_reaches_the_canary_and_no_other_host(made: Site):
    commit = made.push()
    answer = made.wait_canary(commit)

    assert answer["host"] == CANARY
    with pytest.raises(LabError, match="no packages found matching greeter"):
        made.run(PRODUCTION, "dpkg-query", "-W", "greeter")


def test_the_application_finds_its_environment_as_the_data_have_it(made: Site):
    process = made.process(CANARY, "greeter").partition("MainPID=")[2].split()[0]
    found = made.run(CANARY, "cat", f"/proc/{process}/environ").split("\0")

    assert {f"GREETER_HOST={made.machines.world.address(CANARY)}", f"MOTTO={MOTTO}"} <= set(found)


def test_a_run_after_it_changes_nothing_and_leaves_the_version_to_consul(made: Site):
    version = made.run(CANARY, "dpkg-query", "-W", "greeter")

    assert made.tool.apply() == dict.fromkeys(NAMES, 0)
    assert made.run(CANARY, "dpkg-query", "-W", "greeter") == version


def test_services_of_the_other_roles_are_repaired_and_haproxy_goes_on(made: Site):
    haproxy, gateway = made.process(APT, "haproxy"), made.process(STACK, "cicd-gateway")
    traffic, page = made.process(APT, "cicd-traffic"), made.process(STACK, "cicd-status")
    made.run(APT, "rm", "/etc/cicd/traffic.conf")
    made.run(STACK, "sh", "-c", "echo '# by hand' >>/etc/cicd/gateway/gateway.yaml")

    made.tool.apply(APT, STACK)

    assert made.process(APT, "cicd-traffic") != traffic
    assert made.process(STACK, "cicd-gateway") != gateway
    assert (made.process(APT, "haproxy"), made.process(STACK, "cicd-status")) == (haproxy, page)
    assert made.greeting({"X-Canary": "1"})["host"] == CANARY
