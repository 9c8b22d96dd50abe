"""What was published of a project, where it runs, and what can be deployed."""

from cicd.release import transitions
from cicd.release.holds import Hold, Holds
from cicd.release.record import Build, Release, Ring
from cicd.reports import versions


def entry(version: str, package: str = "greeter", repository: str = "acme/greeter") -> dict[str, str]:
    return {
        "Package": package,
        "Version": version,
        "X-Git-Commit": version * 40,
        "X-CICD-Trace": f"{repository}@{version * 40}",
    }


def listed(release: Release, last: int = 20) -> list[versions.Version]:
    commits = versions.of_project(map(entry, "1234"), {"greeter"}, "greeter", "acme/greeter")
    records = [{"version": one, "published_at": f"2026-11-2{one}T00:00:00Z"} for one in "123"]
    return versions.listed(commits, records, release, last)


def build(version: str) -> Build:
    return Build(version, "greeter", version * 40, "0" * 64, f"acme/greeter@{version * 40}")


RUNNING = Release(
    "greeter",
    rings={
        "canary": Ring("deploying", build("3"), build("2")),
        "production": Ring("healthy", build("1"), build("1")),
    },
    holds=Holds(vetoes={"2": Hold("ann", "it leaks", 0.0)}),
)


def test_versions_are_those_of_the_project_and_of_nobody_else():
    foreign = [entry("5", "other"), entry("6", repository="acme/else")]

    assert set(versions.of_project([entry("1"), *foreign], {"greeter"}, "greeter", "Acme/greeter")) == {"1"}


def test_a_package_of_before_this_pack_belongs_to_the_project_that_it_is_called_after():
    old = [{"Package": name, "Version": "1"} for name in ("greeter", "hello")]

    assert versions.of_project(old[:1], {"greeter", "hello"}, "greeter", "acme/greeter") == {"1": ""}
    assert versions.of_project(old[1:], {"greeter", "hello"}, "greeter", "acme/greeter") == {}


def test_a_project_has_the_packages_whose_names_are_its_own_whatever_it_is_called():
    entries = [entry("1", "hello"), entry("1", "hello-tools"), entry("2", "hello"), entry("3", "other")]

    assert set(versions.of_project(entries, {"hello", "hello-tools"}, "greeter", "acme/greeter")) == {
        "1",
        "2",
    }


def test_a_version_whose_package_is_not_called_after_the_project_is_deployed_by_naming_it():
    records = [{"version": "3", "package": "hello"}]
    said = versions.message(Release("greeter"), listed(Release("greeter")), 4, records)

    assert said.endswith("To deploy one: st2 run cicd.deploy project=greeter version=3 package=hello")


def test_the_newest_comes_first_and_one_that_nobody_recorded_last():
    assert [one["version"] for one in listed(Release("greeter"))] == ["3", "2", "1", "4"]


def test_each_says_where_it_runs_and_what_holds_it():
    found = {one["version"]: one for one in listed(RUNNING)}

    assert (found["3"]["rings"], found["2"]["good"]) == (["canary"], ["canary"])
    assert found["2"]["held"] == "vetoed by ann: it leaks"


def test_what_a_ring_runs_is_listed_however_old_it_is():
    assert [one["version"] for one in listed(RUNNING, last=1)] == ["3", "2", "1"]


def test_the_message_says_all_that_and_how_to_deploy_one():
    assert versions.message(RUNNING, listed(RUNNING), 4).splitlines() == [
        "4 of 4 versions of greeter, newest first:",
        "- 3  2026-11-23T00:00:00Z  on canary",
        "- 2  2026-11-22T00:00:00Z  last good on canary; vetoed by ann: it leaks",
        "- 1  2026-11-21T00:00:00Z  on production",
        "- 4",
        "To deploy one: st2 run cicd.deploy project=greeter version=3",
    ]


def test_a_lock_is_named_where_it_would_refuse_a_deploy():
    locked = transitions.hold(RUNNING, Holds(lock=Hold("ann", "db migration", 0.0)))

    last = versions.message(locked, listed(locked), 4).splitlines()[-1]
    assert last.startswith("greeter is locked by ann: db migration. When that is over: st2 run cicd.unlock")


def test_no_version_is_a_sentence():
    said = versions.message(Release("greeter"), [], 0)

    assert said == "No version of greeter is in the package repository yet."
