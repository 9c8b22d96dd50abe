"""Versions as dpkg orders them."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cicd.errors import InputError, ProjectError
from cicd.version import commits_of, package_version

COMMIT = st.text("0123456789abcdef", min_size=40, max_size=40)
UPSTREAM = st.from_regex(r"\A[0-9][A-Za-z0-9.+~]{0,10}\Z")


@given(UPSTREAM, st.integers(1, 10**6), st.integers(1, 10**6), COMMIT, COMMIT)
@settings(max_examples=40)
def test_a_later_commit_always_sorts_higher_for_dpkg(upstream, commits, more, earlier, later):
    old = package_version(upstream, commits, earlier)
    new = package_version(upstream, commits + more, later)

    assert subprocess.run(["dpkg", "--compare-versions", old, "lt", new]).returncode == 0


@given(UPSTREAM, st.integers(0, 10**6), COMMIT)
def test_the_number_of_commits_can_be_read_back(upstream, commits, commit):
    assert commits_of(package_version(upstream, commits, commit)) == commits


@pytest.mark.parametrize("upstream", ["", "v1.0", "1.0-1", "1:0", "1.0 ", "1.0\n", "$(id)", "1_0"])
def test_a_version_that_dpkg_would_refuse_is_refused_before_the_build(upstream):
    with pytest.raises(ProjectError):
        package_version(upstream, 1, "0" * 40)


@pytest.mark.parametrize("version", ["N/A", "1.0", "1.0-x.abcdef0", "1.0-1.abc", ""])
def test_a_version_of_other_making_has_no_place_in_the_order(version):
    with pytest.raises(InputError):
        commits_of(version)
