"""`python3 -m cicd_project check` says on a developer's machine what a build host would say."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.package.building import BuildHost, commit, git, project, run, write

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent


def check(
    *words: object, python: str = sys.executable, options: Sequence[str] = (), cwd: Path = ROOT
) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    command = [python, *options, "-m", "cicd_project", "check", *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return project(tmp_path / "app")


def test_a_sound_project_is_listed_with_mode_owner_and_size_of_each_file(app):
    done = check(app)
    version, *files = done.stdout.splitlines()

    assert done.returncode == 0, done.stderr
    assert version == f"app 1.0.0-1.{git(app, 'rev-parse', 'HEAD')[:7]}"
    assert [line.split() for line in files if "app.conf" in line or "post-inst" in line] == [
        ["-rw-r--r--", "root/root", "6", "/opt/app/app.conf"],
        ["-rwxr-xr-x", "root/root", "10", "/opt/app/script/post-inst"],
    ]
    assert any(line.endswith(" /usr/lib/systemd/system/app.service") for line in files)


def test_it_needs_nothing_but_python_and_git(app):
    done = check(app, python="/usr/bin/python3", options=["-S"])

    assert done.returncode == 0, done.stderr


def test_every_problem_is_a_line_with_its_file_and_line(app):
    write(app / "fpm.json", '{\n"version": "1.0.0",\n"description": "x",\n"user": "root",\n"nmae": "x"\n}')
    write(app / "script/post-inst", "#!/bin/sh\necho\r\n", executable=True)
    (app / "script/cibuild").chmod(0o644)
    done = check(app)

    assert done.returncode == 1
    assert [line.rsplit(": ", 1)[0].partition(": ")[0] for line in done.stdout.splitlines()] == [
        "script/cibuild:1",
        "fpm.json:5",
        "fpm.json:4",
        "script/post-inst:2",
    ]


@pytest.mark.parametrize("words", [["/nowhere"], [], [".", "--config", "/nowhere.yaml"]])
def test_what_cannot_be_checked_has_a_status_of_its_own(words):
    done = check(*words)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr


def test_what_is_not_committed_counts_and_the_repository_stays_as_it_was(app):
    write(app / ".gitignore", "ignored\n")
    for name in ("new", "ignored"):
        write(app / name, "")
    before = git(app, "status", "--porcelain"), git(app, "count-objects")
    done = check(app)

    assert done.stdout.splitlines()[0].endswith(", with what is not committed")
    assert check(app).stdout == done.stdout
    assert "/opt/app/new" in done.stdout
    assert "/opt/app/ignored" not in done.stdout
    assert (git(app, "status", "--porcelain"), git(app, "count-objects")) == before


def test_a_folder_without_a_repository_is_checked_as_its_first_commit(app):
    subprocess.run(["rm", "-r", app / ".git"], check=True)
    done = check(app)

    assert done.stdout.startswith("app 1.0.0-1.")
    assert not (app / ".git").exists()


def test_a_folder_of_a_repository_is_a_project_of_its_own(tmp_path):
    shop = project(tmp_path / "shop")
    project(shop / "api")
    subprocess.run(["rm", "-r", shop / "api/.git"], check=True)
    write(shop / "api/fpm.json", '{"version": "2.0", "description": "x"}')
    commit(shop)
    done = check(shop / "api")

    assert done.stdout.startswith("api 2.0-2.")
    assert "/opt/api/app.conf" in done.stdout
    assert "/opt/api/api" not in done.stdout


def test_a_hook_of_git_may_call_it(app, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")

    assert check(app).returncode == 0


def test_what_an_operator_allows_is_read_from_the_packs_configuration(app, tmp_path):
    described = {"version": "1", "description": "x", "prefix": "/usr/lib/nginx"}
    write(app / "fpm.json", json.dumps(described))
    values = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
    values["projects"] = {"app": {"repository": "acme/app", "allowed": {"paths": ["/usr/lib/nginx"]}}}
    config = tmp_path / "cicd.yaml"
    config.write_text(yaml.safe_dump(values))

    assert check(app).returncode == 1
    assert "/usr/lib/nginx/app.conf" in check(app, "--config", config).stdout


def test_the_package_that_is_built_here_is_the_one_of_a_build_host(app, tmp_path):
    goal = tmp_path / "goal"
    goal.mkdir()
    values = yaml.safe_load((ROOT / "cicd.yaml.example").read_text())
    values["projects"] = {"app": {"repository": "acme/app"}}
    (tmp_path / "cicd.yaml").write_text(yaml.safe_dump(values))
    done = check(app, "--build", "--config", tmp_path / "cicd.yaml", cwd=goal)
    (package,) = goal.iterdir()
    built = BuildHost(tmp_path / "home", app).build(git(app, "rev-parse", "HEAD"))

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(package)
    assert package.read_bytes() == Path(built["file"]).read_bytes()


def test_files_that_get_an_owner_on_the_host_are_listed_with_it(app):
    described = {"version": "1", "description": "x", "user": "app"}
    file = {"source": "app.conf", "destination": "/etc/app/app.conf", "mode": "0640", "group": "app"}
    write(app / "fpm.json", json.dumps({**described, "files": [file]}))
    lines = [line.split() for line in check(app).stdout.splitlines()]

    assert ["-rw-r-----", "root/app", "6", "/etc/app/app.conf"] in lines


def test_the_projects_own_build_makes_the_tree_where_it_will_be(app, tmp_path):
    text = '#!/bin/sh\nset -eu\necho "$CICD_OUTPUT" >"$CICD_OUTPUT/place"\ncp -r script "$CICD_OUTPUT"\n'
    write(app / "script/build", text, executable=True)
    write(app / "fpm.json", '{"version": "1.0.0", "description": "x"}')
    known = check(app)
    done = check(app, "--build", cwd=tmp_path)
    (package,) = tmp_path.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, tmp_path / "host"], check=True)

    assert "--build runs it here" in known.stdout
    assert "/opt/app/place" in done.stdout
    assert (tmp_path / "host/opt/app/place").read_text() == "/opt/app\n"


def test_a_build_that_fails_is_a_problem_with_what_it_said(app, tmp_path):
    write(app / "script/build", "#!/bin/sh\necho no compiler >&2\nexit 3\n", executable=True)
    done = check(app, "--build", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stdout.startswith("script/build:1: ")
    assert "no compiler" in done.stdout


def several(*packages: dict[str, object]) -> str:
    base = {"version": "1.0.0", "description": "Greets.", "unit": "app.service", "exclude": ["/app.conf"]}
    return json.dumps({**base, "packages": packages})


def test_several_packages_of_one_tree_are_each_made_with_their_own_files(app, tmp_path):
    client = {
        "name": "app-client",
        "files": [{"source": "app.conf", "destination": "/usr/share/app-client/"}],
    }
    tools = {"name": "app-tools", "exclude": ["/*", "!/script"], "install": False}
    write(app / "fpm.json", several(client, tools))
    done = check(app, "--build", cwd=tmp_path)
    debs = {path.name.partition("_")[0]: path for path in tmp_path.glob("*.deb")}
    fields = ("Package", "Version", "X-CICD-Packages")
    said = {name: [field(path, one) for one in fields] for name, path in debs.items()}
    listed = {name: field(path, "", "--contents").split() for name, path in debs.items()}

    assert done.returncode == 0, done.stdout + done.stderr
    version = done.stdout.split()[1].rstrip(",")
    assert said == {
        "app": ["app", version, "app-client"],
        "app-client": ["app-client", version, ""],
        "app-tools": ["app-tools", version, ""],
    }
    assert "./usr/share/app-client/app.conf" in listed["app-client"]
    assert "./opt/app/app.conf" not in listed["app"]
    assert "./usr/lib/systemd/system/app.service" not in listed["app-client"]
    assert {"./opt/app-tools/REVISION", "./opt/app-tools/script/post-inst"} <= set(listed["app-tools"])


def test_two_packages_that_would_have_one_file_are_refused_by_both_names(app):
    double = {"source": "app.co*", "destination": "/opt/app/script/"}
    write(
        app / "fpm.json", several({"name": "app-x", "files": [double]}, {"name": "app-y", "files": [double]})
    )
    done = check(app)

    assert done.returncode != 0
    assert "/opt/app/script/app.conf would be in app-x and in app-y: keep one" in done.stdout + done.stderr


def field(deb: Path, name: str, option: str = "-f") -> str:
    words = ["dpkg-deb", option, deb, *([name] if name else [])]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def test_a_release_for_several_architectures_is_listed_with_them_and_built_for_this_machine(app, tmp_path):
    own = run("dpkg", "--print-architecture").stdout.strip()
    values = json.loads((app / "fpm.json").read_text())
    other = "s390x" if own != "s390x" else "amd64"
    write(app / "fpm.json", json.dumps({**values, "architectures": [other, own]}))
    done = check(app, "--build", cwd=tmp_path)
    write(app / "fpm.json", json.dumps({**values, "architectures": [other]}))
    foreign = check(app, "--build", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith(f", for {other} and {own}")
    assert [path.name.rpartition("_")[2] for path in tmp_path.glob("*.deb")] == [f"{own}.deb"]
    assert foreign.returncode == 2
    assert f"app is built for {other}, and this machine is {own}" in foreign.stderr
