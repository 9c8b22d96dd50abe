"""A build host that cannot run what a project brings as its own build is named, with what to do."""

from __future__ import annotations

from pathlib import Path

from cicd.setup.sandboxes import Sandbox, judged, parsed
from tests.package.building import BuildHost, commit, project, write


def test_a_host_that_lacks_the_sandbox_is_named_once_any_host_knows_of_a_build():
    ready, bare = Sandbox(builds=("shop", "app")), Sandbox("package")
    (found,) = judged({"build1": ready, "build2": bare}, "cicd")

    assert found.line.startswith("WRONG    build hosts, build2: cicd-sandbox is not installed")
    assert "needs of: app, shop. Run `apt-get install cicd-sandbox` there" in found.line


def test_a_host_whose_sudo_has_no_rule_is_told_from_one_without_the_package():
    (found,) = judged({"build1": Sandbox("sudo", ("app",))}, "deployer")

    assert "sudo does not allow deployer to run cicd-sandbox" in found.said
    assert "/etc/sudoers.d" in found.fix


def test_while_no_project_builds_no_host_needs_a_sandbox():
    assert list(judged({"build1": Sandbox("package")}, "cicd")) == []


def test_a_mirror_tells_that_a_branch_has_a_build_of_the_project_in_its_folder(tmp_path: Path):
    code = project(tmp_path / "app")
    host = BuildHost(tmp_path / "home", code)
    assert host.fetch(commit(code)).returncode == 0
    before = parsed(host.script("check_sandbox", "app", "", "other", "").stdout)
    write(code / "api" / "script" / "build", "#!/bin/sh\n", executable=True)
    assert host.fetch(commit(code), "r2").returncode == 0

    assert before.builds == ()
    assert parsed(host.script("check_sandbox", "app", "").stdout).builds == ()
    assert parsed(host.script("check_sandbox", "app", "api").stdout).builds == ("app",)
