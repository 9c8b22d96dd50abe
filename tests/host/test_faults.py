"""
What goes wrong on a host, on real systemd, apt, dpkg and Consul, in either ring.

Each fault: where the host ends, what the report says, and that a following run repairs it. The long
ones run with `make test-faults`, which takes both rings.
"""

import contextlib
import http.client
import os
import re
import signal
import time
from datetime import timedelta

import pytest

from cicd.release.transitions import DEPLOYING
from tests.host.conftest import VERSION
from tests.host.machine import wait_for

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
    # A booted host outlives the object that started it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SLOW_HOOK = {"opt/greeter/script/post-inst": "#!/bin/sh\nsleep 600\n"}
# Its hook waits only as long as this file is there, so that a later run of it may pass.
PATIENT_HOOK = {"opt/greeter/script/post-inst": "#!/bin/sh\nwhile [ -e /run/wait ]; do sleep 0.1; done\n"}
BAD_HOOK = {"opt/greeter/script/post-inst": "#!/bin/sh\necho it cannot >&2\nexit 3\n"}
CRASHING = {"opt/greeter/greeter.py": "import time\ntime.sleep(0.3)\nraise SystemExit('no setting COLOUR')\n"}
FLAPPING_SERVER = """
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if time.time() % 1 < 0.5 else 500)
        self.end_headers()
http.server.HTTPServer((os.environ["GREETER_HOST"], 8080), Handler).serve_forever()
"""
FLAPPING = {"opt/greeter/greeter.py": FLAPPING_SERVER}
SICK = {"opt/greeter/greeter.py": FLAPPING_SERVER.replace("200 if time.time() % 1 < 0.5 else 500", "500")}


def assert_repaired(machine, version=VERSION):
    """A run, or the next of a timer, brings the host to *version*, into traffic, with nothing left over."""
    report = machine.converge()
    assert (report["code"], report["installed"]) == ("ok", version), report
    assert machine.installed() == f"install ok installed {version}"
    assert machine.serves() == version
    assert machine.in_traffic()
    again = machine.converge()
    assert (again["state"], again["edited"]) == ("unchanged", "")


def assert_stayed(machine, report, code, sentence):
    """The run failed for *code* before it changed the package, and the host went on serving."""
    assert (report["state"], report["code"]) == ("failed", code), report
    assert sentence in report["message"]
    assert machine.stored() == report
    assert report["installed"] == VERSION
    assert machine.serves() == VERSION
    assert machine.in_traffic()


def assert_out(machine, report, code, sentence):
    """The run failed for *code*, and what does not work is kept out of traffic."""
    assert (report["state"], report["code"]) == ("failed", code), report
    assert sentence in report["message"]
    assert machine.stored() == report
    assert not machine.in_traffic()


def test_a_deploy_a_rollback_and_nothing_to_do(machine, repository):
    repository.publish("2.0.0-2.abcdef0")
    generation = machine.want("2.0.0-2.abcdef0", DEPLOYING)
    pushed = machine.converge("--generation", str(generation), "greeter")

    assert (pushed["state"], pushed["ring"]) == ("converged", machine.ring)
    assert machine.serves() == "2.0.0-2.abcdef0"
    assert all(pushed["seconds"][step] > 0 for step in ("drain", "update", "install", "health"))
    machine.want(VERSION)
    assert_repaired(machine)


@contextlib.contextmanager
def needy(machine, repository, distribution, version, other):
    """Publish *version*, which needs *other*, a package of a distribution whose lists the host never had."""
    distribution.publish_other(other, "1")
    machine.run("tee", "/etc/apt/debian.asc", stdin=distribution.key)
    source = distribution.source.replace("cicd.asc", "debian.asc")
    machine.run("tee", "/etc/apt/sources.list.d/debian.list", stdin=source)
    control = f"Package: greeter\nVersion: {version}\nArchitecture: all\nMaintainer: Ann <ann@example.com>\n"
    repository.publish(
        version, {"DEBIAN/control": f"{control}Depends: python3, {other}\nDescription: Greets\n"}
    )
    try:
        yield
    finally:
        machine.run("rm", "/etc/apt/sources.list.d/debian.list")


