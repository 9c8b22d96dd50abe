"""What `files`, `units` and the names of other packages may be, and what is refused by its line."""

import dataclasses
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cicd.allowed import Allowed
from cicd.errors import ProjectError
from cicd.package import builder_input, files, maintainer_scripts
from cicd.package.builder_input import Origin
from cicd.package.files import File
from cicd.package.metadata import Metadata, from_json
from tests.lib.package.test_metadata import SCRIPTS, content, read

BASE = {"version": "1.0.0", "description": "Greets people."}
ORIGIN = Origin("acme/greeter", "a" * 40, "acme/greeter@x", 1, "greeter")
SOURCES = {
    path: "not executable" for path in ("dist/x", "dist/greeter", "dist/greeter-cli", "a.conf", "x.env")
}
MORE = {**SCRIPTS, **SOURCES, "share": "directory"}
SERVICE = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
ONESHOT = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
SOCKET = "[Socket]\nListenStream=80\n[Install]\nWantedBy=sockets.target\n"
TIMER = "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"


def take(*entries: dict[str, str], allowed: Allowed | None = None, **values: object) -> Metadata:
    return read({**BASE, "files": list(entries), **values}, MORE, allowed or Allowed())


def refused(*entries: dict[str, str], **values: object) -> str:
    with pytest.raises(ProjectError) as refusal:
        take(*entries, **values)
    return str(refusal.value)


def with_units(texts: dict[str, str], *units: dict[str, object], **values: object) -> Metadata:
    states = {**SCRIPTS, **{path: "not executable" for path in texts}}
    for path, text in texts.items():
        states.update(content(path, text))
    return read({**BASE, "units": list(units), **values}, states)


@pytest.mark.parametrize(
    "path",
    [
        *("/opt/greeter/x", "/srv/x", "/etc/greeter/x", "/etc/greeter-web.conf", "/var/lib/greeter/x"),
        *("/etc/default/greeter", "/etc/cron.d/greeter-tidy", "/etc/logrotate.d/greeter"),
        *(
            "/usr/lib/tmpfiles.d/greeter.conf",
            "/usr/lib/sysusers.d/greeter-web.conf",
            "/usr/sbin/greeterctl"[:17],
        ),
        *(
            "/usr/bin/greeter",
            "/usr/bin/greeter_2",
            "/usr/libexec/greeter/x",
            "/usr/share/doc/greeter/README",
        ),
        *("/usr/share/man/man1/greeter.1.gz", "/usr/share/man/de/man8/greeter-web.8", "/usr/share/greeter/x"),
        "/usr/share/bash-completion/completions/greeter",
    ],
)
def test_a_place_of_the_project_is_its_own(path):
    assert take({"source": "dist/x", "destination": path}).files[0].destination == path


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/etc/cicd/converge.conf",
            "/etc/sudoers",
            "/etc/sudoers.d/greeter",
            "/etc/apt/sources.list.d/greeter.list",
        ),
        *(
            "/etc/dpkg/dpkg.cfg.d/greeter",
            "/var/lib/dpkg/info/greeter.postinst",
            "/etc/apt/apt.conf.d/greeter",
        ),
        *(
            "/etc/passwd",
            "/etc/shadow",
            "/etc/ssh/sshd_config",
            "/root/.ssh/authorized_keys",
            "/etc/ld.so.preload",
        ),
        *("/etc/cron.d/other", "/etc/cron.daily/greeter", "/etc/pam.d/greeter", "/etc/profile.d/greeter.sh"),
        *(
            "/usr/bin/sudo",
            "/usr/bin/greeterx",
            "/bin/greeter",
            "/sbin/greeter",
            "/usr/lib/greeters/x",
            "/boot/greeter",
        ),
        *(
            "/usr/lib/udev/rules.d/greeter.rules",
            "/etc/udev/rules.d/greeter.rules",
            "/usr/lib/modules/greeter",
        ),
        *(
            "/usr/lib/x86_64-linux-gnu/greeter.so",
            "/usr/lib/tmpfiles.d/greeter",
            "/usr/share/keyrings/greeter.gpg",
        ),
        *("/etc/systemd/system/greeter.service", "/usr/lib/systemd/system/ssh.service.d/greeter.conf"),
        *(
            "/usr/share/doc/bash/copyright",
            "/var/lib/cicd/x",
            "/run/systemd/greeter",
            "/proc/greeter",
            "/dev/greeter",
        ),
    ],
)
def test_a_place_of_the_system_or_of_others_is_refused_by_its_line(path):
    said = refused({"source": "dist/x", "destination": path})

    assert f"fpm.json line 7: `files` would bring {path}: " in said
    assert "projects.greeter.allowed" in said
    assert ("by `units`" in said) == ("systemd/system" in path)


