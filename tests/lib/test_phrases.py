"""A command becomes the words for it where people speak, and stays one where there are none."""

import pytest

from cicd import phrases


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("See: st2 run cicd.get_release project=greeter", "See: `what is deployed for greeter`"),
        (
            "When that is over: st2 run cicd.unlock_deploys project=greeter. A rollback need not wait.",
            "When that is over: `unlock greeter`. A rollback need not wait.",
        ),
        ("`st2 run cicd.rollback project=greeter ring=canary`; x", "`rollback canary greeter`; x"),
        ("`st2 run cicd.rollback project=greeter ring=eu`", "`rollback eu greeter`"),
        (
            "Lock it: st2 run cicd.lock_deploys project=greeter reason=…",
            "Lock it: `lock greeter because …`",
        ),
        (
            "st2 run cicd.lock_deploys project=greeter reason='db migration'",
            "`lock greeter because db migration`",
        ),
        (
            "then: st2 run cicd.deploy_production project=greeter plan=12-ab-cd",
            "then: `deploy production greeter as planned in 12-ab-cd`",
        ),
        ("st2 run cicd.deploy project=p version=1.4.0-57.ab12cd3.", "`deploy first p 1.4.0-57.ab12cd3`."),
        ("st2 run cicd.deploy project=p version=<its version>", "`deploy first p <its version>`"),
    ],
)
def test_a_command_becomes_what_is_said(command, words):
    assert phrases.spoken(command) == words


@pytest.mark.parametrize(
    "text",
    [
        "st2 run cicd.retry_hosts project=greeter ring=production",
        "st2 run cicd.deploy project=greeter version=1.0 new_history=true",
        "st2 run cicd.check_setup",
        "nothing to run",
    ],
)
def test_what_has_no_words_stays_as_it_is(text):
    assert phrases.spoken(text) == text


def test_the_help_has_all_topics_and_places_to_fill_in():
    lines = phrases.help_text().splitlines()

    assert "Roll back:" in lines
    assert "  rollback production <project>" in lines
