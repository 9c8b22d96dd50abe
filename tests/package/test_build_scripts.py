"""The scripts that run on a build host, run here with real git, nfpm, FPM where it is, and dpkg."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bench import mirror
from cicd.allowed import Allowed
from cicd.errors import ProjectError
from tests.package.building import DRIVERS, TOOLS, BuildHost, commit, git, project, run, write


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return project(tmp_path / "app")


@pytest.fixture
def host(repository: Path, tmp_path: Path) -> BuildHost:
    return BuildHost(tmp_path / "home", repository)


def head(repository: Path) -> str:
    return git(repository, "rev-parse", "HEAD")


def listing(deb: str) -> list[str]:
    return run("dpkg-deb", "-c", deb).stdout.splitlines()


def test_defect_6_the_commit_asked_for_is_built_though_the_branch_moved_on(repository, host):
    tested = head(repository)
    write(repository / "app.conf", "x = 2\n")
    commit(repository)
    assert host.fetch(tested).returncode == 0

    assert (host.home / "builds/r1/source/app.conf").read_text() == "x = 1\n"
    assert host.said("read_metadata", "r1")["commits"] == "1"


def test_a_commit_that_a_force_push_took_off_every_branch_is_still_fetched(repository, host):
    tested = head(repository)
    git(repository, "checkout", "-q", "--orphan", "other")
    commit(repository)
    git(repository, "branch", "-qD", "main")

    assert host.fetch(tested).returncode == 0


def test_a_commit_that_is_not_in_the_repository_is_a_clear_failure(host):
    done = host.fetch("f" * 40)

    assert done.returncode == 1
    assert f"commit {'f' * 40} is not in" in done.stderr
    assert not (host.home / "builds/r1").exists()


def test_a_later_run_fetches_only_what_is_new(repository, host):
    assert host.fetch(head(repository)).returncode == 0
    host.url = "/nowhere"

    assert host.fetch(head(repository), "r2").returncode == 0


def test_a_mirror_holds_only_the_files_of_the_commits_that_were_built(repository, host):
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    write(repository / "app.conf", "x = 2\n")
    old, new = head(repository), commit(repository)
    host.url = f"file://{repository}"
    assert host.fetch(new).returncode == 0
    mirror = ["git", "--git-dir", str(host.home / "mirrors/app.git")]
    missing = run(*mirror, "rev-list", "--objects", "--missing=print", "--all").stdout

    assert missing.count("?") == 1
    assert host.fetch(old, "r2").returncode == 0
    assert (host.home / "builds/r2/source/app.conf").read_text() == "x = 1\n"


def test_a_mirror_that_a_crash_broke_is_made_anew(repository, host):
    assert host.fetch(head(repository)).returncode == 0
    for path in (host.home / "mirrors/app.git/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"broken")

    done = host.fetch(head(repository), "r2")
    assert done.returncode == 0, done.stderr


def partial(repository: Path, host: BuildHost) -> Path:
    """Let the host clone as from GitHub, without files, and return its mirror's packs."""
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    host.url = f"file://{repository}"
    return host.home / "mirrors/app.git/objects/pack"


def test_a_mirror_never_has_more_than_some_dozens_of_packs(repository, host):
    packs = partial(repository, host)
    first = head(repository)
    assert host.fetch(first).returncode == 0
    for number in range(60):
        for path in packs.glob("pack-*[!0]"):
            name = f"pack-{number:040x}{path.suffix}"
            if path.stem[5:9] != "0000":
                (packs / name).write_bytes(path.read_bytes())
    assert len(list(packs.glob("*.pack"))) > 50
    (packs / "tmp_pack_killed").write_bytes(b"half")
    write(repository / "app.conf", "x = 2\n")

    assert host.fetch(commit(repository), "r2").returncode == 0
    assert len(list(packs.glob("*.pack"))) <= 3
    assert not list(packs.glob("tmp_*"))
    assert host.fetch(first, "r3").returncode == 0
    assert (host.home / "builds/r3/source/app.conf").read_text() == "x = 1\n"


def test_an_old_mirror_is_made_anew(repository, host):
    assert host.fetch(head(repository)).returncode == 0
    mirror = host.home / "mirrors/app.git"
    (mirror / "left").touch()
    os.utime(mirror / "HEAD", (time.time() - 91 * 86400,) * 2)

    assert host.fetch(head(repository), "r2").returncode == 0
    assert not (mirror / "left").exists()


def test_many_builds_leave_a_mirror_below_the_limits_and_nothing_else(tmp_path):
    host = mirror.BuildHost(tmp_path / "host")

    for _ in range(2):
        host.pass_day(4)

    found = host.limits(4)
    assert {name for name, (value, limit) in found.items() if value > limit} == set()
    assert found["bytes of a build host"][0] > 8 * mirror.CHANGED * 500
    assert sorted(path.name for path in (host.home / "mirrors").iterdir()) == ["app.git", "app.git.lock"]
    assert list((host.home / "builds").iterdir()) == []