def test_a_dependency_of_the_distribution_is_found_though_its_lists_were_never_fetched(
    machine, repository, distribution
):
    with needy(machine, repository, distribution, "7.0.0-7.abcdef0", "salutation"):
        planned = machine.converge("--plan", "greeter=7.0.0-7.abcdef0", "greeter")
        machine.want("7.0.0-7.abcdef0")
        report = machine.converge()

    assert any("salutation" in line for line in planned["apt"])
    assert report["state"] == "converged", report
    machine.want(VERSION)
    assert_repaired(machine)


# Locks apt's lists for some seconds, as a run of another project does, once this run asks what apt would do.
LOCKS_LISTS = """import fcntl, glob, time
def asked():
    for name in glob.glob('/proc/[0-9]*/cmdline'):
        try:
            if b'--simul' + b'ate' in open(name, 'rb').read():
                return True
        except OSError:
            pass
print('waits', flush=True)
while not asked():
    pass
file = open('/var/lib/apt/lists/lock', 'w')
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(5)
"""


def test_a_run_of_another_project_that_fetches_lists_is_waited_for(machine, repository, distribution):
    machine.settings(APT_LOCK_SECONDS="30")
    with needy(machine, repository, distribution, "7.1.0-8.abcdef0", "valediction"):
        machine.want("7.1.0-8.abcdef0")
        other = machine.spawn("python3", "-c", LOCKS_LISTS)
        assert other.stdout.readline()
        report = machine.converge()
        other.communicate(timeout=60)

    assert report["state"] == "converged", report
    machine.want(VERSION)
    assert_repaired(machine)


def test_an_edited_setting_is_kept_and_an_edited_file_reported_and_repaired(machine, repository):
    machine.run("sh", "-c", "echo mine >/etc/greeter.conf; echo '# mine' >>/opt/greeter/script/post-inst")
    seen = machine.converge()

    assert (seen["state"], seen["edited"]) == ("unchanged", "/opt/greeter/script/post-inst")
    assert machine.converge("--repair", "greeter")["state"] == "converged"
    assert_repaired(machine)
    assert machine.run("cat", "/etc/greeter.conf") == "mine\n"
    machine.run("rm", "/etc/greeter.conf")
    machine.converge("--repair", "greeter")


def test_a_hook_that_hangs_is_stopped_and_another_version_is_the_cure(machine, repository):
    machine.settings(APT_LIMIT_SECONDS="10")
    repository.publish("3.0.0-3.abcdef0", SLOW_HOOK)
    machine.want("3.0.0-3.abcdef0")
    report = machine.converge()

    assert_out(machine, report, "hung", "did not end within 10 s")
    assert "half-configured" in machine.installed()
    machine.want(VERSION)
    machine.settings()
    assert_repaired(machine)


def test_a_host_that_reboots_amid_an_installation_converges_by_its_timer(machine, repository):
    repository.publish("3.1.0-3.abcdef0", PATIENT_HOOK)
    machine.run("touch", "/run/wait")
    machine.want("3.1.0-3.abcdef0")
    run = machine.spawn("cicd-converge", "greeter")
    wait_for(
        lambda: "half-configured" in machine.installed() and machine.run("sh", "-c", "pgrep post-inst; true")
    )
    machine.cut_power()
    run.communicate()
    machine.boot()

    wait_for(lambda: machine.stored()["state"] == "converged", 120)
    machine.quiet()
    assert_repaired(machine, "3.1.0-3.abcdef0")
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("path", "code"),
    [("/var/cache/apt/archives", "disk"), ("/opt", "disk"), ("/var/lib/cicd-converge", "disk")],
)
def test_a_full_disk(machine, repository, path, code):
    padding = {"opt/greeter/padding": os.urandom(30000).hex()}
    repository.publish("3.2.0-3.abcdef0", padding)
    machine.want("3.2.0-3.abcdef0")
    with machine.full_disk(path):
        if path == "/var/lib/cicd-converge":
            machine.run("sh", "-c", f"dd if=/dev/zero of={path}/full bs=4k count=9 2>/dev/null || true")
        report = machine.converge()
        assert (report["state"], report["code"]) == ("failed", "disk"), report
        assert machine.installed().endswith(f"installed {VERSION}")
        assert machine.serves() == VERSION
    machine.want(VERSION)
    assert_repaired(machine)


