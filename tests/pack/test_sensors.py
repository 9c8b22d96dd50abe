"""Every sensor survives what it finds: StackStorm gives one up for good after three failures."""

import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SENSORS = sorted(path.stem for path in (ROOT / "sensors").glob("*.yaml"))


class Service:
    """Keeps what a sensor says to StackStorm."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.dispatched: list[dict] = []

    def get_logger(self, name: str) -> "Service":
        return self

    def warning(self, form: str, *arguments: object) -> None:
        self.warnings.append(form % arguments)

    def exception(self, form: str, *arguments: object) -> None:
        raise AssertionError(form) from sys.exc_info()[1]

    def dispatch(self, **event: object) -> None:
        self.dispatched.append(event)


def sensor(name: str, monkeypatch: pytest.MonkeyPatch, service: Service, config: dict):
    monkeypatch.syspath_prepend(str(ROOT / "st2local" / "wrapper"))
    described = yaml.safe_load((ROOT / "sensors" / f"{name}.yaml").read_text())
    spec = importlib.util.spec_from_file_location(name, ROOT / "sensors" / described["entry_point"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = getattr(module, described["class_name"])(sensor_service=service, config=config)
    made.setup()
    return made


@pytest.mark.parametrize("name", SENSORS)
def test_a_sensor_without_configuration_says_so_once_and_lives(name, monkeypatch):
    service = Service()
    made = sensor(name, monkeypatch, service, config={})
    made.poll()
    said = list(service.warnings)
    made.poll()

    assert said
    assert all("is missing in the pack's configuration" in sentence for sentence in said)
    assert service.warnings == said
    assert not service.dispatched
