"""cicd-converge as a package."""

from host.build import build
from tests.debian_package import lintian, unpacked


def test_the_same_tree_gives_the_same_bytes(tmp_path):
    assert build(tmp_path / "one").read_bytes() == build(tmp_path / "two").read_bytes()


def test_its_settings_are_conffiles_and_its_rights_are_narrow(tmp_path):
    tree = unpacked(build(tmp_path))

    assert "/etc/cicd/converge.conf" in (tree / "DEBIAN/conffiles").read_text().splitlines()
    assert (tree / "etc/sudoers.d/cicd-converge").stat().st_mode & 0o777 == 0o440
    assert (tree / "usr/bin/cicd-converge").stat().st_mode & 0o777 == 0o755


def test_lintian_finds_nothing(tmp_path):
    assert lintian(build(tmp_path)) == (0, "")