@contextlib.contextmanager
def another_holds(machine, path, whole=False):
    """Let another program hold the lock *path*, of the *whole* file as flock does, while the block runs."""
    lock = "flock" if whole else "lockf"
    code = f"import fcntl, sys, time; file = open(sys.argv[1], 'w'); fcntl.{lock}(file, fcntl.LOCK_EX)"
    other = machine.spawn("python3", "-c", f"{code}; print('held', flush=True); time.sleep(99)", path)
    assert other.stdout.readline()
    try:
        yield
    finally:
        machine.run("pkill", "-f", f"fcntl.{lock}")
        other.communicate()


@pytest.mark.faults
def test_dpkg_locked_by_someone_else(machine, repository):
    repository.publish("3.3.0-3.abcdef0")
    machine.want("3.3.0-3.abcdef0")
    with another_holds(machine, "/var/lib/dpkg/lock-frontend"):
        report = machine.converge()

    assert_stayed(machine, report, "locked", "another package manager is at work")
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.faults
def test_apts_lists_locked_by_someone_else(machine, repository):
    repository.publish("3.4.0-3.abcdef0")
    machine.want("3.4.0-3.abcdef0")
    with another_holds(machine, "/var/lib/apt/lists/lock"):
        report = machine.converge()

    assert_stayed(machine, report, "locked", "another package manager is at work")
    assert_repaired(machine, "3.4.0-3.abcdef0")


@pytest.mark.faults
def test_an_index_that_does_not_match_once_is_read_again(machine, repository):
    repository.publish("3.5.0-3.abcdef0")
    machine.want("3.5.0-3.abcdef0")
    repository.spoil["Packages"] = [b"Package: other\n"]
    assert machine.converge()["state"] == "converged"


@pytest.mark.faults
def test_an_index_that_never_matches(machine, repository):
    version = f"3.6.0+{machine.ring}-3.abcdef0"  # one that the host never saw in an index
    repository.publish(version)
    machine.want(version)
    repository.spoil["Packages"] = [b"Package: other\n"] * 99
    report = machine.converge()

    assert_stayed(machine, report, "update", "apt cannot read the repository")
    repository.spoil.clear()
    assert_repaired(machine, version)


@pytest.mark.faults
def test_an_index_that_somebody_else_signed(machine, repository):
    repository.publish("3.7.0-3.abcdef0")
    machine.want("3.7.0-3.abcdef0")
    release = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: evil\n"
    repository.spoil["InRelease"] = [release] * 99
    report = machine.converge()

    assert_stayed(machine, report, "update", "apt cannot read the repository")
    repository.spoil.clear()
    assert_repaired(machine, "3.7.0-3.abcdef0")


def test_a_package_that_is_not_the_recorded_one(machine, repository):
    version, file = "3.8.0-3.abcdef0", "greeter_3.8.0-3.abcdef0_all.deb"
    digest = repository.publish(version)
    machine.want(version, sha256="0" * 64)
    assert_stayed(machine, machine.converge(), "provenance", "names other bytes")
    repository.explain(version, file, "0" * 64)
    assert_stayed(machine, machine.converge(), "digest", "is not the package that was recorded")
    repository.explain(version, file, digest)
    machine.want(version)
    assert_repaired(machine, version)


def test_a_version_that_was_published_within_the_second_of_the_last_look_is_found(machine, repository):
    for version in ("3.8.1-3.abcdef0", "3.8.2-3.abcdef0"):
        repository.publish(version)
        repository.date_index(1_000_000_000)
        machine.want(version)
        assert machine.converge()["state"] == "converged"
    planned = "3.8.3-3.abcdef0"
    repository.publish(planned)
    repository.date_index(1_000_000_000)
    report = machine.converge("--plan", f"greeter={planned}", "greeter")
    assert report["state"] == "planned", report


