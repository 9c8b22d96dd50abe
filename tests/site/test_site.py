"""
A site from five bare machines, by each tool of configuration management.

The tests follow each other: what the first one made is what the next ones find.
"""

import os

import pytest

from cicd import config
from cicd.onboarding import host_files
from cicd.onboarding.wanted import Request, Wanted
from cicd.release.host import Host
from lab.errors import LabError
from tests.site import data
from tests.site.made import Site
from tests.site.world import APT, BUILD, CANARY, PRODUCTION, STACK

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ALL = {STACK, BUILD, APT, CANARY, PRODUCTION}
SERVICE = "/etc/consul.d/cicd-greeter.json"
HAPROXY = "/etc/haproxy/haproxy.cfg"


def test_a_look_at_bare_machines_says_that_all_change_and_changes_none(made: Site):
    previewed = made.tool.preview()

    assert set(previewed) == ALL
    assert min(previewed.values()) > 0
    assert made.run(CANARY, "sh", "-c", "ls /etc/cicd /etc/consul.d 2>/dev/null || true") == ""


def test_the_first_run_makes_all_machines(made: Site):
    changed = made.tool.apply()
    made.grant()

    assert set(changed) == ALL
    assert min(changed.values()) > 0


def test_a_host_has_the_files_that_adding_the_project_would_give_it(made: Site):
    settings = config.parse(data.pack(made.machines.places, made.machines.world))
    request: Request = {"hosts": {"canary": [CANARY], "production": [PRODUCTION]}, "port": 8080}
    request = {**request, "health": "/health", "unit": "greeter.service"}
    wanted = Wanted(settings.project("greeter"), settings, request)
    host = Host(CANARY, made.machines.world.address(CANARY))

    for path, text in host_files.files(wanted, host, made.token(f"{CANARY}.converge")).items():
        assert made.run(CANARY, "cat", path) == text


def test_a_push_reaches_the_canary_and_no_other_host(made: Site):
    commit = made.push()
    answer = made.wait_canary(commit)

    assert answer["host"] == CANARY
    with pytest.raises(LabError, match="no packages found matching greeter"):
        made.run(PRODUCTION, "dpkg-query", "-W", "greeter")


def test_the_second_run_changes_nothing_and_leaves_the_version_to_consul(made: Site):
    version = made.run(CANARY, "dpkg-query", "-W", "greeter")

    assert made.tool.apply() == dict.fromkeys(ALL, 0)
    assert made.run(CANARY, "dpkg-query", "-W", "greeter") == version


def test_what_was_edited_or_deleted_is_repaired_and_only_what_reads_it_is_restarted(made: Site):
    service, haproxy = made.run(CANARY, "cat", SERVICE), made.run(APT, "cat", HAPROXY)
    watch = made.process(CANARY, "cicd-converge-watch@greeter")
    others = [made.process(CANARY, "consul"), made.process(APT, "haproxy"), made.process(APT, "cicd-traffic")]
    made.run(CANARY, "rm", SERVICE)
    made.run(CANARY, "sh", "-c", "echo DRAIN_SECONDS=600 >>/etc/cicd/converge.conf")
    made.run(APT, "sh", "-c", f"echo '# by hand' >>{HAPROXY}")

    changed = made.tool.apply(CANARY, APT)

    assert min(changed.values()) > 0
    assert (made.run(CANARY, "cat", SERVICE), made.run(APT, "cat", HAPROXY)) == (service, haproxy)
    assert "600" not in made.run(CANARY, "cat", "/etc/cicd/converge.conf")
    assert made.process(CANARY, "cicd-converge-watch@greeter") != watch
    assert others == [
        made.process(CANARY, "consul"),
        made.process(APT, "haproxy"),
        made.process(APT, "cicd-traffic"),
    ]
    assert made.greeting({"X-Canary": "1"})["host"] == CANARY
