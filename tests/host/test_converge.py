"""What cicd-converge decides before it touches anything, run for real under dash against a real Consul."""

import gzip
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from cicd.release.lifecycle import PAIR, Lifecycle, Stage
from cicd.release.record import DEPLOYING, Build, Release, Ring
from cicd.release.wanted import wanted_document
from host.build import script
from tests.host.wire import Wire

NODE = socket.gethostname()
GOOD = {
    "package": "greeter",
    "version": "1.0-1.abcdef0",
    "generation": "7",
    "sha256": "0" * 64,
    "rollout": "open",
}

FIELDS = [
    "state",
    "code",
    "message",
    "project",
    "host",
    "ring",
    "wanted",
    "installed",
    "dpkg",
    "edited",
    "log",
]
FIELDS += ["registered", "foreign", "agent", "alive", "restarts", "generation", "at", "seconds"]


@dataclass
class Host:
    """This machine as an app host of greeter: a Consul, a folder for settings, and the program."""

    wire: Wire
    consul: str
    folder: Path
    conf: str = "UNIT=nosuch.service\n"
    projects: list[str] = field(default_factory=lambda: ["greeter"])
    program: str = field(default_factory=script)

    def serve(
        self, *tags: str, name: str = "greeter", identifier: str = "", meta: Mapping[str, str] | None = None
    ) -> None:
        service = {
            "Name": name,
            "ID": identifier or name,
            "Tags": list(tags),
            "Port": 8080,
            "Address": "127.0.0.1",
            "Meta": meta or {},
        }
        self.put("/v1/agent/service/register", json.dumps(service))

    def want(self, ring: str = "production", **lines: str) -> None:
        text = "".join(f"{key}={value}\n" for key, value in {**GOOD, **lines}.items())
        self.put(f"/v1/kv/cicd/greeter/wanted/{ring}", text)

    def put(self, path: str, body: str = "") -> None:
        requests.put(f"{self.consul}{path}", data=body, timeout=10).raise_for_status()

    def get(self, path: str) -> dict:
        return requests.get(f"{self.consul}{path}", timeout=10).json()

    def forget(self) -> None:
        for identifier in requests.get(f"{self.consul}/v1/agent/services", timeout=10).json():
            self.put(f"/v1/agent/service/deregister/{identifier}")
        requests.delete(f"{self.consul}/v1/kv/cicd/greeter?recurse", timeout=10)

    def stored(self) -> dict:
        return requests.get(f"{self.consul}/v1/kv/cicd/greeter/hosts/{NODE}?raw", timeout=10).json()

    def run(self, *words: str) -> tuple[int, dict]:
        done = self.call(*words)
        lines = done.stdout.splitlines()
        assert len(lines) == 1, done.stderr
        return done.returncode, json.loads(lines[0])

    def watch(self) -> str:
        """Run it as Consul's watch does, with what is wanted on stdin; return its report's code, if any."""
        found = requests.get(f"{self.consul}/v1/kv/cicd/greeter/wanted/?recurse", timeout=10)
        done = self.call("--changed", "greeter", stdin=found.text if found.ok else "null")
        return json.loads(done.stdout)["code"] if done.stdout else ""

    def call(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        etc = self.folder / "etc"
        (etc / "projects").mkdir(parents=True, exist_ok=True)
        (etc / "converge.conf").write_text(f"CONSUL_HTTP_ADDR={self.wire.url}\n")
        for name in self.projects:
            (etc / "projects" / f"{name}.conf").write_text(self.conf)
        program = self.folder / "cicd-converge"
        program.write_text(self.program)
        environment = {
            "CICD_ETC": str(etc),
            "CICD_RUN": f"{self.folder}/run",
            "CICD_STATE": f"{self.folder}/state",
            "CICD_PINS": f"{self.folder}/pins",
        }
        return subprocess.run(
            ["dash", program, *(words or ("greeter",))],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def code(self, *words: str) -> str:
        return str(self.run(*words)[1]["code"])


@pytest.fixture
def host(consul: str, tmp_path: Path) -> Iterator[Host]:
    with Wire(consul) as wire:
        thread = threading.Thread(target=wire.serve_forever, args=(0.02,))
        thread.start()
        found = Host(wire, consul, tmp_path)
        found.forget()
        found.serve("greeter::app")
        yield found
        wire.shutdown()
        thread.join()
    found.forget()


def test_nothing_wanted_is_held_and_reported(host):
    code, report = host.run()

    assert (code, report["state"], report["code"], report["ring"]) == (0, "held", "empty", "production")
    assert host.stored() == report
    assert list(report) == FIELDS


def test_what_the_catalog_has_of_this_node_and_its_agent_does_not_know_is_reported(host):
    assert (host.run()[1]["registered"], host.stored()["foreign"]) == ("greeter at 127.0.0.1:8080", "")
    own = {"ID": "greeter", "Service": "greeter", "Address": "127.0.0.1", "Port": 8080}
    evil = {"ID": "evil", "Service": "greeter", "Address": "127.0.0.66", "Port": 80}
    for services, foreign in (
        ({"greeter": own}, ""),
        ({"greeter": own, "other": {**evil, "Service": "other"}}, ""),
        ({"greeter": own, "evil": evil}, "evil at 127.0.0.66:80"),
        ({"greeter": {**own, "Address": "127.0.0.66"}}, "greeter at 127.0.0.66:8080"),
    ):
        host.wire.answers = {f"/v1/catalog/node/{NODE}": json.dumps({"Services": services}).encode()}
        assert host.run()[1]["foreign"] == foreign


def test_without_the_catalog_a_run_goes_on(host):
    host.wire.broken = {"/v1/catalog"}

    assert host.run()[1]["code"] == "empty"


def test_the_token_and_the_report_both_reach_consul(host):
    (host.folder / "token").write_text("secret-token\n")
    host.conf = f"CONSUL_TOKEN_FILE={host.folder / 'token'}\n"
    report = host.run()[1]

    assert host.wire.tokens == {"secret-token"}
    assert host.stored() == report


def test_a_token_file_that_is_missing_is_named(host):
    host.conf = f"CONSUL_TOKEN_FILE={host.folder / 'token'}\n"
    code, report = host.run()

    assert (code, report["code"]) == (1, "consul")
    assert f"{host.folder / 'token'} cannot be read" in report["message"]


@pytest.mark.parametrize(
    "path",
    ["/v1/kv/cicd/greeter/wanted/production", "/v1/agent/services", "/v1/agent/self", "/v1/agent/checks"],
)
@pytest.mark.parametrize("words", [["greeter"], ["--generation", "7", "greeter"]])
def test_a_consul_that_cannot_answer_is_not_taken_for_an_empty_one(host, path, words):
    host.wire.broken.add(path)
    code, report = host.run(*words)

    assert (code, report["code"]) == (1, "consul")
    assert "No cluster leader" in report["message"]


def test_the_timer_waits_while_a_deploy_walks_the_ring(host):
    host.want(rollout="pushed")

    assert host.code() == "pushed"


def test_the_watch_runs_once_for_each_open_document_of_its_ring(host):
    assert host.watch() == "empty"
    host.want(hold="lock")
    assert [host.watch(), host.watch()] == ["lock", ""]
    host.want("canary")
    assert host.watch() == ""
    host.want(hold="pin")
    assert [host.watch(), host.watch()] == ["pin", ""]


def test_the_watch_leaves_a_deploy_to_push_and_runs_when_it_has_ended(host):
    host.want(hold="lock")
    host.watch()
    host.want(rollout="pushed", generation="8")
    assert host.watch() == ""
    host.want(hold="freeze", generation="8")
    assert host.watch() == "freeze"


def test_the_watch_leaves_going_back_to_the_push_but_the_timer_does_not_wait_for_it(host):
    host.want(hold="lock")
    host.watch()
    host.want(hold="pin", restoring="yes", generation="8")
    assert (host.watch(), host.code()) == ("", "pin")
    host.want(hold="pin", generation="8")
    assert host.watch() == "pin"


def test_the_watch_does_not_look_again_at_what_a_push_has_just_brought(host):
    told = host.folder / "run" / "greeter" / "told"
    host.want(hold="lock")
    host.watch()
    pushed = {**host.stored(), "state": "converged", "generation": 8}
    for ran, lines in (("", {}), ("lock", {"hold": "lock"}), ("pin", {"hold": "pin", "generation": "9"})):
        told.write_text(json.dumps(pushed))
        host.want(**{"generation": "8", "hold": "", **lines})
        assert host.watch() == ran, lines


def test_a_watch_that_cannot_say_what_changed_runs(host):
    host.want(hold="lock")
    host.watch()
    told = host.folder / "run" / "greeter" / "told"
    for odd in ("", "{", '{"ring": ""}', "{}", "[]"):
        told.write_text(odd)
        assert host.watch() == "lock", odd
    assert [host.watch(), host.watch()] == ["lock", ""]


@pytest.mark.parametrize("word", ["freeze", "pin", "veto", "lock"])
def test_a_held_host_stays_as_it_is_unless_it_is_pushed(host, word):
    host.want(hold=word)
    code, report = host.run()

    assert (code, report["state"], report["code"]) == (0, "held", word)
    host.conf = "DRAIN_SECONDS=0\nAPT_SOURCE=/nonexistent\n"
    assert host.code("--generation", "7", "greeter") != word


@pytest.mark.parametrize("generation", ["6", "8", "0", "70"])
def test_a_command_of_another_generation_is_refused(host, generation):
    host.want()
    code, report = host.run("--generation", generation, "greeter")

    assert (code, report["state"], report["code"]) == (1, "failed", "generation")


def test_a_generation_older_than_the_one_seen_is_refused_on_either_path(host):
    host.want(rollout="pushed", generation="9")
    host.run()
    host.want(generation="8")

    assert host.code() == "stale"
    assert host.code("--generation", "8", "greeter") == "stale"
    assert "has seen 9" in host.stored()["message"]
    host.want(rollout="pushed", generation="10")
    assert host.code() == "pushed"


@pytest.mark.parametrize("generation", ["9" * 12, "9" * 18, "9" * 20])
def test_a_generation_that_no_release_reaches_is_refused_and_never_the_highest_seen(host, generation):
    host.want(rollout="pushed")
    host.run()
    host.want(rollout="pushed", generation=generation)

    assert host.code() == "wanted"
    host.want(rollout="pushed", generation="8")
    assert host.code() == "pushed"


def test_each_ring_has_its_own_order(host):
    host.want(rollout="pushed", generation="9")
    host.run()
    host.serve("greeter::app", "greeter::app_canary")
    host.want("canary", rollout="pushed", generation="8")

    assert host.code() == "pushed"


def test_a_seen_generation_lost_in_a_power_cut_stops_nothing(host):
    host.want(rollout="pushed")
    host.run()
    (host.folder / "state" / "greeter" / "production").write_text("")

    assert host.code() == "pushed"


def test_a_host_with_the_canary_tag_reads_the_canarys_document(host):
    host.serve("greeter::app", "greeter::app_canary")
    host.want()

    assert host.run()[1]["ring"] == "canary"
    assert host.code() == "empty"


@pytest.mark.parametrize("tags", [["other::app", "xgreeter::app"], ['x","greeter::app","'], []])
def test_a_host_without_the_projects_tag_belongs_to_no_ring(host, tags):
    host.serve(*tags)

    assert host.code() == "ring"


def test_brackets_in_a_tag_hide_no_other_tag(host):
    host.serve("a]b", "greeter::app", "greeter::app_canary")

    assert host.run()[1]["ring"] == "canary"


def test_a_service_under_another_id_is_found(host):
    host.put("/v1/agent/service/deregister/greeter")
    host.serve("greeter::app", identifier="greeter-on-this-host")

    assert host.code() == "empty"


@pytest.mark.parametrize("key", ["ID", "Port", "Address", "Tags", "NodeName", "CheckID", "Notes"])
def test_meta_of_the_service_is_not_taken_for_the_service(host, key):
    host.serve("greeter::app", "greeter::app_canary", meta={key: 'x","greeter::app","ID":"9'})
    host.put("/v1/agent/service/maintenance/greeter?enable=true&reason=disk+swap")
    host.want("canary")
    report = host.run()[1]

    assert (report["ring"], report["code"]) == ("canary", "maintenance")
    assert "disk swap" in report["message"]


def test_an_answer_that_is_not_consuls_is_named(host):
    host.wire.garbled.add("/v1/agent/services")

    assert host.code() == "consul"
    assert "is not Consul's JSON" in host.stored()["message"]


def test_a_service_registered_twice_is_refused(host):
    host.serve("greeter::app_canary", identifier="greeter-2")

    assert host.code() == "ring"
    assert "more than once" in host.stored()["message"]


def test_a_dot_in_a_name_matches_nothing_but_a_dot(host):
    host.put("/v1/agent/service/deregister/greeter")
    host.serve("greeter::app", name="greeterXapp")
    host.conf = "SERVICE=greeter.app\n"

    assert host.code() == "ring"


def test_a_project_that_this_host_does_not_run_is_refused(host):
    assert host.code("other") == "config"


@pytest.mark.parametrize(
    ("conf", "sentence"),
    [
        ("UNIT='greeter.service\n", "projects/greeter.conf is not sh"),
        ("TAG=$NOSUCH\n", "projects/greeter.conf is not sh"),
        ("UNIT=greeter.service\r\nTAG=greeter::app\r\n", "Windows' line ends: sed -i 's/\\r$//'"),
        ("UNIT=greeter@.service\n", "name one of its instances, as in greeter@1.service"),
        ("DRAIN_LIMIT_SECONDS=08\n", "'08' is not a whole number"),
        ("HEALTH_LIMIT_SECONDS=99999999999999999999\n", "is not a whole number"),
        ("DRAIN_SECONDS=5s\n", "is not a whole number"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(host, conf, sentence):
    host.want()
    host.conf = conf
    code, report = host.run()

    assert (code, report["state"], report["code"]) == (1, "failed", "config")
    assert sentence in report["message"]


def test_a_service_that_an_operator_took_out_of_traffic_stays_out(host):
    host.want()
    host.put("/v1/agent/service/maintenance/greeter?enable=true&reason=disk+swap")

    assert host.run()[1]["state"] == "held"
    assert "disk swap" in host.stored()["message"]
    assert host.run("--generation", "7", "greeter")[1]["code"] == "maintenance"


def test_a_host_that_is_retired_leaves_traffic_and_stays_out(host):
    host.want()
    left = host.call("--leave", "greeter")

    assert left.returncode == 0, left.stderr
    assert "takes no more requests" in left.stderr
    assert (host.run()[1]["state"], host.stored()["code"]) == ("held", "maintenance")
    assert "this host is retired" in host.stored()["message"]
    assert host.call("--leave", "greeter").returncode == 0


def test_a_host_without_the_service_cannot_leave_it(host):
    host.put("/v1/agent/service/deregister/greeter")

    assert host.call("--leave", "greeter").returncode == 1
    assert "is not registered" in host.stored()["message"]


def test_a_node_that_an_operator_took_out_of_traffic_stays_out(host):
    host.want()
    host.put("/v1/agent/maintenance?enable=true&reason=kernel")
    report = host.run()[1]
    host.put("/v1/agent/maintenance?enable=false")

    assert (report["state"], report["code"]) == ("held", "maintenance")
    assert "kernel" in report["message"]


@pytest.mark.parametrize(
    "line",
    [
        {"package": "a b"},
        {"package": "$(touch owned)"},
        {"package": ""},
        {"sha256": "12"},
        {"sha256": "`id`"},
        {"version": "latest"},
        {"version": "1.0;id"},
        {"generation": ""},
        {"generation": "7x"},
        {"generation": "007"},
        {"generation": "9" * 13},
        {"generation": "9" * 20},
        {"hold": "{{ 7 * 7 }}"},
    ],
)
def test_an_unreadable_document_stops_before_anything_is_touched(host, line):
    host.want(**line)

    assert host.code() == "wanted"
    assert not list(Path.cwd().glob("owned"))


def test_without_an_agent_the_failure_names_its_address(host):
    with Wire(host.consul) as closed:
        pass
    host.wire.shutdown()
    host.wire = closed
    code, report = host.run()

    assert (code, report["code"]) == (1, "consul")
    assert closed.url in report["message"]


def test_a_report_says_which_agent_wrote_it(host):
    pack = (Path(__file__).parents[2] / "pack.yaml").read_text()

    assert f"version: {host.run()[1]['agent']}\n" in pack


@pytest.mark.parametrize(
    "line",
    ["", "a b", "-x", "../x", "--generation|x|greeter", "--generation", "a|b", "--repair"]
    + [f"--generation|{number}|greeter" for number in ("9" * 13, "9" * 20, "1" + "0" * 19, "07")],
)
def test_bad_usage_says_how(line, tmp_path):
    words = line.split("|") if line else []
    program = tmp_path / "cicd-converge"
    program.write_text(script())
    done = subprocess.run(["dash", program, *words], capture_output=True, text=True, timeout=20)

    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert done.stdout == ""


def test_it_says_which_protocol_it_speaks(tmp_path):
    (tmp_path / "cicd-converge").write_text(script())
    done = subprocess.run(["dash", tmp_path / "cicd-converge", "--protocol"], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def functions() -> str:
    return script().replace('\nmain "$@"\n', "\n")


def composed(code: str, *words: str) -> list[dict]:
    """Return the reports that *code* composes of *words*, one for each."""
    loop = 'for text in "$@"; do compose held ok "$text"; done'
    command = ["dash", "-c", functions() + code + loop, "report", *words]
    done = subprocess.run(command, capture_output=True, timeout=60)
    lines = done.stdout.decode("ascii").split("\n")[:-1]
    assert lines[::2] == ["false"] * len(words), done.stderr
    return [json.loads(line) for line in lines[1::2]]


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@settings(max_examples=5, deadline=None)
@given(st.lists(TEXTS, min_size=20, max_size=30))
def test_any_text_becomes_one_json_string(texts):
    plain = [re.sub(r"[^ -~]", "", re.sub(r"[\n\t]", " ", text)) for text in texts]

    assert [report["message"] for report in composed("", *texts)] == plain


def test_a_long_text_is_cut_and_bytes_that_are_no_text_are_left_out():
    code = r"""log=$(printf 'a\377b'); set -- "$(head -c 300000 /dev/zero | tr '\0' x)"; """
    report = composed(code, "x")[0]

    assert (report["message"], report["log"]) == (500 * "x", "ab")


def test_a_report_is_known_whatever_time_it_is_of(tmp_path):
    code = """
        cd "$1"; HERE=.
        known() { compose held ok "$1" | head -n 1; }
        compose held ok same | tail -n 1 >news; mv news told; sleep 1.1
        known same; known other; echo '[1]' >told; known same; echo no >told; known same"""
    command = ["dash", "-c", functions() + code, "known", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.stdout.split() == ["true", "false", "false", "false"]


def test_a_host_whose_jq_is_gone_says_so():
    code = "jq() { return 127; }; finish unchanged ok fine"
    done = subprocess.run(["dash", "-c", functions() + code], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (1, "")
    assert "apt-get install --reinstall jq" in done.stderr


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, 10**20).map(str) | st.from_regex(r"[0-9]{0,22}", fullmatch=True), min_size=20))
def test_a_number_is_what_the_shell_compares_rightly(texts):
    loop = 'for text in "$@"; do if is_number "$text"; then echo "$((text + 0))"; else echo no; fi; done'
    command = ["dash", "-c", functions() + loop, "numbers", *texts]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    plain = [text.isdigit() and str(int(text)) == text and len(text) <= 12 for text in texts]
    assert done.stdout.splitlines() == [
        text if good else "no" for text, good in zip(texts, plain, strict=True)
    ]


@pytest.mark.parametrize(
    ("start", "uptime", "spent"),
    [(100, "1.00", "0"), (100, "1.07", "0.07"), (12345, "1234.56", "1111.11"), (12345, "123.74", "0.29")],
)
def test_seconds_have_two_digits_at_most(start, uptime, spent, tmp_path):
    (tmp_path / "uptime").write_text(f"{uptime} 9.99\n")
    code = functions().replace("/proc/uptime", str(tmp_path / "uptime")) + "began=$1; compose held ok fine"
    done = subprocess.run(
        ["dash", "-c", code, "time", str(start)], capture_output=True, text=True, timeout=20
    )

    assert f'"total":{spent}' + "}" in done.stdout


def test_a_connection_is_found_by_the_services_own_address_and_port():
    code = functions() + 'if is_connected "$1"; then echo yes; else echo no; fi'

    def said(address: str, port: int) -> str:
        a, b, c, d = map(int, address.split("."))
        end = f"{d:02X}{c:02X}{b:02X}{a:02X}:{port:04X}"
        return subprocess.run(["dash", "-c", code, "ss", end], capture_output=True, text=True).stdout.strip()

    with socket.create_server(("127.0.0.9", 0)) as server:
        port = server.getsockname()[1]
        assert said("127.0.0.9", port) == "no"
        with socket.create_connection(("127.0.0.9", port)):
            assert said("127.0.0.9", port) == "yes"
            assert said("127.0.0.8", port) == "no"


def written(host: Host) -> list[int]:
    """The times, as Consul counts them, at which the host's report and its check were written last."""
    report = requests.get(f"{host.consul}/v1/kv/cicd/greeter/hosts/{NODE}", timeout=10).json()
    checks = requests.get(f"{host.consul}/v1/health/checks/cicd-converge", timeout=10).json()
    return [one["ModifyIndex"] for one in [*report, *checks]]


def eventually(host: Host, status: str) -> None:
    """Wait until Consul says *status* of the check by which the host shows that it converges."""
    for _ in range(600):
        checks = requests.get(f"{host.consul}/v1/health/checks/cicd-converge", timeout=10).json()
        if [one["Status"] for one in checks] == [status]:
            return
        time.sleep(0.1)
    raise AssertionError(checks)


def test_an_idle_host_writes_nothing_into_consul(host):
    host.want(rollout="pushed", silent="600")
    first = host.run()[1]
    eventually(host, "passing")
    before = written(host)

    for _ in range(3):
        assert host.run()[1]["code"] == "pushed"

    assert (first["alive"], len(before), written(host)) == ("check", 2, before)


def noted(folder: Path, notes: Path) -> str:
    """Return a PATH of *folder*, on which every program notes its name in *notes* when it starts."""
    folder.mkdir()
    for place in ("/bin", "/usr/bin", "/sbin", "/usr/sbin"):
        for program in Path(place).iterdir():
            shim = folder / program.name
            shim.write_text(f'#!/bin/sh\necho {program.name} >>{notes}\nexec {program} "$@"\n')
            shim.chmod(0o755)
    return str(folder)


def test_a_run_that_finds_nothing_to_do_starts_nine_programs_at_most(host, tmp_path):
    said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "dash"], capture_output=True, text=True)
    host.want(package="dash", version=said.stdout, silent="600")
    host.conf = f"PACKAGES=dash\nHEALTH_URL={host.consul}/v1/status/leader\n"
    first = host.run()[1]
    notes = tmp_path / "notes"
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
    assert path in host.program
    host.program = host.program.replace(path, f"PATH={noted(tmp_path / 'programs', notes)}\n")
    report = host.run()[1]

    assert (first["state"], report["state"]) == ("unchanged", "unchanged")
    # With a unit there is systemctl, too.
    assert notes.read_text().split() == ["id", "flock", "curl", "jq", "dpkg-query", "curl", "curl", "jq"]


def test_a_report_that_says_something_new_or_is_gone_is_written(host):
    host.want(rollout="pushed", silent="600")
    host.run()
    host.want(rollout="pushed", silent="600", generation="8")
    host.run()
    assert host.stored()["generation"] == 8

    requests.delete(f"{host.consul}/v1/kv/cicd/greeter/hosts/{NODE}", timeout=10)
    host.run()
    assert host.stored()["generation"] == 8


def test_a_failure_that_comes_back_is_written_again(host):
    host.want(rollout="pushed", silent="600")
    host.conf = "SERVICE=two/words\n"
    host.run()
    host.conf = ""
    host.run()
    host.conf = "SERVICE=two/words\n"
    host.run()

    assert host.stored()["code"] == "config"


def assert_every_run_is_reported(host):
    host.run()
    before = written(host)
    host.run()

    assert written(host) > before
    assert host.stored()["alive"] == "report"


def test_a_pack_that_does_not_ask_for_a_check_gets_every_report(host):
    host.want(rollout="pushed")
    assert_every_run_is_reported(host)


def test_a_host_that_may_have_no_check_tells_every_report(host):
    host.wire.broken.add("/v1/agent/check/")
    host.want(rollout="pushed", silent="600")
    assert_every_run_is_reported(host)


def test_a_host_that_converges_no_more_is_critical_and_stays_in_traffic(host):
    host.want(rollout="pushed", silent="1")
    host.run()
    eventually(host, "critical")
    passing = requests.get(f"{host.consul}/v1/health/service/greeter?passing", timeout=10).json()
    assert [one["Service"]["Service"] for one in passing] == ["greeter"]

    host.want(rollout="pushed", silent="600")
    host.run()
    eventually(host, "passing")


def test_a_check_that_consul_forgot_is_made_again(host):
    host.want(rollout="pushed", silent="600")
    host.run()
    host.put("/v1/agent/service/deregister/cicd-converge")
    host.run()

    eventually(host, "passing")


RINGS = "staging=greeter::app_staging canary=greeter::app_canary production-eu=greeter::app_eu"


@pytest.mark.parametrize(
    ("tags", "ring"),
    [
        (("greeter::app_staging",), "staging"),
        (("greeter::app_eu", "greeter::app"), "production-eu"),
        (("greeter::app_eu", "greeter::app_canary"), "canary"),
        (("greeter::app",), ""),
    ],
)
def test_a_host_belongs_to_the_first_of_its_rings_whose_tag_it_carries(host, tags, ring):
    host.conf = f'SERVICE=greeter\nRINGS="{RINGS}"\n'
    host.serve(*tags)
    if ring:
        host.want(ring, version="", generation="7")
    code, report = host.run()

    assert report["ring"] == ring
    assert (code, report["code"]) == ((0, "empty") if ring else (1, "ring"))


@pytest.mark.parametrize(
    ("settings", "tags", "is_stable"),
    [
        ("", ("greeter::app",), True),
        ("", ("greeter::app", "greeter::app_canary", "greeter::app_stable"), False),
        (f'RINGS="{RINGS}"\n', ("greeter::app_staging",), False),
        (f'RINGS="{RINGS}"\n', ("greeter::app_eu",), True),
    ],
)
def test_the_stable_tag_is_on_hosts_outside_the_canary_and_changes_no_check(host, settings, tags, is_stable):
    host.conf = f"STABLE_TAG=greeter::app_stable\n{settings}"
    host.serve(*tags)
    check = {"Name": "answers", "ServiceID": "greeter", "TTL": "60s"}
    host.put("/v1/agent/check/register", json.dumps(check))
    host.run()
    carried = host.get("/v1/agent/services")["greeter"]["Tags"]
    check = host.get("/v1/agent/checks")["answers"]

    assert set(carried) == {*tags} - {"greeter::app_stable"} | (
        {"greeter::app_stable"} if is_stable else set()
    )
    assert (check["ServiceID"], check["Status"]) == ("greeter", "critical")


def test_without_the_setting_the_service_stays_as_it_is(host):
    host.serve("greeter::app")
    before = host.get("/v1/agent/services")["greeter"]
    host.run()

    assert host.get("/v1/agent/services")["greeter"] == before


@pytest.mark.parametrize("rings", ["staging", "Staging=tag", "staging=", "a=b c"])
def test_a_ring_without_a_tag_is_named(host, rings):
    host.conf = f'SERVICE=greeter\nRINGS="{rings}"\n'
    code, report = host.run()

    assert (code, report["code"]) == (1, "config")
    assert "is not a ring and its tag; write ring=tag." in report["message"]


def test_what_a_ring_has_seen_is_kept_apart_from_every_other_word(host):
    host.conf = 'SERVICE=greeter\nRINGS="unfinished=greeter::app"\n'
    host.want("unfinished", version="", generation="7")
    host.run()
    host.want("unfinished", version="", generation="6")

    assert (host.folder / "state" / "greeter" / "ring-unfinished").read_text() == "7\n"
    assert host.code() == "stale"


# The program as it was before it knew a list of rings.
OLD_AGENT = gzip.decompress((Path(__file__).parent / "data" / "cicd-converge_0_1.gz").read_bytes()).decode()
LISTED = ("staging", "canary", "production")


def want_everywhere(host: Host, lifecycle: Lifecycle) -> None:
    """Write what the pack has the hosts of *lifecycle* read while a deploy walks each of its rings."""
    for number, ring in enumerate(lifecycle.names, 1):
        build = Build(f"{number}.0-1.abcdef0", "greeter", "a" * 40, "0" * 64, "")
        known = Release("greeter", 7, {ring: Ring(DEPLOYING, build, generation=7)}, lifecycle=lifecycle)
        host.put(f"/v1/kv/cicd/greeter/wanted/{ring}", wanted_document(known, ring))


@pytest.mark.parametrize(
    ("tags", "ring", "wanted"),
    [
        (("greeter::app", "greeter::app_canary"), "canary", "2.0-1.abcdef0"),
        (("greeter::app",), "production", "3.0-1.abcdef0"),
    ],
)
@pytest.mark.parametrize("program", [OLD_AGENT, script()], ids=["old agent", "agent without RINGS"])
def test_an_agent_that_knows_the_pair_obeys_its_ring_of_a_list(host, program, tags, ring, wanted):
    host.program, host.conf = program, "CANARY_TAG=greeter::app_canary\n"
    host.serve(*tags)
    want_everywhere(host, Lifecycle(tuple(Stage(name) for name in LISTED)))
    report = host.run()[1]

    assert (report["ring"], report["wanted"], report["code"]) == (ring, wanted, "pushed")


def test_an_old_agent_in_a_ring_that_it_does_not_know_stays_as_it_is_and_says_so(host):
    host.program = OLD_AGENT
    host.serve("greeter::app_staging")
    want_everywhere(host, Lifecycle(tuple(Stage(name) for name in LISTED)))
    code, report = host.run()

    assert (code, report["code"]) == (1, "ring")
    assert "carries neither greeter::app nor greeter::app_canary; tag it" in report["message"]


def test_an_agent_that_knows_a_list_obeys_a_pack_that_knows_the_pair(host):
    words = "staging=greeter::app_staging canary=greeter::app_canary production=greeter::app"
    host.conf = f'RINGS="{words}"\n'
    want_everywhere(host, PAIR)
    found = []
    for tags in (("greeter::app_staging",), ("greeter::app", "greeter::app_canary"), ("greeter::app",)):
        host.serve(*tags)
        report = host.run()[1]
        found.append((report["ring"], report["code"], report["wanted"]))

    assert found == [
        ("staging", "empty", ""),
        ("canary", "pushed", "1.0-1.abcdef0"),
        ("production", "pushed", "2.0-1.abcdef0"),
    ]


def test_what_one_agent_has_seen_holds_for_the_other_before_and_after_an_upgrade(host):
    for program, generation, code in (
        (OLD_AGENT, "9", "pushed"),
        (script(), "8", "stale"),
        (script(), "10", "pushed"),
        (OLD_AGENT, "9", "stale"),
    ):
        host.program = program
        host.want(rollout="pushed", generation=generation)
        assert host.code() == code
