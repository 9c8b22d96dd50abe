"""Who may be missing when a deploy ends."""

from hypothesis import given
from hypothesis import strategies as st

from cicd.release import verification
from cicd.release.verification import Proof

HOSTS = ("web1", "web2", "web3", "web4")
TROUBLES = st.dictionaries(st.sampled_from(HOSTS), st.sampled_from(["", "reports nothing installed"]))


@given(TROUBLES, st.sets(st.sampled_from([*HOSTS, "web9"])), st.integers(0, 4))
def test_who_is_excused_failed_in_this_deploy_and_is_unproven_and_they_are_few_or_nobody_is(
    hosts, failed, budget
):
    seen = Proof("1.0-2", hosts)
    excused = verification.excused(seen, failed, budget)
    unproven = {host for host, trouble in hosts.items() if trouble}

    assert set(excused) in (set(), unproven)
    assert set(excused) <= failed
    assert len(excused) <= budget
    assert bool(excused) == (bool(unproven) and unproven <= failed and len(unproven) <= budget)
    assert set(verification.without(seen, excused).hosts) == set(hosts) - set(excused)