@pytest.mark.faults
def test_a_version_that_is_not_there(machine, repository):
    machine.want("9.9.9-9.abcdef0", sha256="0" * 64)
    assert_stayed(machine, machine.converge(), "fetch", "was not found")
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_post_inst_that_fails(machine, repository):
    repository.publish("3.9.0-3.abcdef0", BAD_HOOK)
    machine.want("3.9.0-3.abcdef0")
    assert_out(machine, machine.converge(), "install", "it cannot")
    machine.want(VERSION)
    assert_repaired(machine)


def test_a_unit_that_crashes_after_its_start(machine, repository):
    repository.publish("4.0.0-4.abcdef0", CRASHING)
    machine.want("4.0.0-4.abcdef0")
    report = machine.converge()

    assert report["code"] in ("unit", "health")
    assert_out(machine, report, report["code"], "see `journalctl -u greeter.service`")
    assert report["log"] == "no setting COLOUR"
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.faults
def test_a_health_that_flaps_is_not_healthy(machine, repository):
    repository.publish("4.1.0-4.abcdef0", FLAPPING)
    machine.want("4.1.0-4.abcdef0")
    assert_out(machine, machine.converge(), "health", "for 1 s within")
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.faults
def test_a_health_page_that_says_500_is_not_called_silent(machine, repository):
    repository.publish("4.1.1-4.abcdef0", SICK)
    machine.want("4.1.1-4.abcdef0")
    assert_out(machine, machine.converge(), "health", "with status 500, not with 200 for")
    machine.want(VERSION)
    assert_repaired(machine)


@pytest.mark.faults
def test_a_clock_that_is_behind(machine, repository):
    repository.publish("4.2.0-4.abcdef0")
    repository.sign(ahead=timedelta(hours=5))
    machine.want("4.2.0-4.abcdef0")
    assert_stayed(machine, machine.converge(), "clock", "set the clock")
    repository.sign()
    assert_repaired(machine, "4.2.0-4.abcdef0")


@pytest.mark.faults
def test_a_consul_agent_that_is_down_before_the_run(machine, repository):
    repository.publish("4.3.0-4.abcdef0")
    machine.want("4.3.0-4.abcdef0")
    machine.run("systemctl", "stop", "consul")
    report = machine.converge()
    machine.run("systemctl", "start", "consul")
    wait_for(machine._has_leader)

    assert (report["state"], report["code"], report["host"]) == ("failed", "consul", "web1")
    assert machine.serves() == VERSION
    assert_repaired(machine, "4.3.0-4.abcdef0")


def test_a_consul_agent_that_goes_down_amid_the_run(machine, repository):
    repository.publish("4.4.0-4.abcdef0", PATIENT_HOOK)
    machine.run("touch", "/run/wait")
    machine.want("4.4.0-4.abcdef0")
    run = machine.spawn("cicd-converge", "greeter")
    wait_for(lambda: "half-configured" in machine.installed())
    machine.run("systemctl", "stop", "consul")
    machine.run("rm", "/run/wait")
    out, _ = run.communicate(timeout=60)
    machine.run("systemctl", "start", "consul")
    wait_for(machine._has_leader)

    assert '"code":"drain"' in out
    wait_for(lambda: not machine.in_traffic())  # once the agent has registered what it kept
    assert machine.serves() == "4.4.0-4.abcdef0"
    assert_repaired(machine, "4.4.0-4.abcdef0")


# Where a run is, and what holds it there until it is killed.
STEPS = {
    "drain": {"DRAIN_SECONDS": "20"},
    "update": {"slow": "InRelease"},
    "download": {"slow": "greeter_5.0.0-5.abcdef0_all.deb"},
    "install": {"wait": "/run/wait"},
    "health": {"MIN_HEALTHY_SECONDS": "20", "HEALTH_LIMIT_SECONDS": "30"},
}


