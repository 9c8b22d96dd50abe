"""Every sensor survives what it finds: StackStorm gives one up for good after three failures."""

import importlib.util
import sys
from pathlib import Path

import pytest
import yaml

from cicd import config
from cicd.setup import sensor_life
from cicd.store.store import Store

ROOT = Path(__file__).parents[2]
SENSORS = sorted(path.stem for path in (ROOT / "sensors").glob("*.yaml"))


class Service:
    """Keeps what a sensor says to StackStorm."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.told: list[str] = []
        self.dispatched: list[dict] = []

    def get_logger(self, name: str) -> "Service":
        return self

    def warning(self, form: str, *arguments: object) -> None:
        self.warnings.append(form % arguments)

    def info(self, form: str, *arguments: object) -> None:
        self.told.append(form % arguments)

    error = info

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


EXAMPLE = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
VALUES = {**EXAMPLE, "github": {}}  # its token is on no machine of ours


class Deaf(Service):
    """A StackStorm that takes no trigger while its message bus is away."""

    def dispatch(self, **event: object) -> None:
        raise ConnectionError("[Errno 104] Connection reset by peer")


def finding(monkeypatch: pytest.MonkeyPatch, service: Service, consul: str):
    """Return a drift sensor that finds something at each poll."""
    given = {**VALUES, "consul": {"url": consul}}
    made = sensor("lost_deploy_sensor", monkeypatch, service, given)
    monkeypatch.setattr(made, "look", lambda settings: made.dispatch("cicd.deploy_lost", {"ring": "canary"}))
    return made


def test_a_sensor_that_cannot_dispatch_ends_so_that_stackstorm_starts_it_anew(monkeypatch, consul):
    service = Deaf()
    made = finding(monkeypatch, service, consul)

    made.poll()  # so early in its life that StackStorm would count it as a failed start
    monkeypatch.setattr(made, "_began", made._began - 31)
    with pytest.raises(Exception, match=r"cicd\.deploy_lost could not be dispatched"):
        made.poll()

    assert service.warnings == ["cicd.deploy_lost could not be dispatched (ConnectionError)."], "once"


def test_a_sensor_logs_that_it_works_again_also_what_the_process_before_it_could_not(monkeypatch, consul):
    finding(monkeypatch, Deaf(), consul).poll()
    service = Service()

    finding(monkeypatch, service, consul).poll()

    assert any("works again" in line and "could not be dispatched" in line for line in service.told)
    assert service.dispatched


def test_a_sensor_takes_a_changed_configuration_at_its_next_poll(monkeypatch, consul):
    service = Service()
    made = finding(monkeypatch, service, consul)
    made.config = {}
    monkeypatch.setattr(sys.modules[type(made).__mro__[1].__module__], "_registered", lambda given: given)
    made.poll()
    assert not service.dispatched

    changed = {**VALUES, "consul": {"url": consul}}
    monkeypatch.setattr(sys.modules[type(made).__mro__[1].__module__], "_registered", lambda given: changed)
    made.poll()

    assert service.dispatched
    assert any("works again" in line for line in service.told)


@pytest.mark.parametrize("name", SENSORS)
def test_every_sensor_is_one_whose_sign_of_life_is_looked_at(name):
    described = yaml.safe_load((ROOT / "sensors" / f"{name}.yaml").read_text())

    assert described["class_name"] in sensor_life.SENSORS
    assert len(sensor_life.SENSORS) == len(SENSORS)


def sign(**changed: object) -> dict:
    wanted = sensor_life.digest(VALUES)
    return {
        "pid": 7, "host": "st2", "user": "st2", "every": 15, "configuration": wanted, "unreadable": [],
        "trouble": "", "at": 1000.0, **changed,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said", "state"),
    [
        (None, "it gave no sign of life", "wrong"),
        (sign(), "as the actions do, and every secret", "good"),
        (sign(at=100.0), "gave no sign of life for 900 s", "wrong"),
        (sign(configuration="another"), "process 7 on st2 reads the configuration another", "wrong"),
        (sign(unreadable=["/etc/cicd/consul.token"]), "as st2, who cannot read /etc/cicd/consul", "wrong"),
        (sign(trouble="Consul is away."), "is in trouble: Consul is away.", "warning"),
    ],
)  # fmt: skip
def test_a_checkup_names_a_sensor_that_is_dead_has_an_old_configuration_or_cannot_read_a_secret(
    given, said, state
):
    (found,) = sensor_life.judged("DriftSensor", given, sensor_life.digest(VALUES), 1000.0)

    assert said in found.said
    assert found.state == state
    assert bool(found.fix) == (state == "wrong")


def test_a_sign_of_life_is_that_of_the_process_and_names_secrets_that_it_cannot_read(
    monkeypatch, consul, tmp_path
):
    secret = tmp_path / "token"
    given = {**VALUES, "consul": {"url": consul}, "github": {"token_file": str(secret)}}
    settings = config.parse({**given, "jenkins": {**VALUES["jenkins"], "token_file": str(tmp_path)}})

    sensor_life.Life("DriftSensor", 30).sign(settings, "digest", "")
    known = Store(settings).json(sensor_life.key("DriftSensor"), dict)

    assert known["unreadable"] == [str(secret)]
    assert known["configuration"] == "digest"
