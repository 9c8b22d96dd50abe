"""Processes, locks and ports: a lab finds what is its own, and says what is in its way."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab import cli, down, machine, ports, processes, state
from lab.base.recipe import Recipe
from lab.errors import LabError
from lab.lock import held
from lab.places import REPOSITORY, Places
from lab.repository.driver import driver


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "lab", tmp_path / "cache")


def test_a_lab_finds_its_processes_and_their_children_and_no_others(places, tmp_path, wait_for):
    other = Places(tmp_path / "other", tmp_path / "cache")
    parent = processes.spawn(places, "one", ["sh", "-c", "sleep 300 & wait"])
    stranger = processes.spawn(other, "two", ["sleep", "300"])
    try:
        wait_for(lambda: len(processes.marked(places)) == 2 and processes.marked(other))
        assert stranger.pid not in processes.marked(places)
    finally:
        for lab in (places, other):
            processes.stop(list(processes.marked(lab)), gently=False)
        parent.wait()
        stranger.wait()

    assert processes.marked(places) == {}


def test_what_ignores_sigterm_is_ended_all_the_same(places, monkeypatch, wait_for):
    monkeypatch.setattr(processes, "TERM_SECONDS", 0.2)
    argv = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, 1); print('on', flush=True); time.sleep(300)",
    ]
    stubborn = processes.spawn(places, "stubborn", argv)
    wait_for(lambda: "on" in (places.logs / "stubborn.log").read_text())

    processes.stop([stubborn.pid], gently=True)

    assert stubborn.wait() == -9


def test_a_second_command_is_refused_and_told_who_holds_the_lock(places):
    with held(places.lock_file), pytest.raises(LabError, match=f"process {os.getpid()}"):  # noqa: SIM117
        with held(places.lock_file, wait=0.1):
            pytest.fail("both hold it")


def test_the_lock_dies_with_its_holder(places):
    code = "import os, pathlib, sys\nfrom lab.lock import held\n"
    code += "held(pathlib.Path(sys.argv[1])).__enter__(); os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(places.lock_file)], cwd=REPOSITORY, check=False)

    with held(places.lock_file, wait=0.1):
        assert places.lock_file.exists()


def test_a_lock_that_cannot_be_written_is_one_sentence():
    with pytest.raises(LabError, match="cannot be written"), held(Path("/proc/no/lab.lock")):
        pytest.fail("it was written")


def test_a_busy_port_is_named_with_who_listens():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        (problem,) = ports.problems([("127.0.0.1", port)])

    assert f"Port {port} of 127.0.0.1 is in use by process {os.getpid()}" in str(problem)


def test_many_busy_ports_are_said_in_four_sentences():
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(10)]
    problems = ports.problems([server.getsockname() for server in servers])
    for server in servers:
        server.close()

    assert len(problems) == 4
    assert "7 further ports" in str(problems[-1])


def test_an_address_that_is_not_this_machines_is_said():
    (problem,) = ports.problems([("192.0.2.1", 8080)])

    assert "cannot be listened on" in str(problem)


def test_waiting_for_what_never_answers_ends_with_its_name():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(LabError, match="the gateway does not answer"):
            ports.wait("127.0.0.1", unused.getsockname()[1], "the gateway", seconds=0.1)


def test_missing_commands_are_named_by_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    assert {"git", "openssh-client", "systemd-container", "mmdebstrap"} <= set(machine.missing_packages())


def test_without_root_a_lab_says_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(LabError, match="only root"):
        machine.check_root()


def test_a_folder_that_no_lab_made_is_neither_taken_nor_emptied(places):
    places.root.mkdir()
    (places.root / "thesis.tex").write_text("years of work")

    with pytest.raises(LabError, match="no lab made it"):
        places.claim()
    down.wipe(places)

    assert (places.root / "thesis.tex").exists()


def test_what_a_lab_made_is_removed_but_its_logs(places):
    places.claim()
    for name in ("hosts", "logs"):
        (places.root / name).mkdir()

    down.wipe(places)

    assert {path.name for path in places.root.iterdir()} == {"logs", ".cicd-lab"}


def test_there_is_no_lab_where_none_was_started(places):
    found = state.read(places)

    assert (found.running, found.finished, found.healthy) == (False, False, False)


def test_the_status_of_no_lab_is_not_zero(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAB_ROOT", str(tmp_path / "lab"))

    assert cli.main(["status"]) == 1
    assert capsys.readouterr().out == "down\n"


def test_a_wish_that_cannot_be_met_ends_with_one_and_a_sentence(monkeypatch, capsys):
    monkeypatch.setenv("LAB_NETWORK", "10.0.0")

    assert cli.main(["status"]) == 1
    assert capsys.readouterr().err.startswith("lab: LAB_NETWORK is '10.0.0'")


def test_another_recipe_gives_another_tree():
    assert Recipe().digest == Recipe().digest
    assert Recipe().digest != Recipe(ruby=True).digest != Recipe(packages=("git",)).digest
    assert Recipe().digest == Recipe(build_tools=("make",)).digest
    assert Recipe().tools_digest != Recipe(build_tools=("make",)).tools_digest


def test_an_unknown_publisher_is_refused():
    with pytest.raises(LabError, match="aptly and freight"):
        driver("reprepro")
