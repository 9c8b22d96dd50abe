"""What the help says can be said is what the aliases take, word by word."""

from collections.abc import Iterator

import pytest

from cicd import phrases
from cicd.phrases import Phrase
from gateway.slack.press import WORDS
from st2local.engine.alias_format import NoMatchError, extract
from st2local.engine.aliases import Format, formats
from tests.printed.commands import SAMPLES, registry

PHRASES = [phrase for topic in phrases.TOPICS.values() for phrase in topic]
ALIASES = [alias for alias in registry().all("action_alias") if alias.pack == "cicd"]
OTHERS = {"share": "5", "ring": "staging", "provider": "cloud", "expected": "1.4.0-57.ab12cd3"}


def sample(phrase: Phrase) -> dict[str, str]:
    return {name: OTHERS.get(name, SAMPLES.get(name, "")) for name in phrase.names}


def taking(words: str) -> Iterator[tuple[Format, dict[str, str]]]:
    """Yield how each alias takes *words*, and the parameters that it gives then."""
    for one in (found for alias in ALIASES for found in formats(alias)):
        try:
            (given,) = extract(one.representation, words)
        except NoMatchError:
            continue
        yield (
            one,
            {
                **{name: value.strip() for name, value in given.items()},
                **(one.alias.data.get("immutable_parameters") or {}),
            },
        )


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.shown)
def test_each_phrase_is_taken_by_one_alias_as_the_call_that_it_stands_for(phrase):
    said = {**sample(phrase), **phrase.given}
    taken = list(taking(phrase.words.format_map(said)))

    calls = [(one.alias.data["action_ref"], given) for one, given in taken]
    more = {"apply": False} if phrase.action == "adopt_release" else {}
    assert calls == [(f"cicd.{phrase.action}", {**said, **more})]


@pytest.mark.parametrize("what", WORDS)
@pytest.mark.parametrize("ring", ["canary", "production", "eu-west"])
def test_the_words_of_a_button_in_slack_are_taken_by_one_alias(what, ring):
    about = {"project": "greeter", "version": "1.4.0~rc1-57.ab12cd3", "ring": ring}
    ((one, given),) = taking(WORDS[what].format(**about))

    assert one.alias.data["action_ref"] == f"cicd.{what}"
    assert about["version"] in (given.get("version"), given.get("expected"))
    assert given.get("ring", ring) == ring


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.name)
def test_each_format_of_an_alias_is_in_the_help(alias):
    taken = {
        one.representation
        for phrase in PHRASES
        for one, _ in taking(phrase.words.format_map({**sample(phrase), **phrase.given}))
    }

    assert {one.representation for one in formats(alias)} <= taken
