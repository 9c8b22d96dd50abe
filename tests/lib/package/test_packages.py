"""Several packages of one commit: what each inherits, what is refused between them, what names them all."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from cicd.errors import ProjectError
from cicd.package import build, builder_input, metadata
from cicd.package.builder_input import Origin
from cicd.package.metadata import Metadata
from tests.lib.package.test_metadata import COMMIT, SCRIPTS, WHOLE, read

CLIENT = {
    "name": "greeter-client",
    "architecture": "all",
    "files": [{"source": "greeter.conf", "destination": "/usr/bin/greeter-client", "mode": "0755"}],
}
LIBRARY = {"name": "greeter-library", "description": "Speaks with greeters.", "install": False}
VERSION = "1.0.0-1.aaaaaaa"
ORIGIN = Origin("acme/greeter", COMMIT, f"acme/greeter@{COMMIT}", 1, "greeter")


def release(*packages: dict[str, Any], **first: Any) -> Metadata:
    return read({**WHOLE, "architecture": "amd64", **first, "packages": list(packages)})


def test_a_package_inherits_what_describes_it_and_nothing_that_it_would_bring_a_second_time():
    client, library = release(CLIENT, LIBRARY).packages

    assert (client.version, client.maintainer, client.license) == ("1.0.0", WHOLE["maintainer"], "MIT")
    assert (client.description, library.description) == (WHOLE["description"], "Speaks with greeters.")
    assert (client.architecture, library.architecture) == ("all", "amd64")
    assert (client.units, client.depends, client.user, client.directories, client.hook) == (
        (),
        (),
        "",
        (),
        "",
    )
    assert (client.prefix, client.exclude) == ("/opt/greeter-client", ("*",))


def test_the_first_package_names_what_hosts_install_beside_it():
    fields = builder_input.control_fields(release(CLIENT, LIBRARY), ORIGIN)

    assert fields["X-CICD-Packages"] == "greeter-client"
    assert "X-CICD-Packages" not in builder_input.control_fields(release(LIBRARY), ORIGIN)


def test_what_a_step_hands_on_is_the_same_release():
    said = release(CLIENT, LIBRARY)

    assert metadata.from_json(json.loads(json.dumps(asdict(said)))) == said


@pytest.mark.parametrize(
    ("packages", "problem"),
    [
        ([{"files": []}], r"line 17: `packages\[0\]` has no `name`: add it, such as"),
        ([{"name": "greeter-x", "version": "2"}], r"`packages\[0\]\.version` is not known"),
        ([CLIENT, CLIENT], r"line \d+: `name` greeter-client is another package of this release"),
        ([{"name": "greeter"}], "`name` greeter is another package of this release"),
        ([{"name": "greeter-x", "prefix": "/opt/greeter"}], "`prefix` /opt/greeter is that of another"),
        ([{"name": "greeter-x", "directories": ["/etc/nginx"]}], "`directories` names /etc/nginx"),
        ([{"name": "greeter-x", "after_install": "none"}], "none is missing: it is `after_install`"),
        ([{"name": "greeter-x", "units": [{"path": "none.service"}]}], r"none\.service is missing"),
        (
            [{"name": "greeter-x", "files": [{"source": "none", "destination": "/opt/x/y"}]}],
            "names none, which",
        ),
        (
            [LIBRARY, {"name": "greeter-x", "depends": ["greeter-library (>= 1)"]}],
            "`depends` names greeter-lib",
        ),
    ],
)
def test_what_is_wrong_with_a_package_of_several_is_refused_with_its_line(packages, problem):
    with pytest.raises(ProjectError, match=problem):
        release(*packages)


def test_the_build_host_is_asked_about_the_files_of_every_package():
    hook = {"name": "greeter-x", "after_install": "script/x", "files": [{"source": "y", "destination": "/z"}]}
    asked = metadata.paths(json.dumps({**WHOLE, "packages": [hook]}), "greeter")

    assert {"script/x", ":script/x", "y", *SCRIPTS} <= set(asked)


def test_the_bill_names_every_package_with_its_digest():
    said = release(CLIENT, LIBRARY)
    digests = {one.file(VERSION): str(number) * 64 for number, one in enumerate(said.release)}
    bill = json.loads(build.bill(said, VERSION, ORIGIN, {}, digests))
    named = [bill["metadata"]["component"], *bill["components"]]
    hashed = {one["name"]: one["hashes"][0]["content"] for one in named if "hashes" in one}

    assert hashed == {one.name: str(number) * 64 for number, one in enumerate(said.release)}
