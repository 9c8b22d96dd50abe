"""GitHub's REST API: where branches are, and what is told of commits and deployments."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, TypedDict, cast

from cicd.clients.silence import was_not_asked
from cicd.config import Settings, secret
from cicd.errors import GitHubError, ReceiverBusy
from cicd.sanitize import beginning, one_line

if TYPE_CHECKING:
    import requests

TIMEOUT_SECONDS = 15
RETRY_SECONDS = 30
SECONDARY_LIMIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0
DESCRIPTION_LIMIT = 140
PAGE = 100
NO_BRANCH = "404 Branch not found"
DEPLOYMENT_STATES = {"pending": "in_progress", "success": "success", "failure": "failure", "error": "error"}


class Permissions(TypedDict, total=False):
    """What the token may do."""

    push: bool


class RepositoryDocument(TypedDict, total=False):
    """A repository, as far as it is read."""

    default_branch: str
    fork: bool
    archived: bool
    permissions: Permissions


class Account(TypedDict, total=False):
    """A user of GitHub."""

    login: str


class CommitText(TypedDict, total=False):
    """What git has of a commit."""

    message: str


class Head(TypedDict, total=False):
    """The newest commit of a branch; GitHub may know no account of who made it."""

    sha: str
    commit: CommitText
    author: Optional[Account]
    committer: Optional[Account]


class ChangedFile(TypedDict, total=False):
    """A file that differs."""

    filename: str


class Comparison(TypedDict, total=False):
    """How a commit differs from another: `status` is ahead, diverged, …; at most 300 `files`."""

    status: str
    files: List[ChangedFile]


class HookConfig(TypedDict, total=False):
    """Where a webhook delivers to."""

    url: str


class HookResponse(TypedDict, total=False):
    """What the last delivery was answered: an HTTP status, null before the first one."""

    code: Optional[int]


class Hook(TypedDict, total=False):
    """A webhook of a repository, and the names of what it delivers."""

    id: int
    config: HookConfig
    events: List[str]
    last_response: Optional[HookResponse]


class Delivery(TypedDict, total=False):
    """One attempt to deliver an event; `guid` is the same in each attempt."""

    id: int
    guid: str
    event: str
    delivered_at: str
    status_code: int


class GitHubBusy(ReceiverBusy, GitHubError):
    """
    GitHub is down, or wants less: worth another try after `seconds`.

    When it `was_asked` and did not say what came of it, it may have done what was wanted.
    """

    was_asked = True


class GitHub:
    """The API as the configured token sees it."""

    def __init__(self, settings: Settings, administers: bool = False) -> None:
        """Ask with the token that reports, or with the one that *administers* webhooks."""
        own = settings.administration.github_token_file if administers else settings.github.token_file
        self.url = settings.github.api_url.rstrip("/")
        self._token = secret(own)

    @cached_property
    def _session(self) -> requests.Session:
        import requests  # it takes long, and without a token nothing is asked

        session = requests.Session()
        session.headers.update(
            {
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "cicd",
            }
        )
        return session

    @property
    def has_token(self) -> bool:
        """Whether anything can be asked at all."""
        return bool(self._token)

    def repository(self, name: str) -> RepositoryDocument:
        """Return repository *name* (owner/name)."""
        return cast(RepositoryDocument, dict(self.ask("GET", f"repos/{name}")))

    def head(self, repository: str, branch: str) -> Head:
        """Return the newest commit of *branch*."""
        try:
            return cast(Head, dict(self.ask("GET", f"repos/{repository}/branches/{branch}")["commit"]))
        except GitHubError as error:
            if NO_BRANCH not in error.message:
                raise
            hint = "Push a first commit to it, or correct `branch` of the project in the configuration."
            said = f"{repository} has no branch {branch} at GitHub."
            raise GitHubError(said, hint, **error.details) from None

    def compare(self, repository: str, base: str, head: str) -> Comparison:
        """Return how *head* differs from *base*."""
        return cast(Comparison, dict(self.ask("GET", f"repos/{repository}/compare/{base}...{head}")))

    def set_status(self, repository: str, commit: str, context: str, state: str, said: str, url: str) -> None:
        """Set the status *context* of *commit* to pending, success, failure or error, with what is *said*."""
        body = {"state": state, "context": context, "description": beginning(said, DESCRIPTION_LIMIT)}
        self.ask(
            "POST", f"repos/{repository}/statuses/{commit}", {**body, **({"target_url": url} if url else {})}
        )

    def create_deployment(
        self, repository: str, commit: str, environment: str, said: str, is_production: bool
    ) -> int:
        """Return the id of a new deployment of *commit* to *environment*."""
        body = {
            "ref": commit,
            "environment": environment,
            "description": beginning(said, DESCRIPTION_LIMIT),
            "auto_merge": False,
            # The canary is what decides, not what other checks say of the commit.
            "required_contexts": [],
            "production_environment": is_production,
        }
        return int(self.ask("POST", f"repos/{repository}/deployments", body)["id"])

    def set_deployment(self, repository: str, number: int, state: str, said: str, url: str) -> None:
        """Set deployment *number* to what *state*, as of a commit status, means for it."""
        body = {"state": DEPLOYMENT_STATES[state], "description": beginning(said, DESCRIPTION_LIMIT)}
        path = f"repos/{repository}/deployments/{number}/statuses"
        self.ask("POST", path, {**body, **({"log_url": url} if url else {})})

    def hooks(self, repository: str) -> list[Hook]:
        """Return the webhooks of *repository*; the token needs admin:repo_hook."""
        return list(self.ask("GET", f"repos/{repository}/hooks", params={"per_page": PAGE}))

    def create_hook(self, repository: str, url: str, events: Sequence[str], secret: str) -> None:
        """Let GitHub tell *url* of *events* of *repository*, such as push, signed with *secret*."""
        config = {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
        body = {"name": "web", "active": True, "events": list(events), "config": config}
        self.ask("POST", f"repos/{repository}/hooks", body)

    def delete_hook(self, repository: str, hook: int) -> None:
        """Remove the webhook *hook* of *repository*."""
        self.ask("DELETE", f"repos/{repository}/hooks/{hook}")

    def deliveries(self, repository: str, hook: int) -> list[Delivery]:
        """Return the newest attempts to deliver to *hook*, newest first."""
        path = f"repos/{repository}/hooks/{hook}/deliveries"
        return list(self.ask("GET", path, params={"per_page": PAGE}))

    def redeliver(self, repository: str, hook: int, delivery: int) -> None:
        """Ask for one more attempt of *delivery*."""
        self.ask("POST", f"repos/{repository}/hooks/{hook}/deliveries/{delivery}/attempts", {})

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        params: Mapping[str, int | str] | None = None,
    ) -> Any:
        """Return GitHub's answer as JSON; GitHubBusy when it is worth another try, else GitHubError."""
        answer = self._request(method, path, json=body, params=params)
        try:
            return answer.json() if answer.content else {}
        except ValueError as error:
            raise self._silence(error) from None

    def stream(self, path: str) -> requests.Response:
        """Return the open answer with the file at *path*, wherever GitHub keeps it."""
        return self._request("GET", path, stream=True)

    def _request(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            answer = self._session.request(method, f"{self.url}/{path}", timeout=TIMEOUT_SECONDS, **more)
        except OSError as error:  # requests' own are kinds of OSError
            raise self._silence(error) from None
        if not answer.ok:
            raise self._failure(method, path, answer)
        return answer

    def _silence(self, error: Exception) -> GitHubBusy:
        busy = GitHubBusy(f"GitHub at {self.url} does not answer ({type(error).__name__}).", RETRY_SECONDS)
        busy.was_asked = not was_not_asked(error)
        return busy

    def _failure(self, method: str, path: str, answer: requests.Response) -> GitHubError:
        said = f"GitHub at {self.url} refused {method} {path}: {answer.status_code} {_message(answer)}"
        seconds = _wait_of(answer)
        if seconds:
            busy = GitHubBusy(f"{said}.", seconds)
            busy.was_asked = answer.status_code >= 500
            return busy
        hint = "Check that the token may read the repository and write statuses and deployments."
        return GitHubError(f"{said}.", hint, status=answer.status_code)


def _wait_of(answer: requests.Response) -> float:
    """Return for how many seconds GitHub wants to be left alone; 0 when asking again would not help."""
    after, remaining = answer.headers.get("Retry-After", ""), answer.headers.get("X-RateLimit-Remaining")
    if answer.status_code in (403, 429):
        if after.isdigit():
            return _within_limits(float(after))
        if remaining == "0":
            return _within_limits(float(answer.headers.get("X-RateLimit-Reset", "0")) - time.time())
        if "rate limit" in _message(answer).lower():  # the secondary one may come without a header
            return SECONDARY_LIMIT_SECONDS
    return RETRY_SECONDS if answer.status_code >= 500 or answer.status_code == 429 else 0.0


def _within_limits(seconds: float) -> float:
    """GitHub counts by the hour: what is longer comes from two clocks that differ."""
    return min(max(1.0, seconds), LONGEST_WAIT_SECONDS)


def _message(answer: requests.Response) -> str:
    try:
        return one_line(str(answer.json().get("message", "")), 200)
    except (ValueError, AttributeError):
        return one_line(answer.reason or "", 200)
