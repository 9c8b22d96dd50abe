"""What the lab's guide and the pages print, typed as a reader would, by tests/printed/commands.yaml."""

import contextlib
import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.stories import PROJECT, REPOSITORY, set_version
from demo.world import ROOT, wait_for
from tests.acceptance.conftest import LAB_ROOT
from tests.acceptance.test_6_controls import configured

pytestmark = pytest.mark.long
PYTHON = ROOT / ".venv" / "bin" / "python"
PLAN = yaml.safe_load((ROOT / "tests" / "printed" / "commands.yaml").read_text())
PLAN_ID = "12-0123456789ab-0123456789ab"
ROWS = [row if isinstance(row, dict) else {"run": row} for row in PLAN["in_the_lab"]]


def output_of(*words: str) -> str:
    return subprocess.run(
        [PYTHON, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


@pytest.fixture(scope="module")
def printed() -> dict[str, Any]:
    return json.loads(output_of("tests.printed"))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder whose .curlrc lets curl fail when it is refused."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    return folder


def typed(line: str, home: Path) -> None:
    """Type *line* in a shell in the repository that speaks to the lab; it must succeed."""
    command = ["bash", "-euo", "pipefail", "-c", f". {shlex.quote(str(LAB_ROOT / 'env'))}\n{line}"]
    environment = {**os.environ, "CURL_HOME": str(home)}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    shown = done.stdout + done.stderr
    assert done.returncode == 0, f"{line}\n{shown}"
    assert "status: failed" not in shown, f"{line}\n{shown}"


def guide() -> list[str]:
    """Return the lines that `make lab` prints to be typed."""
    lines = output_of("lab", "describe").partition("\n}\n")[2].splitlines()
    return [line.partition(" #")[0].strip() for line in lines if line.strip() and line.strip()[0] != "#"]


def empty(teller) -> None:
    """Leave nothing but a README in the clone, as in a new lab; the next push brings it along."""
    teller._git("rm", "-rqf", ".")
    (teller.world.clone / "README.md").write_text("# greeter\n")
    teller._git("add", "-A")
    teller._git("commit", "-qm", "Begin again")


def test_the_labs_guide_works_line_by_line(world, stackstorm, teller, printed, home):
    empty(teller)
    for line in guide():
        if line in printed["not_run_here"]:
            continue
        typed(line, home)
        if line.startswith("cp "):  # in a new lab the sample's version is the newest, here it is not
            set_version(world.clone, "20.0.0")
        if line.endswith("push"):
            trace = f"{REPOSITORY}@{teller._git('rev-parse', 'HEAD')}"
            assert teller.follow(trace, "cicd.ci_success")["status"] == "succeeded"
            teller.wait_for_bake()
    empty(teller)
    wait_for("every host's health", lambda: all(world.healthy(PROJECT).values()), 120)
    history = stackstorm.run("cicd.list_history", project=PROJECT)["result"]["result"]

    assert world.key(f"{PROJECT}::version").endswith(trace.rpartition("@")[2][:7])
    assert trace in json.dumps(history), "what a person promoted names the trace of its commit"


@dataclass(frozen=True)
class Lab:
    """Where commands are typed, and what stands there for the samples in them."""

    world: Any
    stackstorm: Any
    home: Path
    values: dict[str, str]

    def fill(self, value: Any, own: dict[str, str]) -> Any:
        """Return *value* with the samples in all of its texts replaced; *own* values win."""
        text = json.dumps(value)
        for sample, real in {**self.values, **own}.items():
            text = text.replace(sample, json.dumps(real)[1:-1])
        return json.loads(text)

    def on(self, host: str, line: str) -> None:
        """Type *line* in a shell of *host*."""
        config, consul = self.world.description["ssh"]["config"], self.world.description["consul"]["url"]
        here = f"export CONSUL_HTTP_ADDR={consul}; {line}"  # agents of a lab do not listen on 127.0.0.1
        typed(f"ssh -F {shlex.quote(config)} {host} {shlex.quote(here)}", self.home)


@pytest.fixture(scope="module")
def lab_of_readers(world, stackstorm, home) -> Lab:
    version = world.key(f"{PROJECT}::canary_version")
    record = json.loads(world.key(f"cicd/{PROJECT}/packages/{version}"))
    host = world.hosts("production")[0]["name"]
    gateway = world.description["gateway"]
    older = next(v for v in world.names(f"cicd/{PROJECT}/packages/") if v != version)
    values = {
        "1.4.0-57.ab12cd3": version,
        "1.4.0-58.cd34ef5": version,
        "1.4.0-56.01234ab": older,
        "$VERSION": version,
        "0123456789abcdef0123456789abcdef01234567": record["commit"],
        "web7": host,
        "web1": host,
        "https://gateway.example.com": gateway["url"],
        "http://127.0.0.1:9110": gateway["url"],
        "$TOKEN": Path(gateway["jenkins_token_file"]).read_text().strip(),
        "$REPOSITORY": world.description["repository"]["url"],
        "{user}": world.description["stackstorm"]["user"],
    }
    return Lab(world, stackstorm, home, values)


def run(lab: Lab, command: dict[str, Any], row: dict[str, Any]) -> dict[str, Any] | None:
    """Type the *command* of *row* where it belongs; return the execution that it started, if it did."""
    own = dict(row.get("with", {}))
    if PLAN_ID in command["words"][-1] and not own:
        own[PLAN_ID] = lab.stackstorm.run("cicd.plan_deploy", project=PROJECT)["result"]["result"]["plan"]
    words, parameters = lab.fill([command["words"], command["parameters"]], own)
    if command["spoken"]:
        return lab.stackstorm.wait(lab.stackstorm.say(" ".join(words)))
    if parameters is not None:
        return lab.stackstorm.run(words[2], **parameters)
    given = row.get("given")
    line = lab.fill(f"{given} && {command['printed']}", own) if given else shlex.join(words)
    lab.on(lab.fill(row["host"], own), line) if "host" in row else typed(line, lab.home)
    return None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["run"])
def test_what_a_page_prints_works(lab_of_readers, stackstorm, teller, printed, row):
    change = lab_of_readers.fill(row.get("config", {}), {})
    with configured(stackstorm, change) if change else contextlib.nullcontext():
        ended = run(lab_of_readers, printed["commands"][row["run"]], row)
    if row.get("wait") == "bake":
        teller.wait_for_bake()

    if ended is not None:
        shown = json.dumps(ended["result"], ensure_ascii=False)
        assert ended["status"] == ("failed" if "fails" in row else "succeeded"), shown
        assert row.get("fails", "") in shown


def test_how_many_printed_commands_are_run_is_said(printed, pytestconfig, capsys):
    with capsys.disabled():
        pytestconfig.get_terminal_writer().line(f"\n{printed['summary']}")
