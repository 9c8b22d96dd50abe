"""Questions that a source of figures is asked, for its tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cicd.analysis.asked import Asked
from cicd.release.analysis_policy import AnalysisPolicy
from cicd.release.host import ConsulHost
from cicd.sections import MonitoringSettings

NOW = 1000.0


def host(name: str, address: str = "127.0.0.1", port: int = 80, **more: Any) -> ConsulHost:
    return replace(ConsulHost(name, address, (), (), {}, "greeter", "", port), **more)


CANARY, OTHERS = host("web1", "10.0.0.1"), (host("web2", "10.0.0.2"), host("web3", "10.0.0.3"))


def asked(look: int = 1, monitoring: Any = None, policy: Any = None, **more: Any) -> Asked:
    question = Asked(
        "greeter",
        AnalysisPolicy(**{"sources": ("haproxy",), **(policy or {})}),
        MonitoringSettings(
            **{
                "haproxy": (),
                "prometheus": "",
                "alertmanager": "",
                "absence_alerts": (),
                "host_label": "",
                "absence_grace": 0,
                "icinga": "",
                "icinga_user": "",
                "icinga_password_file": "",
                "icinga_ca_file": "",
                **(monitoring or {}),
            }
        ),
        (CANARY,),
        OTHERS,
        {},
        look,
        NOW - 60,
        NOW,
    )
    return replace(question, **more)
