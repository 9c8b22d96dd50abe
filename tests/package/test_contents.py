"""What fpm.json says a package has, in packages of both builders: read by dpkg, and installed for real."""

import base64
import gzip
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.left_out import needs_fpm
from tests.package.building import DRIVERS, BuildHost, commit, git, project, run, write
from tests.package.throwaway import Throwaway

FIELDS = {
    "provides": ["app-api (= 2)"],
    "conflicts": ["app-old"],
    "replaces": ["app-old (<< 2)"],
    "breaks": ["app-other (<< 3)"],
    "pre_depends": ["dpkg (>= 1.17)"],
    "depends": ["libc6 | musl", "sed (>= 4)"],
    "recommends": ["app-docs"],
    "suggests": ["app-tools | app-more"],
    "section": "web",
    "priority": "extra",
}
FILES = [
    {"source": "dist/app", "destination": "/usr/bin/app", "mode": "0750"},
    {"source": "etc/*.conf", "destination": "/etc/app/", "mode": "0640", "group": "app"},
    {"source": "etc/cron", "destination": "/etc/cron.d/app"},
    {"source": "etc/sysusers", "destination": "/usr/lib/sysusers.d/app.conf"},
    {"source": "etc/tmpfiles", "destination": "/usr/lib/tmpfiles.d/app.conf"},
    {"source": "share", "destination": "/usr/share/app", "type": "tree", "owner": "app-web"},
    {"source": "/usr/bin/app", "destination": "/usr/bin/app-cli", "type": "symlink"},
    {"destination": "/var/lib/app-empty", "type": "dir", "mode": "0770", "owner": "app"},
]
LEFT_OUT = {
    ".gitignore": "x\n",
    ".github/workflows/ci.yml": "x\n",
    "deep/.gitkeep": "",
    "Jenkinsfile": "x\n",
    "deep/Jenkinsfile": "kept\n",
    "tests/test_app.py": "x\n",
    "src/deep/app.c": "x\n",
    "src/deep/app.h": "kept\n",
    "notes.txt": "of the archive\n",
    "dist/app": "#!/bin/sh\n",
    "etc/one.conf": "one = 1\n",
    "etc/two.conf": "two = 2\n",
    "etc/cron": "# nothing\n",
    "etc/sysusers": 'u app-web - "Web"\n',
    "etc/tmpfiles": "d /var/lib/app-made 0750 app-web app-web\n",
    "share/deep/page.html": "<html>\n",
    "share/run": "#!/bin/sh\n",
    "app.env": 'PORT=80\n# more\n\nNAME="x y"\n',
}


def whole(path: Path, **values: object) -> Path:
    """A project that uses everything that fpm.json offers."""
    repository = project(path)
    for name, text in LEFT_OUT.items():
        write(repository / name, text, executable=name in ("dist/app", "share/run"))
    write(repository / ".gitattributes", "notes.txt export-ignore\nVERSION export-subst\n")
    write(repository / "VERSION", "$Format:%H$\n")
    base = {
        "version": "1.0.0",
        "description": "Greets all people.",
        "maintainer": "Ann <ann@example.com>",
        "user": "app",
    }
    more = {"exclude": ["/tests", "*.c"], "files": FILES, "environment": "app.env", **FIELDS}
    write(repository / "fpm.json", json.dumps({**base, **more, "conffiles": ["/opt/app/app.conf"], **values}))
    commit(repository, "Say ünï\tand more")
    return repository


def listing(deb: str) -> dict[str, str]:
    """Mode, owner and target of each path; the mode of a link says nothing, and nfpm writes none."""
    lines = run("dpkg-deb", "-c", deb).stdout.splitlines()
    found = (re.fullmatch(r"(\S+) (\S+) +\d+ \S+ \S+ \.(/.*?)( -> .*)?", line) for line in lines)
    return {
        m[3].rstrip("/"): f"{'l' if m[4] else m[1]} {m[2].replace('root', '0')}{m[4] or ''}"
        for m in found
        if m and m[3] != "/"
    }