def test_runs_that_were_killed_are_swept_and_others_left_alone(repository, host):
    for name in ("dead", "alive"):
        assert host.fetch(head(repository), name).returncode == 0
    os.utime(host.home / "builds/dead", (time.time() - 7200,) * 2)
    assert host.fetch(head(repository), "next").returncode == 0

    assert {path.name for path in (host.home / "builds").iterdir()} == {"alive", "next"}


def test_defect_14_a_run_is_built_and_removed_in_one_place(repository, host):
    for name in ("r1", "r2"):
        assert host.fetch(head(repository), name).returncode == 0
    host.script("clean_build", "r1")

    assert [path.name for path in (host.home / "builds").iterdir()] == ["r2"]


def test_a_missing_secret_is_named(repository, host):
    done = host.fetch(head(repository), key="/etc/cicd/keys/app")

    assert done.returncode == 1
    assert "the secret /etc/cicd/keys/app cannot be read on this build host" in done.stderr


def test_a_host_that_may_read_the_code_by_the_keys_of_its_projects_is_ready(repository, host, tmp_path):
    """A program in place of ssh says what it was called with, then lets git do its work."""
    key, called = tmp_path / "key", tmp_path / "called"
    key.touch()
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\necho "$@" >>{called}\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    url = f"git@git.example.com:{repository}"
    path = f"{ssh.parent}:{TOOLS}:{os.environ['PATH']}"

    done = host.script("check_build_host", "auto", url, str(key), "", url, "", "", PATH=path)

    assert done.returncode == 0, done.stderr
    assert [f"-i {key} -o IdentitiesOnly=yes" in line for line in called.read_text().splitlines()] == [
        True,
        False,
    ]


def test_a_host_that_may_not_read_the_code_repeats_what_git_said(host):
    done = host.script("check_build_host", "auto", "/nowhere/app.git", "", "")

    assert done.returncode == 1
    assert "/nowhere/app.git cannot be read from here: " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_run_whose_directory_is_gone_may_be_tried_elsewhere(host):
    assert host.script("read_metadata", "gone").returncode == 75
    arguments = ["gone", "nfpm", "deb", "/opt/app", "1", "1-1.abcdef0", "a" * 40, "off", ""]
    assert host.script("build_package", *arguments).returncode == 75


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_same_commit_gives_the_same_bytes_on_another_host(driver, repository, tmp_path):
    tested = head(repository)
    one = BuildHost(tmp_path / "one", repository).build(tested, driver)
    write(repository / "more", "more")
    later = commit(repository)
    two = BuildHost(tmp_path / "two", repository)
    write(two.home / ".gitconfig", "[core]\n\tautocrlf = true\n\tabbrev = 4\n")
    assert two.fetch(later, "other").returncode == 0

    assert one["sha256"] == two.build(tested, driver)["sha256"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_package_says_where_it_came_from_and_carries_its_files(driver, repository, host):
    tested = head(repository)
    deb = host.build(tested, driver)["file"]
    fields = run("dpkg-deb", "-f", deb).stdout.lower()
    names = "\n".join(listing(deb))

    assert f"x-git-commit: {tested}" in fields
    assert f"x-cicd-trace: acme/app@{tested}" in fields
    assert f"version: 1.0.0-1.{tested[:7]}" in fields
    assert "./opt/app/REVISION" in names
    assert "./usr/lib/systemd/system/app.service" in names


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_odd_tree_is_packaged_whole_with_clean_modes_and_owners(driver, repository, host, tmp_path):
    (tmp_path / "outside").write_text("secret")
    for name in (
        "with space",
        "tab\tand\rreturn",
        "$(touch owned)",
        "-rf",
        "ünï",
        "quo'te\"s",
        "back\\slash",
    ):
        write(repository / "odd" / name / name, name)
    write(repository / "setuid", "x", executable=True)
    (repository / "setuid").chmod(0o6777)
    (repository / "link").symlink_to(tmp_path / "outside")
    (repository / "up").symlink_to("../../../../etc/passwd")
    deb = host.build(commit(repository), driver)["file"]
    tree = tmp_path / "tree"
    run("dpkg-deb", "-x", deb, str(tree))

    assert (tree / "opt/app/odd/tab\tand\rreturn/tab\tand\rreturn").is_file()
    assert len(list((tree / "opt/app/odd").iterdir())) == 7
    assert os.readlink(tree / "opt/app/link") == str(tmp_path / "outside")
    assert next(x for x in listing(deb) if x.endswith("/setuid")).startswith("-rwxr-xr-x ")
    assert not list(tmp_path.rglob("owned"))
    owners = {line.split()[1] for line in listing(deb) if line.startswith(("-r", "dr", "lr"))}
    assert owners <= {"root/root", "0/0"}


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_path_through_a_symbolic_link_is_refused_not_followed(driver, repository, host, tmp_path):
    write(tmp_path / "secrets" / "app.service", "secret")
    shutil.rmtree(repository / "script")
    (repository / "script").symlink_to(tmp_path / "secrets")
    (repository / "app.conf").unlink()
    (repository / "app.conf").symlink_to(tmp_path / "secrets/app.service")
    (repository / "REVISION").symlink_to(tmp_path / "secrets/app.service")
    tested = commit(repository)
    assert host.fetch(tested).returncode == 0

    with pytest.raises(ProjectError, match=r"app.conf is not a plain file"):
        host.try_build(tested, driver)
    assert (tmp_path / "secrets/app.service").read_text() == "secret"


@pytest.mark.parametrize("link", ["system", "system/app.service"])
def test_a_build_writes_through_no_link_of_the_repository(link, repository, host, tmp_path):
    outside = tmp_path / "outside"
    write(outside / "app.service", "theirs")
    path = repository / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside / "app.service" if "/" in link else outside)
    text = (repository / "fpm.json").read_text().replace("/opt/app/", "/usr/lib/systemd/")
    write(repository / "fpm.json", text.replace("{", '{"prefix": "/usr/lib/systemd", ', 1))
    tested = commit(repository)
    assert host.fetch(tested).returncode == 0
    with pytest.raises(ProjectError, match="`prefix` names /usr/lib/systemd"):
        host.described(tested)
    host.allowed = Allowed(paths=("/usr/lib/systemd",))
    done = host.try_build(tested)

    assert done.returncode == 1
    assert (
        "stage/usr/lib/systemd/system/app.service leads through a symbolic link of the repository"
        in done.stderr
    )
    assert (outside / "app.service").read_text() == "theirs"
    assert [path.name for path in outside.iterdir()] == ["app.service"]


