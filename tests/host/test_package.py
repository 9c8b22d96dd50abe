"""cicd-converge as a package."""

import subprocess

from host.build import build


def test_the_same_tree_gives_the_same_bytes(tmp_path):
    assert build(tmp_path / "one").read_bytes() == build(tmp_path / "two").read_bytes()


def test_its_settings_are_conffiles_and_its_rights_are_narrow(tmp_path):
    package = build(tmp_path)
    subprocess.run(["dpkg-deb", "-R", package, tmp_path / "tree"], check=True)
    tree = tmp_path / "tree"

    assert "/etc/cicd/converge.conf" in (tree / "DEBIAN/conffiles").read_text().splitlines()
    assert (tree / "etc/sudoers.d/cicd-converge").stat().st_mode & 0o777 == 0o440
    assert (tree / "usr/bin/cicd-converge").stat().st_mode & 0o777 == 0o755


def test_lintian_finds_nothing(tmp_path):
    command = ["lintian", "--allow-root", "--fail-on", "warning,error", str(build(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")
