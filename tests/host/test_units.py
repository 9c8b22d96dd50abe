"""What becomes of a package's units where systemd runs: installed, upgraded, masked, broken, removed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.machine import Machine
from tests.package.building import BuildHost, commit, project, write

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

RUNS = "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/touch /run/app-reloaded\n"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
UNITS = {
    "app.socket": "[Socket]\nListenStream=/run/app.sock\n[Install]\nWantedBy=sockets.target\n",
    "app.service": f"[Unit]\nRequires=app.socket\n{RUNS}{INSTALL}",
    "app-tidy.timer": "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n",
    "app-tidy.service": "[Service]\nType=oneshot\nExecStart=/bin/touch /run/app-tidied\n",
    "app-worker@.service": f"{RUNS}{INSTALL}",
    "app-keeps.service": f"{RUNS}{INSTALL}",
    "app-reloads.service": f"{RUNS}{INSTALL}",
    "app-all.target": f"[Unit]\nWants=app-keeps.service\n{INSTALL}",
}
SAID = {
    "app-worker@.service": {"instances": ["1", "2"]},
    "app-keeps.service": {"on_upgrade": "none"},
    "app-reloads.service": {"on_upgrade": "reload"},
}
LASTING = [
    *("app.socket", "app-tidy.timer", "app.service", "app-worker@1.service", "app-worker@2.service"),
    *("app-keeps.service", "app-reloads.service", "app-all.target"),
]


class Application:
    """A project with units, of which this host gets one package after the other."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        self.machine, self.repository = machine, project(folder / "app")
        (self.repository / "app.service").unlink()
        self.builder, self.count = BuildHost(folder / "home", self.repository), 0

    def build(self, units: dict[str, str], **said: dict[str, object]) -> str:
        """Build a package with *units* and return its path on the host."""
        self.count += 1
        named = [{"path": name, **SAID.get(name, {}), **said.get(name, {})} for name in units]
        for name, text in units.items():
            write(self.repository / name, text)
        base = {"version": "1.0.0", "description": "Greets.", "units": named}
        write(self.repository / "fpm.json", json.dumps(base))
        deb = self.builder.build(commit(self.repository), name=f"r{self.count}")["file"]
        place = f"/root/app-{self.count}.deb"
        self.machine.container.copy_in(Path(deb), place)
        return place

    def dpkg(self, *words: str) -> tuple[int, str]:
        done = self.machine.spawn("dpkg", "--force-confold", *words)
        out, said = done.communicate(timeout=120)
        return done.returncode, out + said

    def install(self, deb: str) -> None:
        code, said = self.dpkg("-i", deb)
        assert code == 0, said

    def states(self, *units: str) -> list[str]:
        done = self.machine.spawn("systemctl", "is-active", *units)
        return done.communicate(timeout=30)[0].split()

    def pid(self, unit: str) -> str:
        return self.machine.run("systemctl", "show", "-P", "MainPID", unit).strip()


@pytest.fixture
def application(booted: Machine, tmp_path: Path) -> Iterator[Application]:
    found = Application(tmp_path, booted)
    yield found
    found.dpkg("--purge", "app")


def test_units_start_restart_and_stop_as_fpm_json_says(application):
    first = application.build(UNITS)
    application.install(first)
    assert application.states(*LASTING) == ["active"] * len(LASTING)
    assert application.states("app-tidy.service") == ["inactive"]
    said = application.machine.run("dpkg-query", "-W", "-f", "${X-CICD-Units}", "app")
    assert said.split() == LASTING
    units = ("app.service", "app-worker@1.service", "app-keeps.service", "app-reloads.service")
    before = {unit: application.pid(unit) for unit in units}

    fewer = {name: text for name, text in UNITS.items() if name != "app-tidy.timer"}
    more = {**fewer, "app-new.service": f"{RUNS}{INSTALL}"}
    one = {"app-worker@.service": {"instances": ["1"]}, "app-new.service": {"on_upgrade": "none"}}
    application.install(application.build(more, **one))
    after = {unit: application.pid(unit) for unit in units}
    assert [unit for unit in units if before[unit] != after[unit]] == ["app.service", "app-worker@1.service"]
    assert application.machine.run("ls", "/run/app-reloaded").strip() == "/run/app-reloaded"
    gone = ("app-worker@2.service", "app-tidy.timer")
    assert application.states(*gone, "app.socket", "app-new.service") == [
        "inactive",
        "inactive",
        "active",
        "active",
    ]

    application.install(first)
    assert application.states(*LASTING) == ["active"] * len(LASTING)
    application.dpkg("--remove", "app")
    assert application.states(*LASTING) == ["inactive"] * len(LASTING)
    assert application.machine.run("find", "/etc/systemd/system", "-name", "app*") == ""


def test_a_unit_that_does_not_start_or_is_masked_fails_the_installation_by_name(application):
    good = {"app.service": f"{RUNS}{INSTALL}"}
    application.install(application.build(good))
    broken = {**good, "app-init.service": f"[Service]\nType=oneshot\nExecStart=/bin/false\n{INSTALL}"}
    code, said = application.dpkg("-i", application.build(broken))
    assert code == 1
    assert "app-init.service" in said

    again = application.build(good)
    application.install(again)
    application.machine.run("systemctl", "mask", "--now", "app.service")
    code, said = application.dpkg("-i", again)
    application.machine.run("systemctl", "unmask", "app.service")
    assert code == 1
    assert "app.service is masked" in said