@pytest.mark.faults
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_run_that_is_ended_at_any_step_is_finished_by_the_next(machine, repository, step, number):
    version = "5.0.0-5.abcdef0"
    repository.publish(version, PATIENT_HOOK)
    held = dict(STEPS[step])
    if "slow" in held:
        repository.slow.add(held.pop("slow"))
    if "wait" in held:
        machine.run("touch", held.pop("wait"))
    machine.settings(**held)
    machine.run("sh", "-c", ": >/var/log/apt/history.log")
    machine.want(version)
    run = machine.spawn("cicd-converge", "greeter")
    wait_for(lambda: is_at(machine, step))
    machine.run("pkill", f"-{number}", "-f", "^/bin/sh /usr/bin/cicd-converge")
    if number == signal.SIGTERM:  # the step ends first: an installation is never torn apart
        repository.slow.clear()
        machine.run("rm", "-f", "/run/wait")
    out, _ = run.communicate(timeout=120)
    repository.slow.clear()
    machine.run("rm", "-f", "/run/wait")
    machine.settings(APT_LOCK_SECONDS="40")

    assert ('"code":"stopped"' in out) == (number == signal.SIGTERM)
    assert_repaired(machine, version)


def is_at(machine, step):
    """Whether the run that was just started is at *step*."""
    running = machine.run("ps", "-eo", "args")
    return {
        "drain": not machine.in_traffic() and "apt-get" not in running,
        "update": "Error-Mode=any update" in running,
        "download": "--download-only" in running and "methods/http" in running,
        "install": "half-configured" in machine.installed(),
        "health": machine.installed().endswith(" installed 5.0.0-5.abcdef0") and "apt-get" not in running,
    }[step]


@pytest.mark.faults
def test_power_loss_between_installation_and_health_ends_in_traffic(machine, repository):
    repository.publish("5.1.0-5.abcdef0")
    machine.settings(MIN_HEALTHY_SECONDS="20", HEALTH_LIMIT_SECONDS="30")
    machine.want("5.1.0-5.abcdef0")
    run = machine.spawn("cicd-converge", "greeter")
    wait_for(lambda: machine.serves() == "5.1.0-5.abcdef0")
    machine.cut_power()
    run.communicate()
    machine.settings()
    machine.boot()
    machine.quiet()

    assert_repaired(machine, "5.1.0-5.abcdef0")


@pytest.mark.faults
def test_old_code_under_a_new_package_is_restarted(machine, repository):
    """Killed between dpkg's word and the restart, the host answers, healthy, with what was there before."""
    no_restart = {"DEBIAN/postinst": "#!/bin/sh\n"}
    repository.publish("5.2.0-5.abcdef0", no_restart)
    machine.settings(MIN_HEALTHY_SECONDS="20", HEALTH_LIMIT_SECONDS="30")
    machine.want("5.2.0-5.abcdef0")
    slow = '#!/bin/sh\n[ "$1" != restart ] || sleep 60\nexec systemctl.real "$@"\n'
    machine.run("mv", "/usr/bin/systemctl", "/usr/bin/systemctl.real")
    machine.run("sh", "-c", "cat >/usr/bin/systemctl; chmod 755 /usr/bin/systemctl", stdin=slow)
    run = machine.spawn("cicd-converge", "greeter")
    wait_for(lambda: machine.installed().endswith(" installed 5.2.0-5.abcdef0"))
    wait_for(lambda: "systemctl restart" in machine.run("ps", "-eo", "args"))
    machine.kill_converge()
    machine.run("pkill", "-9", "-f", "^/bin/sh /usr/bin/systemctl restart")
    run.communicate()
    machine.run("mv", "/usr/bin/systemctl.real", "/usr/bin/systemctl")
    machine.settings()

    assert machine.serves() == VERSION
    assert_repaired(machine, "5.2.0-5.abcdef0")


def test_push_and_pull_at_once_install_once(machine, repository):
    repository.publish("5.3.0-5.abcdef0")
    generation = machine.want("5.3.0-5.abcdef0")
    runs = [machine.spawn("cicd-converge", "greeter") for _ in range(2)]
    pushed = machine.converge("--generation", str(generation), "greeter")
    said = [run.communicate(timeout=60)[0] for run in runs] + [f'"state":"{pushed["state"]}"']

    assert sum('"state":"converged"' in line for line in said) == 1
    assert sum('"state":"unchanged"' in line for line in said) == 2


