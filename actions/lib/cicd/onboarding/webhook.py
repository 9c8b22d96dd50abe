"""The webhook of the project's repository: GitHub tells the gateway of each push, signed with a secret."""

from __future__ import annotations

from typing import Iterator

from cicd.ci_choice import GITHUB_ACTIONS
from cicd.clients.github import GitHub, Hook
from cicd.config import Settings, secret
from cicd.onboarding.item import LEFT, MISSING, THERE, Item
from cicd.onboarding.wanted import Wanted


def items(wanted: Wanted) -> Iterator[Item]:
    """Yield the webhook; it is left to people where its address, its secret or the token is missing."""
    settings, repository = wanted.settings, wanted.project.repository
    what, lacking = f"the webhook of {repository}", _lacking(settings)
    if lacking:
        yield Item(what, LEFT, why=f"{lacking} is not set")
        return
    github, url = GitHub(settings, administers=True), settings.github.hook_url
    found = _found(github, repository, url)
    hook_secret = settings.administration.webhook_secret_file
    # Runs of GitHub Actions are told by the webhook, those of Jenkins by its own plugin.
    events = ("push", "workflow_run") if wanted.project.ci.driver == GITHUB_ACTIONS else ("push",)
    others = [one.name for one in settings.projects_of(repository) if one.name != wanted.project.name]
    yield Item(
        f"{what} to {url}",
        THERE if found else MISSING,
        lambda: github.create_hook(repository, url, events, secret(hook_secret)),
        lambda: _remove(github, repository, url),
        shared=", ".join(others),
    )


def _lacking(settings: Settings) -> str:
    needed = {
        "github.hook_url": settings.github.hook_url,
        "administration.webhook_secret_file": settings.administration.webhook_secret_file,
        "administration.github_token_file": settings.administration.github_token_file,
    }
    return " and ".join(f"`{name}`" for name, value in needed.items() if not value)


def _found(github: GitHub, repository: str, url: str) -> list[Hook]:
    hooks = github.hooks(repository)
    return [hook for hook in hooks if str((hook.get("config") or {}).get("url", "")).partition("?")[0] == url]


def _remove(github: GitHub, repository: str, url: str) -> None:
    for hook in _found(github, repository, url):
        github.delete_hook(repository, hook["id"])
