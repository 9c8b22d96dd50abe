"""Versions as dpkg orders them."""

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cicd.errors import InputError, ProjectError
from cicd.release.version import comes_before, order, package_version

COMMIT = st.text("0123456789abcdef", min_size=40, max_size=40)
UPSTREAM = st.from_regex(r"\A[0-9][A-Za-z0-9.+~]{0,10}\Z")


@given(UPSTREAM, st.integers(1, 10**6), st.integers(1, 10**6), COMMIT, COMMIT)
@settings(max_examples=40)
def test_a_later_commit_always_sorts_higher_for_dpkg(upstream, commits, more, earlier, later):
    old = package_version(upstream, commits, earlier)
    new = package_version(upstream, commits + more, later)

    assert subprocess.run(["dpkg", "--compare-versions", old, "lt", new]).returncode == 0


SIMILAR = st.from_regex(r"\A[019][01a.+~]{0,5}\Z")
COMMITS = st.integers(1, 12)


@given(SIMILAR, COMMITS, SIMILAR, COMMITS)
@example("1.0", 9, "1.0~rc1", 10)
@example("1.9", 12, "1.10", 1)
@example("1.0", 2, "1.00", 1)
@example("1.0a", 1, "1.0+", 1)
@settings(max_examples=60)
def test_a_version_is_older_exactly_when_dpkg_says_so(upstream, commits, other, others):
    one, two = (package_version(*of, "a" * 40) for of in ((upstream, commits), (other, others)))

    said = subprocess.run(["dpkg", "--compare-versions", one, "lt", two]).returncode == 0
    assert comes_before(one, two) is said


def test_two_builds_of_as_many_commits_have_no_order():
    one, two = "1.0-3.aaaaaaa", "1.0-3.0000000"

    assert not comes_before(one, two)
    assert not comes_before(two, one)


def test_a_number_of_any_length_has_a_place():
    assert comes_before(f"{'9' * 5000}-1.abcdef0", f"1{'0' * 5000}-1.abcdef0")


@pytest.mark.parametrize("upstream", ["", "v1.0", "1.0-1", "1:0", "1.0 ", "1.0\n", "$(id)", "1_0"])
def test_a_version_that_dpkg_would_refuse_is_refused_before_the_build(upstream):
    with pytest.raises(ProjectError):
        package_version(upstream, 1, "0" * 40)


@pytest.mark.parametrize("version", ["N/A", "1.0", "1.0-x.abcdef0", "1.0-1.abc", ""])
def test_a_version_of_other_making_has_no_place_in_the_order(version):
    with pytest.raises(InputError):
        order(version)
    assert not comes_before(version, "1.0-1.abcdef0")
    assert not comes_before("1.0-1.abcdef0", version)