def test_a_directory_that_is_made_at_installation_is_not_behind_a_link(repository, host):
    (repository / "data").symlink_to("/etc")
    text = (repository / "fpm.json").read_text()
    write(
        repository / "fpm.json",
        text.replace("{", '{"directories": ["/opt/app/data/cron.d"], "user": "app", ', 1),
    )
    tested = commit(repository)
    assert host.fetch(tested).returncode == 0

    with pytest.raises(
        ProjectError, match=r"`directories` names /opt/app/data/cron\.d, .* behind a symbolic link"
    ):
        host.described(tested)


def test_what_dpkg_would_refuse_on_every_host_is_refused_at_the_contract(repository, host):
    write(repository / "deep/new\nline", "x")
    write(repository / ("x" * 247), "x")
    write(repository / ("y" * 246), "x")
    write(repository / "REVISION/x", "x")
    (repository / "link").symlink_to("a\nb")
    write(repository / "script/post-inst", "#!/bin/sh\r\nset -e\r\n", executable=True)
    git(repository, "config", "core.autocrlf", "false")
    tested = commit(repository)
    assert host.fetch(tested).returncode == 0
    with pytest.raises(ProjectError) as refusal:
        host.described(tested)

    problems = " | ".join(map(str, refusal.value.details["problems"]))
    assert r"'deep/new\nline': dpkg takes no name with a newline" in problems
    assert "dpkg takes no name of more than 246 bytes" in problems
    assert "yyy" not in problems
    assert "link': a symbolic link's target has no newline" in problems
    assert "REVISION is a directory" in problems
    assert "script/post-inst line 1 ends in CR LF" in problems


def test_a_revision_file_that_is_a_link_is_replaced_not_written_through(repository, host, tmp_path):
    (tmp_path / "outside").write_text("secret")
    (repository / "REVISION").symlink_to(tmp_path / "outside")
    host.build(commit(repository))

    assert (tmp_path / "outside").read_text() == "secret"


def test_submodules_and_lfs_are_refused_by_name(repository, host):
    write(repository / "deep/.gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},vendor")
    tested = git(repository, "add", "deep") or commit_index(repository)
    assert host.fetch(tested).returncode == 0

    with pytest.raises(ProjectError, match=r"submodules are not supported.*LFS is not supported"):
        host.described(tested)


