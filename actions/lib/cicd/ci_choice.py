"""Which CI builds a project, as the configuration says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping

from cicd.config_schema import Problem
from cicd.errors import ConfigError
from cicd.sections import GitHubSettings, JenkinsSettings

JENKINS, GITHUB_ACTIONS = "jenkins", "github_actions"
WORKFLOW = "ci.yaml"


@dataclass(frozen=True)
class CiChoice:
    """The *driver* of a project's CI; GitHub Actions runs the file *workflow* in .github/workflows."""

    driver: str = JENKINS
    workflow: str = WORKFLOW


USUAL_CI = CiChoice()


def parse(given: Mapping[str, Any] | None) -> CiChoice:
    """Return the choice that the key `ci` of a project *given* makes, in which the schema refuses nothing."""
    values = given or {}
    return CiChoice(values.get("driver") or JENKINS, values.get("workflow") or WORKFLOW)


def problems(config: Mapping[str, Any]) -> List[Problem]:
    """Return what *config* lacks of the CI servers that its projects need."""
    drivers = _drivers(config)
    needed = [("jenkins", "url"), ("jenkins", "token_file")] if JENKINS in drivers else []
    needed += [("github", "token_file")] if GITHUB_ACTIONS in drivers else []
    return [Problem(keys, "is missing") for keys in needed if not _value(config, *keys)]


def refuse_unserved(name: str, choice: CiChoice, jenkins: JenkinsSettings, github: GitHubSettings) -> None:
    """Raise ConfigError when the project *name* wants a CI server that the configuration does not name."""
    needed = {
        JENKINS: {"jenkins.url": jenkins.url, "jenkins.token_file": jenkins.token_file},
        GITHUB_ACTIONS: {"github.token_file": github.token_file},
    }
    missing = [key for key, value in needed[choice.driver].items() if not value]
    if missing:
        raise ConfigError(
            f"The CI of {name} is {choice.driver}, and `{missing[0]}` is missing.",
            f"Give it in the pack's configuration, or another `ci` to {name}; docs/ci.md compares them.",
        )


def _drivers(config: Mapping[str, Any]) -> set[str]:
    """A configuration without projects is one that is not written yet: Jenkins is the usual CI."""
    if not config.get("projects") and config.get("projects_dir"):
        return set()  # the files say it
    projects = _mapping(config.get("projects")).values()
    return {str(_mapping(_mapping(one).get("ci")).get("driver") or JENKINS) for one in projects} or {JENKINS}


def _value(config: Mapping[str, Any], section: str, key: str) -> Any:
    return _mapping(config.get(section)).get(key)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
