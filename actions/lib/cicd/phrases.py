"""What a person says in chat in the place of a command, by topic; aliases take it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, Mapping, Match, Tuple

COMMAND = "st2 run"
_VALUE = r"""(?:'[^']*'|"[^"]*"|<[^>]*>|[^\s`'",;()<>]*[^\s`'",;()<>.:])"""
_COMMAND = re.compile(rf"`?\bst2 run cicd\.(\w+)((?: \w+={_VALUE})*)`?")
_GIVEN = re.compile(rf" (\w+)=({_VALUE})")


@dataclass(frozen=True)
class Phrase:
    """Words that call *action* with the parameters in braces, and with what is *given* beside them."""

    action: str
    words: str
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> Tuple[str, ...]:
        """The parameters that the words name."""
        return tuple(re.findall(r"{(\w+)}", self.words))

    @property
    def shown(self) -> str:
        """The words with a place, as <project>, for each parameter."""
        return self.words.replace("{", "<").replace("}", ">")

    def said(self, parameters: Mapping[str, str]) -> str:
        """Return the words for a call with *parameters*; empty when they mean another one."""
        fits = {*self.names, *self.given} == set(parameters)
        fits = fits and all(parameters[name] == value for name, value in self.given.items())
        return self.words.format_map(parameters) if fits else ""


Topics = Mapping[str, Tuple[Phrase, ...]]
TOPICS: Topics = {
    "See what runs": (
        Phrase("get_release", "what is deployed"),
        Phrase("get_release", "what is deployed for {project}"),
        Phrase("list_versions", "versions of {project}"),
        Phrase("compare_versions", "compare {project}"),
        Phrase("compare_versions", "compare {project} {from_version} {to_version}"),
        Phrase("list_history", "who changed {project}"),
        Phrase("list_events", "show events of {project}"),
        Phrase("dora", "figures of {project}"),
        Phrase("check_setup", "check the setup of {project}"),
    ),
    "Deploy": (
        Phrase("deploy", "deploy first {project} {version}"),
        Phrase("deploy", "deploy canary {project} {version}"),
        Phrase("plan_deploy", "plan canary {project} {version}", {"ring": "canary"}),
        Phrase("plan_deploy", "plan {ring} {project} {version}"),
        Phrase("plan_deploy", "plan production {project}"),
        Phrase("plan_deploy", "plan {ring} {project}"),
        Phrase("deploy_production", "deploy production {project}"),
        Phrase("deploy_production", "deploy production {project} as planned in {plan}"),
        Phrase("promote", "promote {project} to {ring}"),
        Phrase("promote", "promote {project} to {ring} as planned in {plan}"),
        Phrase("promote", "promote {project} {expected} to {ring}"),
        Phrase("set_traffic", "share the requests of {project} evenly", {"share": "even"}),
        Phrase("set_traffic", "send {share} percent of {project} to the canary"),
    ),
    "Approve": (
        Phrase("approve", "approve {project} {version}"),
        Phrase("reject", "reject {project} {version} because {reason}"),
    ),
    "Roll back": (
        Phrase("rollback", "rollback canary {project}", {"ring": "canary"}),
        Phrase("rollback", "rollback production {project}", {"ring": "production"}),
        Phrase("rollback", "rollback {ring} {project}"),
        Phrase("rollback", "rollback {ring} {project} from {expected}"),
    ),
    "Hold (project may be everything)": (
        Phrase("lock_deploys", "lock {project} because {reason}"),
        Phrase("unlock_deploys", "unlock {project}"),
        Phrase("freeze", "freeze {project} because {reason}"),
        Phrase("thaw", "thaw {project}"),
        Phrase("pin_version", "pin {project} to {version} because {reason}"),
        Phrase("unpin_version", "unpin {project}"),
        Phrase("veto_version", "veto {project} {version} because {reason}"),
        Phrase("lift_veto", "lift veto {project} {version} because {reason}"),
    ),
    "In need": (
        Phrase("steal_lock", "steal lock {project} because {reason}"),
        Phrase("break_glass", "break glass {project} {version} as {role} because {reason}"),
        Phrase("break_glass", "break glass {project} {version} on {ring} as {role} because {reason}"),
    ),
    "Hosts": (
        Phrase("provision_host", "provision a host for {project} {ring}"),
        Phrase("provision_host", "provision a host for {project} {ring} from {provider}"),
        Phrase("retire_host", "retire host {host}"),
    ),
    "Begin": (
        Phrase("adopt_release", "adopt {project}"),
        Phrase("show_help", "cicd help"),
    ),
}


def spoken(text: str) -> str:
    """Return *text* with what is said in chat in the place of each command for which there are words."""
    return _COMMAND.sub(_instead, text) if COMMAND in text else text


def help_text() -> str:
    """Return all that can be said, by topic."""
    return "\n".join(
        line
        for topic, phrases in TOPICS.items()
        for line in (f"{topic}:", *(f"  {p.shown}" for p in phrases))
    )


def _instead(found: Match[str]) -> str:
    parameters: Dict[str, str] = {name: value.strip("'\"") for name, value in _GIVEN.findall(found[2])}
    every = (phrase for phrases in TOPICS.values() for phrase in phrases if phrase.action == found[1])
    words = next(filter(None, (phrase.said(parameters) for phrase in every)), "")
    return f"`{words}`" if words else found[0]