def commit_index(repository: Path) -> str:
    git(repository, "commit", "-qm", "Index")
    return head(repository)


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_rpm_comes_from_the_same_metadata(driver, repository, host):
    described = {
        "version": "1.0.0",
        "description": "x",
        "unit": "app.service",
        "rpm_depends": ["python3 >= 3.9"],
        "provides": ["app-api (= 2)"],
        "conflicts": ["app-old (<< 2:1.0-1)", "app-small"],
        "replaces": ["app-old"],
        "recommends": ["logrotate (>> 3)"],
        "suggests": ["nginx"],
    }
    write(repository / "fpm.json", json.dumps(described))
    tested = commit(repository)
    rpm = host.build(tested, driver, formats="deb rpm")["rpm"]
    name = run("rpm", "-qp", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}", rpm).stdout
    said = {
        key: set(run("rpm", "-qp", f"--{key}", rpm).stdout.splitlines())
        for key in ("requires", "provides", "conflicts", "obsoletes", "recommends", "suggests", "scripts")
    }

    assert name == f"app-1.0.0-2.{tested[:7]}.noarch"
    assert "python3 >= 3.9" in said["requires"]
    assert said["provides"] == {"app-api = 2", f"app = 1.0.0-2.{tested[:7]}"}
    assert said["conflicts"] == {"app-old < 2:1.0-1", "app-small"}
    assert said["obsoletes"] == {"app-old"}
    assert (said["recommends"], said["suggests"]) == ({"logrotate > 3"}, {"nginx"})
    assert "started='app.service'" in said["scripts"]
    assert {"/opt/app/REVISION", "/usr/lib/systemd/system/app.service"} <= set(
        run("rpm", "-qpl", rpm).stdout.split()
    )


def test_lintians_errors_refuse_the_package_where_that_is_wanted(repository, host):
    shutil.copy("/bin/true", repository / "a-program-in-a-package-of-all-architectures")
    tested = commit(repository)
    assert host.fetch(tested).returncode == 0
    refused = host.try_build(tested, lintian="enforce")

    assert refused.returncode == 1
    assert "lintian: E: app" in refused.stderr
    assert "in-opt" not in refused.stderr


def test_a_project_without_fpm_json_is_read_as_such(repository, host):
    git(repository, "rm", "-q", "fpm.json")
    assert host.fetch(commit(repository)).returncode == 0

    assert "fpm_json" not in host.said("read_metadata", "r1")


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 2 MB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_the_hosts_failure_and_leaves_nothing(repository, small_disk):
    (repository / "large").write_bytes(os.urandom(3_000_000))
    host = BuildHost(small_disk / "home", repository)
    done = host.fetch(commit(repository))

    assert done.returncode == 75, done.stderr
    assert "No space left on device" in done.stderr
    assert not list((host.home / "builds").iterdir())


def in_folder(repository: Path, *folders: str) -> str:
    """Let each of *folders* have a whole project, beside `shared`, and return the commit."""
    for folder in folders:
        for name in ("cisetup", "cibuild", "post-inst"):
            write(repository / folder / "script" / name, "#!/bin/sh\n", executable=True)
        write(repository / folder / "fpm.json", '{"version": "2.0", "description": "In a folder."}')
        write(repository / folder / "data", folder)
    write(repository / "shared/common", "of all\n")
    return commit(repository)


def test_a_project_in_a_folder_packages_that_folder_with_its_scripts_and_fpm_json(repository, host):
    host.directory = "apps/api"
    built = host.build(in_folder(repository, "apps/api", "web"))
    names = {line.split()[-1] for line in listing(built["file"])}

    assert built["version"].startswith("2.0-2.")
    assert {"./opt/app/data", "./opt/app/script/post-inst"} <= names
    assert not any(part in name for name in names for part in ("app.conf", "web", "shared"))


def test_the_whole_commit_is_there_for_a_project_in_a_folder(repository, host):
    host.directory = "apps/api"
    host.fetch(in_folder(repository, "apps/api"))
    run = host.home / "builds/r1"

    assert (run / "repository/shared/common").read_text() == "of all\n"
    assert (run / "source/data").read_text() == (run / "repository/apps/api/data").read_text() == "apps/api"


@pytest.mark.parametrize(
    ("directory", "state"),
    [
        ("nowhere", "missing"),
        ("link", "a symbolic link"),
        ("link/script", "missing"),
        ("app.conf", "a file"),
        ("ignored", "export-ignore in .gitattributes"),
        ("api", "present"),
        ("", "present"),
    ],
)
def test_what_the_commit_has_as_the_projects_folder_is_said(repository, host, directory, state):
    (repository / "link").symlink_to("api")
    write(repository / ".gitattributes", "/ignored export-ignore\n")
    host.directory = directory
    assert host.fetch(in_folder(repository, "api", "ignored")).returncode == 0

    assert host.said("read_metadata", "r1")["folder"] == state


def test_a_submodule_of_another_folder_is_not_of_this_project(repository, host):
    head = in_folder(repository, "api", "web")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},web/lib")
    git(repository, "commit", "-qm", "A submodule")
    states = {}
    for host.directory in ("api", "web", ""):
        host.fetch(git(repository, "rev-parse", "HEAD"))
        states[host.directory] = host.said("read_metadata", "r1")["submodules"]

    assert states == {"api": "missing", "web": "present", "": "present"}
