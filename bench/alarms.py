"""What Alertmanager sends, ready to be written to a connection."""

from __future__ import annotations

import json


def requests(token: str, number: int) -> list[bytes]:
    """Return *number* groups of two alerts each, as whole HTTP requests that show *token*."""
    return [_request(token, group) for group in range(number)]


def _request(token: str, group: int) -> bytes:
    alerts = [_alert(group, host) for host in ("web1", "web2")]
    content = json.dumps({"version": "4", "status": "firing", "alerts": alerts}, separators=(",", ":"))
    head = (
        "POST /alarm/prometheus HTTP/1.1\r\nHost: gateway\r\nUser-Agent: Alertmanager/bench\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return (head + content).encode()


def _alert(group: int, host: str) -> dict[str, object]:
    return {
        "status": "firing",
        "labels": {"alertname": f"HTTP 5xx > {group} %", "instance": f"{host}:9100", "job": "greeter"},
        "annotations": {"summary": "Too many requests to the service fail, and nobody knows why."},
        "startsAt": "2026-11-24T12:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=x",
        "fingerprint": "c6eadffa33fcdf37",
    }
