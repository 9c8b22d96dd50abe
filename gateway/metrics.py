"""The gateway's figures in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.spool import Spool

STATES = ("forwarded", "ignored", "parked", "waiting")


def exposition(decisions: Mapping[tuple[str, str], int], spool: Spool, failures: int, closed: int) -> str:
    """Return the page: *decisions* by source, *spool*, posts that failed, connections that were *closed*."""
    states = spool.counts()
    return "".join(
        [
            _head("decisions_total", "counter", "Events by source and by what was decided about them."),
            *(
                f'cicd_gateway_decisions_total{{source="{source}",decision="{decision}"}} {count}\n'
                for (source, decision), count in sorted(decisions.items())
            ),
            _head("events", "gauge", "Events in the spool by state."),
            *(f'cicd_gateway_events{{state="{state}"}} {states.get(state, 0)}\n' for state in STATES),
            _head("oldest_waiting_seconds", "gauge", "How long the oldest waiting event has waited."),
            f"cicd_gateway_oldest_waiting_seconds {spool.oldest_seconds():.3f}\n",
            _head("forward_failures_total", "counter", "Posts that StackStorm did not take."),
            f"cicd_gateway_forward_failures_total {failures}\n",
            _head(
                "connections_closed_total",
                "counter",
                "Connections that were closed because too many were open.",
            ),
            f"cicd_gateway_connections_closed_total {closed}\n",
        ]
    )


def _head(name: str, kind: str, meaning: str) -> str:
    return f"# HELP cicd_gateway_{name} {meaning}\n# TYPE cicd_gateway_{name} {kind}\n"
