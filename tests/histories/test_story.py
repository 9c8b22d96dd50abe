"""What keeps a version out of production, told once through StackStorm's API from beginning to end."""

from __future__ import annotations

from typing import Any

from tests.histories.lane import Deed, Lane, StackStorm
from tests.histories.player import Player
from tests.histories.referee import Referee

ALARM = {"check": "errors", "source": "grafana"}


class Teller(Player):
    """Ann, who does one thing after the other."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane, "ann", 0, 0)

    def deploys(self, breaks: bool = False) -> str:
        """Deploy a new commit to the canary, whose package *breaks* there or not; its version."""
        version = self.lane.build("ann", True)
        host = self.lane.machines[0]
        (host.folder / "bad").write_text(version)
        host.break_with("install" if breaks else "")
        assert self.asks("deploy", version=version).status == ("failed" if breaks else "succeeded")
        return version

    def promotes(self) -> str:
        """Have the canary approved and promoted; what the promotion was refused with, empty if it was not."""
        self.asks("approve", "bob", version=self.lane.wanted("canary"))
        deed: Deed | None = None
        while deed is None or "of the 1 s it must bake" in self.error(deed):
            deed = self.asks("deploy_production")
        return self.error(deed)

    def error(self, deed: Deed) -> str:
        error = self.output(deed)["output"].get("error") or {}
        return f"{error.get('error', '')} {error.get('hint', '')}".strip()

    def output(self, deed: Deed) -> dict[str, Any]:
        return dict(self.lane.stackstorm.rest.get(f"/executions/{deed.execution}")["result"])


def test_a_rollback_a_rejection_and_an_alarm_each_keep_a_version_out_until_a_person_says_so(
    stackstorm: StackStorm,
):
    lane = stackstorm.lanes[0]
    lane.begin()
    ann = Teller(lane)
    first = ann.deploys()
    assert ann.promotes() == ""
    second = ann.deploys()
    assert ann.promotes() == ""

    ann.asks("rollback", ring="production")
    ann.deploys(breaks=True)
    assert (lane.wanted("canary"), lane.wanted("production")) == (second, first)
    refused = ann.promotes()
    assert refused.startswith(f"{lane.project} {second} was rolled back from production.")
    ann.asks("deploy", version=second)
    assert ann.promotes() == ""

    third = ann.deploys()
    ann.asks("reject", "eve", version=third, reason="it is slow")
    ann.deploys(breaks=True)
    assert (lane.wanted("canary"), lane.wanted("production")) == (third, second)
    assert ann.promotes().startswith(f"{lane.project} {third} was rejected by eve: it is slow.")
    ann.asks("approve", "eve", version=third)

    told = {**ALARM, "host": lane.machines[0].name}
    ann.asks("alarm_raised", "stanley", status="firing", **told)
    refused = ann.promotes()
    assert refused.startswith(f"{lane.project} {third} is not promoted while an alarm fires: errors on ")
    shown = ann.output(ann.asks("get_release"))["result"]["message"]
    assert shown.splitlines()[-1] == f"  next: {refused}"
    ended = f"project={lane.project} status=resolved source=grafana host={told['host']} check=errors"
    assert f"st2 run cicd.alarm_raised {ended}" in refused
    ann.asks("alarm_raised", status="resolved", **told)
    assert ann.promotes() == ""
    assert lane.wanted("production") == third
    Referee(lane).judge()
