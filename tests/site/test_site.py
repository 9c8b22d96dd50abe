"""
A site from bare machines, by each tool of configuration management; `SITE=whole` makes all five.

The tests follow each other: what the first one made is what the next ones find.
"""

import os

import pytest

from cicd import config
from cicd.onboarding import host_files
from cicd.onboarding.wanted import Request, Wanted
from cicd.release.host import Host
from tests.site import data
from tests.site.made import Site
from tests.site.world import APT, CANARY, NAMES, PRODUCTION

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SERVICE, SETTINGS = "/etc/consul.d/cicd-greeter.json", "/etc/cicd/converge.conf"
WATCH = "cicd-converge-watch@greeter"


def test_a_look_at_bare_machines_says_that_all_change_and_changes_none(bare: Site):
    previewed = bare.tool.preview()

    assert set(previewed) == set(NAMES)
    assert min(previewed.values()) > 0
    assert bare.run(CANARY, "sh", "-c", "ls /etc/cicd /etc/consul.d 2>/dev/null || true") == ""


def test_the_first_run_makes_all_machines(made: Site):
    assert set(made.first) == set(NAMES)
    assert min(made.first.values()) > 0


def test_consul_knows_the_tokens_and_a_second_grant_changes_nothing(made: Site):
    assert made.grant().endswith("; nothing changed.\n")


def test_a_host_has_the_files_that_adding_the_project_would_give_it(made: Site):
    settings = config.parse(data.pack(made.machines.places, made.machines.world))
    request: Request = {"hosts": {"canary": [CANARY], "production": [PRODUCTION]}, "port": 8080}
    request = {**request, "health": "/health", "unit": "greeter.service"}
    wanted = Wanted(settings.project("greeter"), settings, request)
    host = Host(CANARY, made.machines.world.address(CANARY))

    for path, text in host_files.files(wanted, host, made.token(f"{CANARY}.converge")).items():
        assert made.run(CANARY, "cat", path) == text


def test_the_file_that_says_where_the_application_listens_is_open_to_nobody_else(made: Site):
    assert made.run(CANARY, "stat", "-c", "%a %U:%G", "/etc/default/greeter") == "640 root:root\n"


def test_all_tools_write_the_same_files(made: Site, written: dict[str, dict[str, str]]):
    written[made.tool.name] = made.written()

    for machine, text in written[made.tool.name].items():
        assert "/etc/consul.d/agent.json 644 root:root\n" in text
        assert text == next(iter(written.values()))[machine]


def test_the_second_run_changes_nothing(made: Site):
    assert made.tool.apply() == dict.fromkeys(NAMES, 0)


def test_what_was_edited_or_deleted_is_repaired_and_only_what_reads_it_is_restarted(made: Site):
    service, settings = made.run(CANARY, "cat", SERVICE), made.run(CANARY, "cat", SETTINGS)
    watch, consul = made.process(CANARY, WATCH), made.process(CANARY, "consul")
    made.run(CANARY, "rm", SERVICE)
    made.run(CANARY, "sh", "-c", f"echo DRAIN_SECONDS=600 >>{SETTINGS}")

    changed = made.tool.apply(CANARY)

    assert changed[CANARY] > 0
    assert (made.run(CANARY, "cat", SERVICE), made.run(CANARY, "cat", SETTINGS)) == (service, settings)
    assert made.process(CANARY, WATCH) != watch
    assert made.process(CANARY, "consul") == consul


def test_other_bytes_of_a_published_version_are_refused(made: Site):
    (package,) = (made.machines.places.root / "files" / "packages").glob("cicd-converge_*.deb")
    published = package.read_bytes()
    package.write_bytes(published + b"\n")

    for run in (made.tool.preview, made.tool.apply):
        with pytest.raises(AssertionError, match=f"packages/{package.name} is not the cicd-converge "):
            run(APT)

    package.write_bytes(published)
    assert made.tool.apply(APT) == {APT: 0}


def test_a_look_at_what_is_made_says_that_nothing_changes(made: Site):
    assert made.tool.preview(CANARY) == {CANARY: 0}