@pytest.mark.parametrize(
    "name", ["apt", "dpkg", "cicd", "sudoers", "cron.d", "systemd", "ssh", "pam.d", "security", "x.d"]
)
def test_a_folder_of_the_system_is_none_of_a_package_that_is_called_so(name):
    assert not Allowed().file(name, name, f"/etc/{name}/x")
    assert not Allowed().path(name, f"/var/lib/{name}")
    assert not Allowed().file("greeter", name, f"/etc/default/{name}") or name in ("security",)


def test_an_operator_allows_a_project_more():
    may = Allowed(
        paths=("/etc/sudoers.d/greeter",),
        users=("proxy",),
        modes=("4755",),
        packages=("mail-transport-agent",),
    )
    entry = {"source": "dist/x", "destination": "/etc/sudoers.d/greeter", "mode": "4755", "group": "proxy"}
    meta = take(entry, allowed=may, provides=["mail-transport-agent"])

    assert meta.files[0] == File("/etc/sudoers.d/greeter", "dist/x", "config", "4755", "root", "proxy")
    assert meta.files[0].plain_mode == "0755"
    assert meta.files[0].attributes == "root:proxy:4755"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"destination": "/opt/greeter/x"}, "`files[0]` has no `source`"),
        (
            {"source": "../x", "destination": "/opt/greeter/x"},
            "has the source ../x: write a path in the tree",
        ),
        ({"source": "/etc/shadow", "destination": "/opt/greeter/x"}, "has the source /etc/shadow"),
        ({"source": "dist/**", "destination": "/opt/greeter/"}, "without .. and **"),
        ({"source": "dist/*", "destination": "/opt/greeter/x"}, "has a glob: end `destination` in /"),
        ({"source": "dist/*", "destination": "/usr/bin/"}, "would bring /usr/bin/"),
        ({"source": "dist/greeter*", "destination": "/usr/bin/"}, "would bring /usr/bin/"),
        ({"source": "dist", "destination": "/opt/x", "type": "dir"}, "is a dir, which has no `source`"),
        ({"source": "x*", "destination": "/opt/x", "type": "tree"}, "is a tree, whose source is not a glob"),
        (
            {"source": "share", "destination": "/opt/x", "type": "tree", "mode": "0700"},
            "has no `mode`",
        ),
        ({"source": "/etc/x", "destination": "/opt/x/", "type": "symlink"}, "is a symlink: write the link"),
        ({"source": "dist/x", "destination": "/etc/cron.d/greeter-a.b"}, "cron reads no name but"),
        (
            {"source": "dist/none", "destination": "/opt/x"},
            "line 6: `files` names dist/none, which is missing",
        ),
        ({"source": "share", "destination": "/opt/x"}, "a directory, which is `type: tree`"),
        ({"source": "dist/x", "destination": "/opt/x", "type": "tree"}, "dist/x, which is not executable"),
        (
            {"source": "dist/x", "destination": "/opt/x", "mode": "4755"},
            "line 8: `mode` 4755 of /opt/x gives the rights",
        ),
        (
            {"source": "dist/x", "destination": "/opt/x", "mode": "2755"},
            "gives the rights of its owner or group",
        ),
        (
            {"source": "dist/x", "destination": "/opt/x", "mode": "0666"},
            "0666 of /opt/x lets everyone write",
        ),
        (
            {"source": "dist/x", "destination": "/opt/x", "mode": "rw"},
            "line 8: `files[0].mode` must be an octal mode",
        ),
        ({"source": "dist/x", "destination": "/opt/x", "mode": 644}, "`files[0].mode` must be an octal mode"),
        (
            {"source": "dist/x", "destination": "/opt/x", "owner": "sshd"},
            "line 8: `owner` is sshd, a user of the system",
        ),
        ({"source": "dist/x", "destination": "/opt/x", "group": "shadow"}, "line 8: `group` is shadow"),
        (
            {"source": "dist/x", "destination": "/opt/../x"},
            "line 7: `files[0].destination` must be an absolute path",
        ),
        (
            {"source": "dist/x", "destination": "/opt/x", "type": "pipe"},
            "must be one of file, config, dir, symlink, tree",
        ),
        (
            {"source": "dist/x", "destination": "/opt/x", "user": "x"},
            "line 8: `files[0].user` is not known; known are",
        ),
        ({"source": "a;b", "destination": "/opt/x"}, "line 6: `files[0].source` must be a path"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_to_write_instead(entry, problem):
    assert problem in refused(entry)


def test_a_place_is_taken_once():
    one = {"source": "dist/x", "destination": "/etc/default/greeter"}
    assert "line 9: `files` brings /etc/default/greeter a second time" in refused(one, one)
    assert "brings /etc/default/greeter a second time" in refused(one, environment="x.env")
    named = {"source": "dist/greeter", "destination": "/usr/bin/"}
    assert "brings /usr/bin/greeter a second time" in refused(
        named, {**named, "destination": "/usr/bin/greeter"}
    )


def test_a_file_lies_in_no_directory_that_another_user_could_change():
    entry = {"source": "dist/x", "destination": "/var/lib/greeter/x"}
    data = {"directories": ["/var/lib/greeter"]}
    assert take(entry, **data).files[0].path == "/var/lib/greeter/x"
    assert "/var/lib/greeter is not root's alone" in refused(entry, user="greeter", **data)
    folder = {"destination": "/var/lib/greeter", "type": "dir", "owner": "greeter"}
    assert "/var/lib/greeter is not root's alone" in refused(folder, entry)
    shared = {"destination": "/var/lib/greeter/", "type": "dir", "mode": "0775", "group": "greeter"}
    assert "/var/lib/greeter/ is not root's alone" in refused(entry, shared)


def test_hooks_are_given_to_nobody():
    entry = {"source": "share", "destination": "/opt/greeter", "type": "tree", "owner": "greeter"}
    assert "away, and with it /opt/greeter/script/post-inst, which runs as root" in refused(entry)
    assert take({**entry, "destination": "/opt/greeter/share"}).files[0].owner == "greeter"


def test_a_project_may_be_called_like_a_language():
    assert Allowed().path("python-web", "/var/lib/python-web")
    assert Allowed().file("web", "python-web", "/etc/python-web/x")
    assert not Allowed().file("web", "rsyslog.conf", "/etc/rsyslog.conf")


def test_variables_of_the_environment_are_read_line_by_line():
    states = {**MORE, **content("x.env", "A=1\n\n# x\nexport B=2\n c d\n")}
    with pytest.raises(ProjectError, match=r"x.env line 4: write NAME=value.*x.env line 5: write NAME=value"):
        read({**BASE, "environment": "x.env"}, states)


@pytest.mark.parametrize("key", ["provides", "conflicts", "replaces", "breaks"])
def test_a_package_stands_for_and_excludes_none_but_the_projects_own(key):
    assert getattr(take(**{key: ["greeter-old (<< 2)"]}), key) == ("greeter-old (<< 2)",)
    assert f"line 6: `{key}` names openssh-server, which is not a package of this project" in refused(
        **{key: ["greeter", "openssh-server:any (>= 1)"]}
    ).replace("line 7", "line 6")
    assert f"`{key}[0]` must be a Debian package" in refused(**{key: ["greeter | bash"]})


def test_what_units_do_follows_from_what_they_are():
    texts = {
        "greeter.service": SERVICE,
        "greeter.socket": SOCKET,
        "greeter-tidy.timer": TIMER,
        "greeter-tidy.service": ONESHOT,
        "deploy/greeter-worker@.service": SERVICE,
        "greeter-init.service": f"{ONESHOT}[Install]\nWantedBy=multi-user.target\n",
    }
    named = [{"path": path} for path in texts if "@" not in path]
    meta = with_units(
        texts,
        *named,
        {"path": "deploy/greeter-worker@.service", "instances": ["1", "b"], "on_upgrade": "none"},
    )
    script = maintainer_scripts.maintainer_scripts(meta)["postinst"]
    said = dict(re.findall(r"^(\w+)='(.*)'$", script, re.M))
    workers = "greeter-worker@1.service greeter-worker@b.service"

    assert said["units"] == (
        "greeter.socket greeter-tidy.timer greeter.service greeter-tidy.service greeter-init.service "
        + workers
    )
    assert (
        said["started"]
        == said["enabled"]
        == (f"greeter.socket greeter-tidy.timer greeter.service greeter-init.service {workers}")
    )
    assert said["restarted"] == "greeter.socket greeter-tidy.timer greeter.service greeter-init.service"
    assert said["stopped"] == "greeter.socket greeter.service"
    assert said["lasting"] == f"greeter.socket greeter-tidy.timer greeter.service {workers}"
    assert builder_input.control_fields(meta, ORIGIN)["X-CICD-Units"] == said["lasting"]


@pytest.mark.parametrize(
    ("path", "text", "more", "problem"),
    [
        ("ssh.timer", TIMER, {}, "line 5: `units` is ssh.timer: call it greeter.timer"),
        (
            "greeter.timer",
            TIMER,
            {},
            "line 5: greeter.timer starts greeter.service, which no unit of fpm.json is",
        ),
        ("greeter.socket", "[Socket]\nListenStream=1\nAccept=yes\n", {}, "starts greeter@.service"),
        ("greeter.timer", "[Timer]\nUnit=x.service\nOnBootSec=1\n", {}, "starts x.service"),
        ("greeter.timer", "[Timer]\nPersistent=yes\n", {}, "greeter.timer line 1: [Timer] has no setting"),
        (
            "greeter.socket",
            "[Unit]\n",
            {},
            "greeter.socket line 1: [Socket] has no setting that begins with Listen",
        ),
        ("greeter.path", "[Path]\nUnit=a.service\n", {}, "greeter.path line 1: [Path] has no setting"),
        ("greeter@.service", SERVICE, {}, "which is a template, which runs only as one of its `instances`"),
        ("greeter.service", SERVICE, {"instances": ["1"]}, "greeter.service, which is not a template"),
        ("greeter.service", SERVICE, {"on_upgrade": "stop"}, "must be one of restart, reload, none"),
        ("greeter.service", ONESHOT, {"enable": True}, "without [Install] nothing can enable it"),
        ("greeter.service", SERVICE, {"start": "yes"}, "line 7: `units[0].start` must be true or false"),
        ("greeter.mount", SERVICE, {}, "ending in .service, .socket, .timer, .path, .target"),
        ("greeter@.service", SERVICE, {"instances": ["a b"]}, "`units[0].instances[0]` must be letters"),
        ("greeter.service", f"{SERVICE}Alias=ssh.service\n", {}, "line 5: `Alias` is ssh.service"),
    ],
)
def test_a_wrong_unit_is_refused_with_its_line(path, text, more, problem):
    with pytest.raises(ProjectError) as refusal:
        with_units({path: text}, {"path": path, **more})

    assert problem in str(refusal.value)


def test_a_unit_is_named_once():
    with pytest.raises(
        ProjectError, match=r"`units` brings /usr/lib/systemd/system/greeter\.service a second time"
    ):
        with_units({"greeter.service": SERVICE}, {"path": "greeter.service"}, unit="greeter.service")


PLACES = st.from_regex(r"/[a-z./@-]{0,20}", fullmatch=True)


@given(
    st.fixed_dictionaries(
        {"destination": PLACES | st.sampled_from(["/opt/greeter/x", "/usr/bin/greeter"])},
        optional={
            "source": st.text(max_size=8) | st.sampled_from([*SOURCES, "dist/*", "$(id)", "a\tb", "-x"]),
            "type": st.sampled_from(["file", "config", "dir", "symlink", "tree", "x"]),
            "mode": st.from_regex(r"[0-7]{3,4}", fullmatch=True) | st.text(max_size=4),
            "owner": st.sampled_from(["root", "greeter", "sshd", "a b", "x:y"]),
        },
    )
)
def test_no_entry_adds_a_word_to_what_the_build_is_told(entry):
    try:
        meta = take(entry)
    except ProjectError:
        return
    line = builder_input.files(meta, "1.0.0-1.aaaaaaa", ORIGIN)["contents"]

    assert re.fullmatch(r"(?:[A-Za-z0-9._+@/*?\[\]:-]+\t){4}[A-Za-z0-9._+@/:-]+\n", line)
    assert line.split("\t")[2] == entry["destination"]
    assert not int(meta.files[0].mode or "0", 8) & 0o7002


def test_metadata_survives_a_workflow():
    meta = take({"source": "dist/x", "destination": "/opt/x", "mode": "755"}, exclude=["/tests"])
    assert from_json(json.loads(json.dumps(dataclasses.asdict(meta)))) == meta
    assert files.read({"destination": "/etc/x", "source": "y"}).type == "config"
