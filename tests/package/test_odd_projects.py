"""Whatever a project holds or says, its package is exactly that, or it is refused."""

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cicd.errors import ProjectError
from cicd.package.fields import FIELDS
from tests.package.building import DRIVERS, BuildHost, commit, project, run, write

FEW = settings(max_examples=6, suppress_health_check=list(HealthCheck))
CHARACTERS = st.characters(exclude_characters="/\0\n", exclude_categories=["Cs"])
NAMES = st.text(CHARACTERS, min_size=1, max_size=60).filter(
    lambda name: name.strip(". ") and ".git" not in name
)
HOSTILE = st.text(st.sampled_from("$(){}`;|&<>'\"\\ \n\t%-=ab1./é"), min_size=1, max_size=30)
TEXTS = ("maintainer", "description", "license", "prefix", "user", "architecture")


def files_of(tree: Path) -> dict[str, bytes]:
    return {
        os.fsdecode(os.path.relpath(Path(folder) / name, tree)): (Path(folder) / name).read_bytes()
        for folder, _, names in os.walk(tree)
        for name in names
    }


def unpacked(deb: str, target: Path) -> Path:
    run("dpkg-deb", "-x", deb, str(target))
    return target


@pytest.mark.parametrize("driver", DRIVERS)
@FEW
@given(names=st.lists(NAMES, min_size=1, max_size=20, unique_by=str.casefold))
def test_every_file_name_is_packaged_as_it_is(driver, names):
    with tempfile.TemporaryDirectory() as folder:
        repository = project(Path(folder) / "app")
        for name in names:
            path = repository / "odd" / name
            assume(len(os.fsencode(name)) <= 255)
            write(path, name)
        deb = BuildHost(Path(folder) / "home", repository).build(commit(repository), driver)["file"]
        found = files_of(unpacked(deb, Path(folder) / "tree") / "opt/app/odd")

        assert found == {name: name.encode() for name in names}


@pytest.mark.parametrize("driver", DRIVERS)
@FEW
@given(
    values=st.fixed_dictionaries(
        {},
        optional={key: HOSTILE | st.from_regex(FIELDS[key].shape.pattern, fullmatch=True) for key in TEXTS},
    )
)
def test_hostile_values_are_refused_by_name_or_only_text_in_the_package(driver, values):
    with tempfile.TemporaryDirectory() as folder:
        repository = project(Path(folder) / "app")
        write(repository / "fpm.json", json.dumps({"version": "1.0", "description": "x", **values}))
        tested = commit(repository)
        host = BuildHost(Path(folder) / "home", repository)
        try:
            deb = host.build(tested, driver)["file"]
        except ProjectError:
            return
        fields = run("dpkg-deb", "-f", deb).stdout
        names = [line.partition(":")[0].lower() for line in fields.splitlines() if not line.startswith(" ")]

        assert names.count("x-git-commit") == names.count("version") == names.count("depends") + 1
        assert sorted(path.name for path in Path(folder).iterdir()) == ["app", "home"]


@pytest.mark.long
@pytest.mark.parametrize("driver", DRIVERS)
def test_ten_thousand_files_and_a_large_one_are_packaged_whole(driver, tmp_path):
    """The size is 20 MB here; 200 MB differ in nothing but time (CICD_LARGE_MB)."""
    repository = project(tmp_path / "app")
    for number in range(10_000):
        path = repository / f"d{number % 100}" / f"f{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(number))
    large = os.urandom(int(os.environ.get("CICD_LARGE_MB", "20")) * 1_000_000)
    (repository / "large").write_bytes(large)
    deb = BuildHost(tmp_path / "home", repository).build(commit(repository), driver)["file"]
    found = files_of(unpacked(deb, tmp_path / "tree") / "opt/app")

    assert found["large"] == large
    assert len([name for name in found if name.startswith("d")]) == 10_000


@pytest.mark.parametrize("driver", DRIVERS)
def test_dpkg_alone_says_where_an_installed_package_came_from(driver, tmp_path):
    """Without a network there is neither StackStorm nor Consul."""
    repository = project(tmp_path / "app")
    (repository / "app.service").write_text("[Service]\nExecStart=/bin/true\n")
    tested = commit(repository)
    deb = BuildHost(tmp_path / "home", repository).build(tested, driver)["file"]
    root = tmp_path / "root"
    for name in ("info", "updates", "parts", "triggers"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    unpack = ["dpkg", "--force-not-root", "--force-script-chrootless", f"--root={root}", "--log=/dev/null"]
    run(*unpack, "--unpack", deb)
    query = [
        "dpkg-query",
        f"--admindir={root}/var/lib/dpkg",
        "-W",
        "-f",
        "${X-Git-Commit} ${X-CICD-Trace}\\n",
    ]
    isolated = ["unshare", "-rn"] if os.geteuid() else ["unshare", "-n"]

    assert run(*isolated, *query, "app").stdout == f"{tested} acme/app@{tested}\n"
