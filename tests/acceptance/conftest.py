"""The world the stories happen in: a lab that runs already, or one of our own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from demo.stackstorm import StackStorm  # noqa: E402
from demo.stories import Teller  # noqa: E402
from demo.view import View  # noqa: E402
from demo.world import World  # noqa: E402
from tests.acceptance.command_line import CommandLine  # noqa: E402
from tests.acceptance.steady_client import SteadyClient  # noqa: E402

HOOK = "stackstorm" if os.environ.get("WITHOUT_GATEWAY") else "gateway"
LAB_ROOT = Path(os.environ.get("LAB_ROOT") or ROOT / "build" / "lab")


def run_lab(*words: str) -> subprocess.CompletedProcess:
    """Run the lab's command line."""
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "lab", *words]
    return subprocess.run(command, cwd=ROOT, check=False)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The running lab, or a new one that is taken down afterwards."""
    running = (LAB_ROOT / "world.json").exists() and run_lab("status").returncode == 0
    if not running and run_lab("up").returncode != 0:
        pytest.exit("the lab did not come up; see above", returncode=1)
    run_lab("hook", HOOK)
    try:
        yield World.read(LAB_ROOT)
    finally:
        if not running:
            run_lab("down")


@pytest.fixture(scope="session")
def stackstorm(world: World) -> StackStorm:
    """StackStorm as its own client library sees it."""
    return StackStorm(world.description["stackstorm"])


@pytest.fixture(scope="session")
def st2(world: World, stackstorm: StackStorm) -> CommandLine:
    """StackStorm's command line."""
    return CommandLine(world.description["stackstorm"], stackstorm)


@pytest.fixture(scope="session")
def teller(world: World, stackstorm: StackStorm) -> Teller:
    """Pushes commits and follows them."""
    return Teller(world, stackstorm, View())


@pytest.fixture(scope="session")
def lab(world: World):
    """The lab's command line, as a function of its words."""
    return run_lab


@pytest.fixture
def hook(world: World):
    """A function that says to whom pushes are told until the test ends."""

    def tell(to: str) -> None:
        assert run_lab("hook", to).returncode == 0

    yield tell
    tell(HOOK)


@pytest.fixture(scope="session")
def client(world: World) -> Iterator[SteadyClient]:
    """Asks through HAProxy as long as the suite runs."""
    with SteadyClient(world) as steady:
        yield steady


@pytest.fixture(autouse=True)
def no_request_fails(client: SteadyClient):
    """Whatever a test deploys or rolls back, no client notices."""
    known = len(client.failures)
    yield
    assert client.failures[known:] == []
