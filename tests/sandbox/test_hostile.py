"""The table of hostile builds: each is stopped or harmless, named, and the host is clean afterwards."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cicd.errors import CicdError, HostError, HostLost
from cicd.package import build
from tests.sandbox.builder import Builder
from tests.sandbox.index import network_address

pytestmark = [
    pytest.mark.lab,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
]
SECRET = "not-for-builds"
SECRETS = (
    *("/root/secret", "/home/cicd/.ssh/deploy_key", "/etc/cicd/keys/app", "/etc/consul.d/token.json"),
    *("/home/cicd/caches/other/cache/secret", "/home/cicd/mirrors/other.git/secret", "/var/lib/secret"),
    *("/tmp/secret", "/var/tmp/secret", "/dev/shm/secret", "/run/secret", "/srv/secret", "/opt/app/secret"),
)
LISTEN = 'import os, socket; socket.socket(socket.AF_UNIX).bind(os.environ["CICD_OUTPUT"] + "/s")'
READ_ALL = f"""
cat {" ".join(SECRETS)} >"$CICD_OUTPUT/read" 2>/dev/null || true
for process in /proc/[0-9]*; do
    tr '\\0' '\\n' <"$process/environ" 2>/dev/null | grep ^SECRET= >>"$CICD_OUTPUT/read" || true
    cat "$process"/root/root/secret >>"$CICD_OUTPUT/read" 2>/dev/null || true
done
grep -rhs {SECRET} /etc /home /root /var /run /srv /mnt /tmp /opt >>"$CICD_OUTPUT/read" || true
"""


class Answer(BaseHTTPRequestHandler):
    """As Consul's agent, it tells everybody who asks."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(SECRET.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def serving(address: str) -> Iterator[str]:
    with ThreadingHTTPServer((address, 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://{address}:{server.server_port}/"
        server.shutdown()


def test_a_build_reads_no_secret_of_the_host_and_no_other_projects_files(builder: Builder):
    for path in SECRETS:
        builder.container.write(path, f"{SECRET}\n")
    builder.container.run("systemd-run", "--unit=keeper", "--setenv=SECRET=1", "sleep", "600")
    try:
        _, _, run = builder.build(READ_ALL)
    finally:
        builder.container.run("systemctl", "stop", "keeper")
        builder.container.run("rm", *SECRETS)

    assert builder.tree(run) == {"read": ""}


def asking(url: str) -> str:
    return f'curl -s -m 5 {url} >"$CICD_OUTPUT/answer" || echo nothing >"$CICD_OUTPUT/answer"'


def test_a_build_reaches_the_network_but_nothing_that_listens_on_the_hosts_loopback(builder: Builder):
    for address, answer in {network_address(): SECRET, "127.0.0.1": "nothing\n"}.items():
        with serving(address) as url:
            _, _, run = builder.build(asking(url))
            reached = builder.tree(run)["answer"]

        assert reached == answer, address


def test_a_build_reaches_nothing_when_the_network_is_off(builder: Builder):
    with serving(network_address()) as url:
        tree, _, run = builder.build(asking(url), build_network="none")

    assert builder.tree(run)["answer"] == "nothing\n"
    assert tree.network == "none"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sleep 600", "script/build took longer than 3 s"),
        ('f() { f | f & }; f; sleep 600', "script/build took longer than 3 s|ended with"),
        ('dd if=/dev/zero of="$CICD_OUTPUT/big" bs=1M', "script/build filled its disk"),
        ("dd if=/dev/zero of=/tmp/big bs=1M", "script/build filled its disk"),
        ("yes >$CICD_CACHE/big", "script/build filled its disk"),
        ("dd if=/dev/zero of=/dev/shm/big bs=1M", "No space left on device"),
        ("cd $CICD_OUTPUT && seq 9999 | xargs touch", "script/build filled its disk"),
        ('ln -s /etc/shadow "$CICD_OUTPUT/link"', "not the project's: link -> /etc/shadow"),
        ('ln -s ../../root/.ssh "$CICD_OUTPUT/link"', r"not the project's: link -> \.\./\.\./root/\.ssh"),
        ('mknod "$CICD_OUTPUT/device" b 8 0', "Operation not permitted"),
        ('mkfifo "$CICD_OUTPUT/pipe"', "made a device or a pipe.*: pipe"),
        (f"python3 -c '{LISTEN}'", "made s, a socket"),
        ('cp /bin/sh "$CICD_OUTPUT/sh"; chmod u+s "$CICD_OUTPUT/sh"', "Operation not permitted"),
        ("""touch "$CICD_OUTPUT/$(printf 'a\\nb')" """, "made a name with a newline"),
        ('touch "$CICD_OUTPUT/$(printf %250s | tr " " x)"', "made a name of more than 246 bytes"),
        ("unshare --user --map-root-user true", "Operation not permitted"),
        ("kill -9 $PPID; sleep 60", "was ended|made nothing|ended with"),
        ("sudo -n true", "script/build ended with"),
    ],
)  # fmt: skip
def test_a_hostile_build_is_stopped_and_named(builder: Builder, script: str, said: str):
    with pytest.raises(CicdError, match=f"(?s){said}") as failure:
        builder.build(script, build_seconds=3, build_disk=16)

    assert not isinstance(failure.value, HostLost)


def test_what_a_build_leaves_running_is_ended_and_named(builder: Builder):
    _, note, run = builder.build('echo x >"$CICD_OUTPUT/x"; setsid sleep 600 & sleep 0.5')

    assert "left running, and it was ended: sleep" in note
    assert builder.tree(run) == {"x": "x\n"}


def test_a_build_is_not_trusted_with_what_its_tar_says(builder: Builder):
    """It writes into the pipe of the one that packs, beside what that writes."""
    script = """
    mkdir -p /tmp/x && cd /tmp/x && echo x >evil && ln -s /home/cicd/.ssh output
    pipe=$(ls -l /proc/$PPID/fd | sed -n 's/.* \\([0-9]*\\) -> pipe.*/\\1/p' | tr '\\n' ' ')
    for fd in $pipe; do
        tar -cP --transform 's,^evil,../../../../../home/cicd/evil,' evil >/proc/$PPID/fd/$fd || true
        tar -c output >/proc/$PPID/fd/$fd || true
        tar -cP --transform 's,^evil,output/authorized_keys2,' evil >/proc/$PPID/fd/$fd || true
    done 2>/dev/null
    echo x >"$CICD_OUTPUT/x"
    """
    with suppress(HostError):
        builder.build(script)

    names = builder.container.run("ls", "-A", "/home/cicd", "/home/cicd/.ssh")
    assert "evil" not in names
    assert "authorized_keys2" not in names


def test_a_build_whose_run_is_given_up_ends_at_once(builder: Builder):
    settings, runs = builder.settings(), "/home/cicd/builds"
    failed: list[str] = []

    def building() -> None:
        try:
            builder.build("sleep 600")
        except HostError as error:
            failed.append(error.message)

    before = set(builder.container.run("ls", runs).split())
    thread = threading.Thread(target=building)
    thread.start()
    while "sleep 600" not in builder.container.run("ps", "-eo", "args"):
        time.sleep(0.1)
    (run,) = set(builder.container.run("ls", runs).split()) - before
    build.clean(settings, builder.host, run)
    thread.join(30)

    assert failed
    assert run not in builder.container.run("ls", runs)
