"""Which labels of an alarm name its project, its host and its check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """
    The labels that name something.

    Of `project` and `host` the first counts that an alarm has, of `check` all that it has, in this order.
    """

    project: tuple[str, ...] = ("project", "service", "app", "job")
    host: tuple[str, ...] = ("host", "hostname", "node", "instance", "InstanceId")
    check: tuple[str, ...] = ("check", "alertname", "device", "mountpoint")


DEFAULT = Names()
