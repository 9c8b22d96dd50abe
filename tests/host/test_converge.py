"""What cicd-converge decides before it touches anything, run for real under dash."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SCRIPT = Path(__file__).parents[2] / "host" / "cicd-converge"
GOOD = f"package=nosuch-package\nversion=1.0-1.abcdef0\ngeneration=7\nsha256={'0' * 64}\nrollout=open\n"


class Agent(ThreadingHTTPServer):
    """A stand-in of the four Consul agent endpoints that are read, in Consul's own shapes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tags = ["greeter::app"]
        self.documents: dict[str, str] = {}
        self.stored: dict[str, dict] = {}
        self.broken: set[str] = set()
        self.tokens: set[str | None] = set()


class Handler(BaseHTTPRequestHandler):
    """Answers as a Consul agent does."""

    server: Agent

    def do_GET(self) -> None:
        self.server.tokens.add(self.headers["X-Consul-Token"])
        if self.path in self.server.broken:
            self.send_error(500, "No cluster leader")
            return
        ring = self.path.removeprefix("/v1/kv/cicd/greeter/wanted/").removesuffix("?raw")
        if self.path == "/v1/agent/self":
            self.answer(json.dumps({"Config": {"NodeName": "web1", "Server": False}}))
        elif self.path == "/v1/agent/service/greeter":
            self.answer(json.dumps({"ID": "greeter", "Service": "greeter", "Tags": self.server.tags}))
        elif ring in self.server.documents:
            self.answer(self.server.documents[ring])
        else:
            self.send_error(404)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.stored[self.path] = json.loads(body)
        self.answer("true")

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def agent() -> Iterator[Agent]:
    with Agent() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def converge(agent: Agent, folder: Path, *arguments: str) -> tuple[int, dict]:
    (folder / "projects").mkdir(exist_ok=True)
    (folder / "converge.conf").write_text(f"CONSUL_HTTP_ADDR=http://127.0.0.1:{agent.server_port}\n")
    project = folder / "projects" / "greeter.conf"
    if not project.exists():
        project.write_text("UNIT=nosuch.service\n")
    environment = {"CICD_ETC": str(folder), "CICD_RUN": str(folder / "run")}
    words = arguments or ("greeter",)
    done = subprocess.run(
        ["dash", SCRIPT, *words], env=environment, capture_output=True, text=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stderr
    return done.returncode, json.loads(lines[0])


def test_nothing_wanted_is_held_and_reported(agent, tmp_path):
    code, report = converge(agent, tmp_path)

    assert (code, report["state"], report["code"], report["ring"]) == (0, "held", "empty", "production")
    assert agent.stored["/v1/kv/cicd/greeter/hosts/web1"] == report


def test_the_token_and_the_report_both_reach_consul(agent, tmp_path):
    (tmp_path / "token").write_text("secret-token\n")
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "greeter.conf").write_text(f"CONSUL_TOKEN_FILE={tmp_path / 'token'}\n")
    report = converge(agent, tmp_path, "greeter")[1]

    assert "secret-token" in agent.tokens
    assert agent.stored["/v1/kv/cicd/greeter/hosts/web1"] == report


@pytest.mark.parametrize("path", ["/v1/kv/cicd/greeter/wanted/production?raw", "/v1/agent/service/greeter"])
@pytest.mark.parametrize("words", [["greeter"], ["--generation", "7", "greeter"]])
def test_a_consul_that_cannot_answer_is_not_taken_for_an_empty_one(agent, tmp_path, path, words):
    agent.broken.add(path)
    code, report = converge(agent, tmp_path, *words)

    assert (code, report["code"]) == (1, "consul")


def test_the_timer_waits_while_a_deploy_walks_the_ring(agent, tmp_path):
    agent.documents["production"] = GOOD.replace("open", "pushed")

    assert converge(agent, tmp_path)[1]["code"] == "pushed"


@pytest.mark.parametrize("generation", ["6", "8", "0", "70"])
def test_a_command_of_another_generation_is_refused(agent, tmp_path, generation):
    agent.documents["production"] = GOOD
    code, report = converge(agent, tmp_path, "--generation", generation, "greeter")

    assert (code, report["state"], report["code"]) == (1, "failed", "generation")


def test_a_host_with_the_canary_tag_reads_the_canarys_document(agent, tmp_path):
    agent.tags.append("greeter::app_canary")
    agent.documents["production"] = GOOD

    assert converge(agent, tmp_path)[1]["ring"] == "canary"
    assert converge(agent, tmp_path)[1]["code"] == "empty"


def test_a_host_without_the_projects_tag_belongs_to_no_ring(agent, tmp_path):
    agent.tags[:] = ["other::app", "xgreeter::app"]

    assert converge(agent, tmp_path)[1]["code"] == "ring"


def test_a_project_that_this_host_does_not_run_is_refused(agent, tmp_path):
    assert converge(agent, tmp_path, "other")[1]["code"] == "config"


@pytest.mark.parametrize(
    "hostile",
    ["package=a b", "package=$(touch owned)", "sha256=12", "sha256=`id`", "package="],
)
def test_an_unreadable_document_stops_before_anything_is_touched(agent, tmp_path, hostile):
    key = hostile.partition("=")[0]
    lines = [line for line in GOOD.splitlines() if not line.startswith(key)]
    agent.documents["production"] = "\n".join([*lines, hostile, ""])

    assert converge(agent, tmp_path)[1]["code"] == "wanted"
    assert not list(Path.cwd().glob("owned"))


def test_without_an_agent_the_failure_names_its_address(tmp_path):
    with Agent() as closed:
        pass
    code, report = converge(closed, tmp_path)

    assert (code, report["code"]) == (1, "consul")
    assert f"127.0.0.1:{closed.server_port}" in report["message"]


@pytest.mark.parametrize(
    "words", [[], ["a b"], ["-x"], ["../x"], ["--generation", "x", "greeter"], ["a", "b"]]
)
def test_bad_usage_says_how(words):
    done = subprocess.run(["dash", SCRIPT, *words], capture_output=True, text=True, timeout=20)

    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert done.stdout == ""


@settings(max_examples=5, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=20))
def test_any_text_becomes_one_json_string(texts):
    functions = SCRIPT.read_text().replace('\nmain "$@"\n', "\n")
    loop = 'for text in "$@"; do json "$text"; echo; done'
    done = subprocess.run(["dash", "-c", functions + loop, "json", *texts], capture_output=True, timeout=60)

    lines = done.stdout.decode("ascii").split("\n")[:-1]
    assert len(lines) == len(texts)
    assert all(isinstance(json.loads(line), str) for line in lines)
