"""Every message of the pack is in the reference, and every kind of message in the page of symptoms."""

import re
from pathlib import Path

import pytest

from reference import messages
from reference.hosts import hosts

ROOT = Path(__file__).parents[2]
SYMPTOMS = (ROOT / "docs" / "when-it-stops.md").read_text()
HOSTS = (ROOT / "docs" / "hosts.md").read_text()
REFERENCE = (ROOT / "docs" / "reference" / "messages.md").read_text()
NO_FAILURE = {"ok", "empty", "plan", "pushed", "turn"}  # a host says these when nothing is to be repaired
# Errors whose text another one wrote, or that a function around them puts together.
PASSED_ON = {
    *(
        "clients/github_actions.py",
        "clients/jenkins.py",
        "clients/ssh.py",
        "machines/api.py",
        "project_files.py",
    ),
    *("release/going_back.py", "reports/notifier.py", "settings.py", "clients/github.py"),
    *("ci/second_build.py", "ci/reported_run.py", "provisioning/awaiting.py"),
}


def test_every_error_of_the_code_is_in_the_reference():
    known = messages.kinds()
    drawn = {error.file for error in messages.errors()}
    raised = {file for file, _, _, name in messages.calls() if name in known}

    assert raised - drawn <= PASSED_ON | set(messages.CONFIGURATION)
    assert sum(name in known for *_, name in messages.calls()) - len(list(messages.errors())) < 40


@pytest.mark.parametrize("kind", sorted({error.kind for error in messages.errors()}))
def test_every_kind_of_error_is_reached_from_the_symptoms(kind):
    assert f"\n## {kind}\n" in REFERENCE
    assert f"reference/messages.md#{kind.lower()})" in SYMPTOMS


def test_every_refusal_says_what_to_do():
    assert [error.said for error in messages.errors() if error.kind == "Refused" and not error.hint] == []


def test_every_code_of_a_failed_host_has_its_line():
    codes = set(re.findall(r"^\| `(\w+)` \|", hosts(), re.MULTILINE)) - NO_FAILURE
    table = HOSTS.partition("## What a failed run says")[2].partition("\n## ")[0]

    assert codes - set(re.findall(r"`(\w+)`", table)) == set()


@pytest.mark.parametrize("text", ["`<where>: <error>`", "each that has not ended is run by someone"])
def test_what_is_passed_on_or_found_well_is_not_a_message(text):
    assert text not in REFERENCE
