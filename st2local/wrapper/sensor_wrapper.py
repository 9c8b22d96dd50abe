"""Runs one sensor of a pack; started by st2local."""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from typing import Any


def main() -> None:
    """Read what to run from stdin, and run it until it ends or the server does."""
    wanted = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_server, daemon=True).start()
    from st2common.services.sensor import SensorService

    service = SensorService(wanted)
    sensor = _create(wanted, service)
    sensor.setup()
    atexit.register(sensor.cleanup)
    for trigger in service.triggers():
        sensor.add_trigger(trigger)
    sensor.run()


def _end_with_server() -> None:
    sys.stdin.read()
    os._exit(1)


def _create(wanted: dict[str, Any], service: Any) -> Any:
    from st2common.runners import loader
    from st2reactor.sensor.base import PollingSensor

    found = loader.find_class(wanted["file_path"], wanted["class_name"])
    arguments: dict[str, Any] = {"sensor_service": service, "config": wanted["config"]}
    if issubclass(found, PollingSensor) and wanted["poll_interval"]:
        arguments["poll_interval"] = wanted["poll_interval"]
    return found(**arguments)


if __name__ == "__main__":
    main()
