"""All sources of figures, by the name that the configuration has for each."""

from __future__ import annotations

from typing import Mapping

from cicd.analysis import consul_checks, haproxy, prometheus, smoke, systemd
from cicd.analysis.asked import Source
from cicd.release.analysis_policy import CONSUL, HAPROXY, HTTP, PROMETHEUS, SYSTEMD

ALL: Mapping[str, Source] = {
    HAPROXY: haproxy.look,
    PROMETHEUS: prometheus.look,
    CONSUL: consul_checks.look,
    SYSTEMD: systemd.look,
    HTTP: smoke.look,
}
