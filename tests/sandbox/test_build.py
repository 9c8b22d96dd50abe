"""A project's own build on a booted host: what it finds, and what of it is packaged."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from cicd.errors import HostError, HostLost
from cicd.setup import sandboxes
from tests.package.building import write
from tests.sandbox import index
from tests.sandbox.builder import Builder

PAGE = Path(__file__).parents[2] / "docs" / "project.md"

# The host's supervisor outlives the fixture that started it.
pytestmark = [
    pytest.mark.lab,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
]


def test_what_a_build_writes_to_its_output_is_the_tree_and_has_its_own_place(builder: Builder):
    script = 'pwd; echo "$CICD_OUTPUT $CICD_VERSION $SOURCE_DATE_EPOCH" >"$CICD_OUTPUT/said"; echo x >added'
    tree, _, run = builder.build(script)
    version, epoch = builder.tree(run)["said"].split()[1:]

    assert builder.tree(run) == {"said": f"/opt/app {version} {epoch}\n"}
    assert version.startswith("1.0.0-")
    assert (tree.source, tree.network, len(tree.digest)) == ("build", "open", 64)


def test_without_an_output_the_tree_is_the_commits_with_what_the_build_added(builder: Builder):
    _, _, run = builder.build("mkdir made && echo x >made/file && rm app.conf")
    names = set(builder.tree(run))

    assert {"made/file", "script/build", "fpm.json"} <= names
    assert "app.conf" not in names


def test_the_same_commit_gives_the_same_tree_and_another_content_another(builder: Builder):
    script = 'mkdir "$CICD_OUTPUT/b"; echo x >"$CICD_OUTPUT/a"; ln -s ../a "$CICD_OUTPUT/b/link"'
    one, again = builder.build(script)[0], builder.build(script)[0]
    executable = builder.build(f'{script}; chmod +x "$CICD_OUTPUT/a"')[0]
    elsewhere = builder.build(f'{script}; ln -sfn ../b "$CICD_OUTPUT/b/link"')[0]

    assert one.digest == again.digest
    assert len({one.digest, executable.digest, elsewhere.digest}) == 3


def test_a_cache_is_found_again_by_the_projects_next_build_unless_the_build_failed(builder: Builder):
    script = 'cat "$CICD_CACHE/x" >"$CICD_OUTPUT/found" 2>/dev/null || true; echo {} >"$CICD_CACHE/x"'
    builder.build(script.format("first"))
    with pytest.raises(HostError, match="ended with 3"):
        builder.build(f"{script.format('failed')}; exit 3")
    _, _, run = builder.build(script.format("second"))

    assert builder.tree(run)["found"] == "first\n"


def test_a_second_build_with_a_warm_cache_downloads_nothing(builder: Builder):
    with index.serving() as registry:
        pip = f"/tmp/venv/bin/pip -q --isolated install --no-compile --index-url {registry.url} --no-deps"
        host = registry.url.split("/")[2].split(":")[0]
        script = (
            "python3 -m venv /tmp/venv\n"
            f'{pip} --disable-pip-version-check --trusted-host {host} --target "$CICD_OUTPUT" greeting==1.0'
        )
        cold, _, _ = builder.build(script, build_seconds=300)
        first, registry.downloads = registry.downloads, []
        warm, _, run = builder.build(script, build_seconds=300)

    assert first == ["/greeting/", f"/files/{index.WHEEL}"]
    assert registry.downloads == []
    assert "greeting.py" in builder.tree(run)
    assert cold.network == warm.network == "open"


def test_a_build_that_fails_says_its_last_words(builder: Builder):
    with pytest.raises(HostError, match=r"(?s)no such library.*script/build ended with 4") as failure:
        builder.build("echo no such library >&2; exit 4")

    assert not isinstance(failure.value, HostLost)


def test_a_build_finds_the_settings_of_registries_and_of_the_operator(builder: Builder):
    kept = builder.container.run("cat", "/etc/cicd/sandbox.env")
    builder.container.write("/etc/registry.conf", "http://mirror\n")
    builder.container.write("/etc/cicd/sandbox.env", "HTTPS_PROXY=http://proxy:3128\n")
    _, _, run = builder.build('{ cat /etc/registry.conf; echo "$HTTPS_PROXY"; } >"$CICD_OUTPUT/found"')
    builder.container.write("/etc/cicd/sandbox.env", kept)

    assert builder.tree(run)["found"].splitlines() == ["http://mirror", "http://proxy:3128"]


def test_the_script_of_the_page_makes_a_virtualenv_that_names_its_place_on_the_hosts(builder: Builder):
    (script,) = re.findall(r"```sh\n#!/bin/sh\n# script/build(.*?)```", PAGE.read_text(), re.S)
    write(builder.code / "requirements.txt", "")
    write(builder.code / "app" / "main.py", "")
    _, _, run = builder.build(f"#{script}", build_seconds=300)
    folder = f"/home/cicd/builds/{run}/tree"

    assert builder.container.run("ls", folder).split() == ["app", "venv"]
    assert (
        builder.container.run("head", "-n", "1", f"{folder}/venv/bin/pip") == "#!/opt/app/venv/bin/python3\n"
    )


def test_a_script_that_names_the_builds_own_folder_as_its_interpreter_is_refused(builder: Builder):
    script = "printf '#!%s/venv/bin/python3\\n' \"$PWD\" >run && chmod +x run"
    with pytest.raises(HostError, match=r"first line of run begins with #!/build/"):
        builder.build(script)


def test_a_host_without_the_sandbox_may_be_replaced_by_another(builder: Builder):
    builder.container.run("mv", "/usr/libexec/cicd-sandbox/run", "/root/run")
    try:
        with pytest.raises(HostLost, match="cicd-sandbox is not installed on this build host"):
            builder.build("true")
        checked = [found.line for found in sandboxes.findings(builder.settings(), [builder.host])]
    finally:
        builder.container.run("mv", "/root/run", "/usr/libexec/cicd-sandbox/run")
    builder.container.run("mv", "/etc/sudoers.d/cicd-sandbox", "/root/rule")
    try:
        with pytest.raises(HostLost, match="sudo does not allow cicd to run"):
            builder.build("true")
    finally:
        builder.container.run("mv", "/root/rule", "/etc/sudoers.d/cicd-sandbox")

    (missing,) = checked
    assert f"{builder.host.name}: cicd-sandbox is not installed, which script/build needs of: app" in missing
    assert list(sandboxes.findings(builder.settings(), [builder.host])) == []
