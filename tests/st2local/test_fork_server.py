"""Actions that start as copies of a fork server: each is the process that it would be without one."""

import marshal
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from st2local import process
from st2local.fork_server import Copy, ForkServer, ForkServers
from st2local.runners.python_script import WRAPPER, _message
from st2local.virtualenvs import Virtualenv

ACTION = """
import atexit, os, sys, time
from st2common.runners.base_action import Action
import helper

class Look(Action):
    def run(self, code=0, kill=0, raises="", seconds=0):
        time.sleep(seconds)
        if raises:
            raise ValueError(raises)
        if kill:
            os.kill(os.getpid(), kill)
        if code:
            sys.exit(code)
        atexit.register(print, "at exit")
        helper.kept = open(os.environ["WRITTEN"], "w")
        helper.kept.write("all of it")
        open_files = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        return {
            "helper": helper.SAYS,
            "cwd": os.getcwd(),
            "leads_its_group": os.getpgid(0) == os.getpid() == os.getsid(0),
            "stdin": sys.stdin.read(),
            "environment": dict(os.environ),
            "path": sys.path,
            "open_files": len([path for path in open_files if os.path.exists(path)]),
        }
"""


class Pack:
    """A pack of one action, and what runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "look.py").write_text(ACTION)
        self.library = folder / "actions" / "lib"
        self.library.mkdir(parents=True)
        self.write_helper("before")
        (folder / "requirements.txt").write_text("# a comment\ncronsim>=2\nno-such-package\n")
        self.environment = {**os.environ, "PYTHONPATH": str(self.library), "WRITTEN": str(folder / "written")}
        self.servers, self.virtualenv = ForkServers(), Virtualenv(sys.executable, None)
        self.child: process.Child | None = None

    @property
    def server(self) -> ForkServer:
        return self.servers.of(self.folder, self.virtualenv, self.environment)

    def write_helper(self, says: str, before: str = "") -> None:
        """Write the module that the action imports; it begins with the line *before*."""
        (self.library / "helper.py").write_text(f"{before}\nSAYS = {says!r}\n")

    def run(self, plainly: bool = False, **parameters: object) -> process.Completed:
        """Run the action; how it was started stays in `child`."""
        wanted = {"pack": "p", "file_path": str(self.folder / "look.py"), "config": {}, "log_level": "DEBUG"}
        return process.run(
            [sys.executable, "-u", str(WRAPPER)],
            env=self.environment,
            cwd=None,
            timeout=60,
            stdin=marshal.dumps({**wanted, "parameters": parameters}),
            on_output=lambda *_: None,
            on_start=lambda _: None,
            message_pipe=True,
            start=subprocess.Popen if plainly else self._start,
        )

    def _start(self, argv: list[str], **options: Any) -> process.Child:
        self.child = self.server.start(argv, **options)
        return self.child

    @property
    def is_copied(self) -> bool:
        return isinstance(self.child, Copy)

    def run_until_copied(self) -> process.Completed:
        """Run the action until it is a copy; return what came of that run."""
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline, "the fork server is never ready"
            done = self.run()
            if self.is_copied:
                return done


@pytest.fixture
def pack(tmp_path: Path) -> Iterator[Pack]:
    """A pack whose fork server is ready."""
    made = Pack(tmp_path)
    made.run_until_copied()
    yield made
    made.servers.close()


def seen(done: process.Completed) -> dict[str, Any]:
    status, result = _message(done.message)
    assert status is None
    return dict(result)


def test_a_copy_sees_what_a_process_of_its_own_would_see(pack):
    copied, plain = pack.run(), pack.run(plainly=True)
    as_copy, as_process = seen(copied), seen(plain)
    for found in (as_copy, as_process):
        found["environment"].pop("ST2_MESSAGE_FD", None)

    assert pack.is_copied
    assert as_copy == as_process
    assert as_copy["leads_its_group"]
    assert (copied.exit_code, copied.stdout, copied.stderr) == (plain.exit_code, plain.stdout, plain.stderr)


def test_a_copy_runs_the_packs_files_as_they_are_when_it_starts(pack):
    assert seen(pack.run())["helper"] == "before"
    pack.write_helper("afterwards")

    assert seen(pack.run())["helper"] == "afterwards"
    assert seen(pack.run_until_copied())["helper"] == "afterwards"


def test_a_copy_has_its_packs_library_imported_already(pack):
    imports = pack.folder / "imports"
    pack.write_helper("counted", before=f"open({str(imports)!r}, 'a').write('once ')")
    pack.run_until_copied()
    before = imports.read_text()

    assert seen(pack.run())["helper"] == "counted"
    assert pack.is_copied
    assert imports.read_text() == before


def test_a_module_that_cannot_be_imported_fails_in_the_action_that_wants_it(pack):
    pack.write_helper("never", before="raise OSError('odd')")

    assert "OSError: odd" in pack.run_until_copied().stderr


def test_what_an_action_leaves_open_is_written_and_what_it_registers_is_done(pack):
    (pack.folder / "written").unlink()
    done = pack.run()

    assert (pack.folder / "written").read_text() == "all of it"
    assert done.stdout == "at exit\n"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"code": 7}, 7), ({"kill": int(signal.SIGTERM)}, -15), ({"kill": int(signal.SIGKILL)}, -9)],
)
def test_how_a_copy_ends_is_told(pack, parameters, code):
    assert pack.run(**parameters).exit_code == code
    assert pack.is_copied


def test_an_error_of_a_copy_is_a_traceback(pack):
    done = pack.run(raises="odd")

    assert done.exit_code == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: odd\n")


def test_a_fork_server_that_was_killed_is_not_missed(pack):
    pack.server._process.kill()
    pack.server._process.wait()

    assert seen(pack.run())["helper"] == "before"
    assert not pack.is_copied


def test_a_fork_server_ends_when_nobody_asks_any_more(pack):
    pack.server.close()

    assert pack.server._process.wait(60) == 0


def test_a_copy_that_runs_when_the_fork_server_is_closed_ends_as_it_would_have(pack):
    start = pack._start

    def closing(argv: list[str], **options: Any) -> process.Child:
        child = start(argv, **options)
        pack.server.close()
        return child

    pack._start = closing
    done = pack.run(seconds=1)

    assert pack.is_copied
    assert (done.exit_code, seen(done)["helper"]) == (0, "before")