@pytest.mark.faults
def test_another_package_left_half_configured_is_repaired(machine, repository):
    edit = "/^Package: curl$/,/^$/s/ok installed/ok half-configured/"
    machine.run("sed", "-i", edit, "/var/lib/dpkg/status")
    repository.publish("5.4.0-5.abcdef0")
    machine.want("5.4.0-5.abcdef0")

    assert_repaired(machine, "5.4.0-5.abcdef0")
    assert "ok installed" in machine.run("dpkg-query", "-W", "-f", "${Status}", "curl")


@pytest.mark.faults
def test_a_new_agent_is_installed_while_the_old_one_works(machine, repository, tmp_path):
    """An upgrade amid a run neither ends the run nor leaves two versions of the program."""
    repository.publish("5.5.0-5.abcdef0")
    machine.settings(DRAIN_SECONDS="3")
    machine.want("5.5.0-5.abcdef0")
    run = machine.spawn("cicd-converge", "greeter")
    wait_for(lambda: not machine.in_traffic())
    old = machine.run("cat", "/usr/bin/cicd-converge")
    replace = "cat >/usr/bin/.new; chmod 755 /usr/bin/.new; mv /usr/bin/.new /usr/bin/cicd-converge"
    machine.run("sh", "-c", replace, stdin=re.sub("(?m)^AGENT=.*", "AGENT=9.9.9", old))
    out, progress = run.communicate(timeout=60)
    later = machine.converge()
    machine.run("sh", "-c", replace, stdin=old)

    assert '"state":"converged"' in out, progress
    assert "9.9.9" not in out
    assert later["agent"] == "9.9.9"


@pytest.mark.faults
def test_the_drain_waits_for_clients_but_not_for_ever(machine, repository):
    """A kept connection is given DRAIN_LIMIT_SECONDS; one that ends is not waited for any longer."""
    repository.publish("5.6.0-5.abcdef0")
    machine.settings(DRAIN_LIMIT_SECONDS="4")
    kept = http.client.HTTPConnection(machine.host.address, 8080, timeout=10)
    kept.request("GET", "/version")
    kept.getresponse().read()
    machine.want("5.6.0-5.abcdef0")
    busy = machine.converge()
    kept.close()
    machine.want(VERSION)
    idle = machine.converge()

    assert busy["seconds"]["drain"] >= 4
    assert idle["seconds"]["drain"] < 4
    assert busy["code"] == idle["code"] == "ok"


def test_a_new_production_host_during_a_canary_gets_productions_version(machine, repository):
    ring = machine.ring
    repository.publish("5.8.0-5.abcdef0")
    machine.run("apt-get", "-y", "-q", "purge", "greeter")
    machine.run("rm", "-rf", "/var/lib/cicd-converge/greeter")
    machine.ring = "canary"
    machine.want("5.8.0-5.abcdef0", DEPLOYING)
    machine.ring = "production"
    machine.register()
    machine.want(VERSION)
    report = machine.converge()
    machine.ring = ring
    machine.register()

    assert (report["ring"], report["installed"]) == ("production", VERSION)


def test_a_host_that_was_off_while_much_happened_converges_after_its_boot(machine, repository):
    """Nothing but its own Consul, the repository and its timer: no StackStorm takes part here."""
    repository.publish("5.9.0-5.abcdef0")
    machine.want("5.9.0-5.abcdef0")
    machine.cut_power()
    machine.boot()

    wait_for(lambda: machine.serves() == "5.9.0-5.abcdef0" and machine.in_traffic(), 120)
    machine.quiet()
    assert_repaired(machine, "5.9.0-5.abcdef0")


@pytest.mark.faults
def test_the_watch_converges_a_host_without_the_timer(machine, repository):
    repository.publish("5.7.0-5.abcdef0")
    machine.run("systemctl", "start", "cicd-converge-watch@greeter.service")
    time.sleep(0.5)
    machine.want("5.7.0-5.abcdef0")
    wait_for(lambda: machine.serves() == "5.7.0-5.abcdef0" and machine.in_traffic())
    machine.quiet()