def fields(deb: str) -> dict[str, str]:
    lines = run("dpkg-deb", "-f", deb).stdout.splitlines()
    found = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(" "))
    return {key: found.get(key, "") for key in WANTED}


WANTED = ("Provides", "Conflicts", "Replaces", "Breaks", "Pre-Depends", "Depends", "Recommends", "Suggests")
WANTED += ("Section", "Priority", "Architecture", "Version", "Maintainer", "X-CICD-Units")


class Built:
    """Two versions' packages of one builder."""

    def __init__(self, folder: Path, driver: str) -> None:
        self.repository, self.driver = whole(folder / "app"), driver
        self.host = BuildHost(folder / "home", self.repository)
        self.first = self.host.build(
            git(self.repository, "rev-parse", "HEAD"), driver, "r1", lintian="report"
        )
        write(self.repository / "etc/one.conf", "one = 11\n")
        self.second = self.host.build(commit(self.repository), driver, "r2")


@pytest.fixture(scope="module", params=DRIVERS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(tmp_path_factory.mktemp("built"), request.param)


def test_control_fields_say_what_fpm_json_says(built):
    found = fields(built.first["file"])

    assert {key: found[key] for key in WANTED[:10]} == {
        "Provides": "app-api (= 2)",
        "Conflicts": "app-old",
        "Replaces": "app-old (<< 2)",
        "Breaks": "app-other (<< 3)",
        "Pre-Depends": "dpkg (>= 1.17)",
        "Depends": "libc6 | musl, sed (>= 4)",
        "Recommends": "app-docs",
        "Suggests": "app-tools | app-more",
        "Section": "web",
        "Priority": "extra",
    }


def test_files_lie_where_they_should_with_their_modes(built):
    found = listing(built.first["file"])

    assert {path: said for path, said in found.items() if not path.startswith("/opt") and said[0] != "d"} == {
        "/etc/app/one.conf": "-rw-r----- 0/0",
        "/etc/app/two.conf": "-rw-r----- 0/0",
        "/etc/cron.d/app": "-rw-r--r-- 0/0",
        "/etc/default/app": "-rw-r----- 0/0",
        "/usr/bin/app": "-rwxr-x--- 0/0",
        "/usr/bin/app-cli": "l 0/0 -> /usr/bin/app",
        "/usr/lib/sysusers.d/app.conf": "-rw-r--r-- 0/0",
        "/usr/lib/tmpfiles.d/app.conf": "-rw-r--r-- 0/0",
        "/usr/share/app/deep/page.html": "-rw-r--r-- 0/0",
        "/usr/share/app/run": "-rwxr-xr-x 0/0",
        "/usr/share/doc/app/changelog.Debian.gz": "-rw-r--r-- 0/0",
        "/usr/share/doc/app/changelog.gz": "l 0/0 -> changelog.Debian.gz",
    }
    assert found["/var/lib/app-empty"] == "drwxr-x--- 0/0"
    conffiles = run("dpkg-deb", "-I", built.first["file"], "conffiles").stdout.split()
    assert sorted(conffiles) == [
        *(
            "/etc/app/one.conf",
            "/etc/app/two.conf",
            "/etc/cron.d/app",
            "/etc/default/app",
            "/opt/app/app.conf",
        )
    ]


def test_what_only_git_and_ci_read_is_not_packaged_nor_what_is_excluded(built):
    found = [
        path.removeprefix("/opt/app/")
        for path in listing(built.first["file"])
        if path.startswith("/opt/app/")
    ]

    assert sorted(found) == [
        *(
            "REVISION",
            "VERSION",
            "app.conf",
            "app.env",
            "app.service",
            "deep",
            "deep/Jenkinsfile",
            "dist",
            "dist/app",
        ),
        *("etc", "etc/cron", "etc/one.conf", "etc/sysusers", "etc/tmpfiles", "etc/two.conf", "fpm.json"),
        *("script", "script/post-inst", "share", "share/deep", "share/deep/page.html", "share/run"),
        *("src", "src/deep", "src/deep/app.h"),
    ]


def test_the_changelog_has_the_version_and_the_commits(built, tmp_path):
    run("dpkg-deb", "-x", built.first["file"], str(tmp_path))
    text = gzip.decompress((tmp_path / "usr/share/doc/app/changelog.Debian.gz").read_bytes()).decode()
    (tmp_path / "changelog").write_text(text)
    said = run("dpkg-parsechangelog", "-l", str(tmp_path / "changelog")).stdout

    assert f"Version: {built.first['version']}\n" in said
    assert "* Say ünïand more (" in said
    assert "* First (" in said
    assert (tmp_path / "opt/app/VERSION").read_text() == f"{git(built.repository, 'rev-parse', 'HEAD~1')}\n"


def test_lintian_names_no_error(built):
    said = base64.b64decode(built.first.get("lintian", "")).decode()

    assert said == ""


@needs_fpm
def test_both_builders_make_the_same_package(tmp_path):
    repository = whole(tmp_path / "app")
    host, tested = BuildHost(tmp_path / "home", repository), git(repository, "rev-parse", "HEAD")
    one, two = (host.build(tested, driver, driver)["file"] for driver in ("nfpm", "fpm"))

    assert listing(one) == listing(two)
    assert fields(one) == fields(two)
    for part in ("conffiles", "preinst", "postinst", "prerm", "postrm"):
        assert sorted(run("dpkg-deb", "-I", one, part).stdout.splitlines()) == sorted(
            run("dpkg-deb", "-I", two, part).stdout.splitlines()
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Throwaway]:
    if os.geteuid() != 0:
        pytest.skip("only root may lay a file system over this one")
    found = Throwaway(tmp_path / "root")
    yield found
    found.close()


def state(host: Throwaway, *paths: str) -> list[str]:
    return host.run("stat", "-c", "%a %U:%G", *paths).splitlines()


def test_an_installation_gives_owners_and_keeps_what_an_operator_changed(built, host):
    write(Path(host.folder / "upper/etc/apt/ours"), "")
    host.install(built.first["file"])
    places = (
        "/etc/app/one.conf",
        "/usr/share/app/deep/page.html",
        "/var/lib/app-made",
        "/var/lib/app-empty",
        "/usr/share/app",
    )
    assert state(host, *places) == [
        "640 root:app",
        "644 app-web:root",
        "750 app-web:app-web",
        "770 app:root",
        "755 app-web:root",
    ]

    host.run("sh", "-c", "echo 'two = 22' >/etc/app/two.conf; echo PORT=81 >/etc/default/app")
    host.run("dpkg-statoverride", "--update", "--add", "root", "root", "0600", "/etc/app/one.conf")
    host.install(built.second["file"])
    assert host.lines("/etc/app/one.conf") == ["one = 11"]
    assert host.lines("/etc/app/two.conf") == ["two = 22"]
    assert host.lines("/etc/default/app") == ["PORT=81"]
    assert state(host, "/etc/app/one.conf") == ["600 root:root"]


def test_a_removal_leaves_nothing_but_data(built, host):
    before = set(host.run("find", "/etc", "/usr", "/opt", "/var/lib/systemd").splitlines())
    host.install(built.first["file"])
    host.run("mkdir", "-p", "/opt/app/deep/__pycache__")
    host.run("touch", "/opt/app/deep/__pycache__/x.pyc")
    host.run("dpkg", "--purge", "app")
    after = set(host.run("find", "/etc", "/usr", "/opt", "/var/lib/systemd").splitlines())

    assert {
        path
        for path in after - before
        if not path.startswith(
            ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid")
        )
    } == set()
