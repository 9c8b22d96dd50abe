"""
The expected failures, each a sentence for an operator.

* CicdError
  x ConfigError      the pack's configuration is incomplete or wrong
  x InputError       a parameter or event has an impossible value
  * Refused          a guard rail said no; nothing was changed
    x Overtaken      a newer deploy has taken over
    x WentBackBadly  a deploy failed, and so did going back from it
  * ConsulError      Consul did not answer as it must
    x UnreadableError  what it has in a key is nothing that can be read
  * CiError          a CI server did not answer as it must, or says the build is not good
    * CiAway         it cannot be reached: worth another try
      x CiSilent     it did not answer, and may have done what was asked
    x CiMissing      the job, build or queue item does not exist there
    x CiMoved        the branch went on: what it builds would be another commit
  * ReceiverError    who is told of a change did not take it
    x GitHubError    GitHub did not answer as it must
    x ReceiverBusy   it is away, or wants less: worth another try
  * ProviderError    who has machines did not do what was asked
    * ProviderBusy   it is away, or wants less: worth another try
      x ProviderSilent  it did not answer, and may have done what was asked
  * HostError        a host could not be reached, or a command failed there
    x HostLost       the host itself failed, not what it was asked: another one may do it
  x ProjectError     the repository breaks the project's contract (scripts, fpm.json)
  x RepositoryError  the APT repository is not what it must be
"""

from __future__ import annotations


class CicdError(Exception):
    """Base of every expected failure: what happened, and what to do next."""

    def __init__(self, message: str, hint: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def as_result(self) -> dict[str, object]:
        """Return the failure as an action's result: `error`, `hint` and what else is known."""
        return {"error": self.message, "hint": self.hint, **self.details}


class ConfigError(CicdError):
    """The pack's configuration is incomplete or wrong."""


class InputError(CicdError):
    """A parameter or event has an impossible value."""


class Refused(CicdError):
    """A guard rail said no; nothing was changed."""


class Overtaken(Refused):
    """A newer deploy, or a rollback, has taken over."""


class WentBackBadly(Refused):
    """A deploy failed, and so did going back from it: people are needed."""


class GivenUp(Refused):
    """The machine is gone, or goes: nobody may write down that it stays."""


class ConsulError(CicdError):
    """Consul did not answer as it must."""


class UnreadableError(ConsulError):
    """What Consul has in a key is nothing that can be read."""


class CiError(CicdError):
    """A CI server did not answer as it must, or says that the build is not good."""


class CiAway(CiError):
    """The CI server cannot be reached: worth another try."""


class CiSilent(CiAway):
    """The CI server did not answer; it may have done what it was asked to do."""


class CiMissing(CiError):
    """The job, build or queue item does not exist."""


class CiMoved(CiError):
    """The branch went on to the commit `head`, and its newest commit is all that can be built."""

    def __init__(self, message: str, hint: str, head: str) -> None:
        super().__init__(message, hint)
        self.head = head


class ReceiverError(CicdError):
    """The receiver of a notice or report did not take it, and will not take it later."""


class ReceiverBusy(ReceiverError):
    """The receiver of a notice or report is away, or wants less: worth another try after `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message, f"It is tried again in {seconds:.0f} s.")
        self.seconds = seconds


class GitHubError(ReceiverError):
    """GitHub did not answer as it must."""


class ProviderError(CicdError):
    """A provider of machines refused what it was asked, or answered nothing that can be read."""


class ProviderBusy(ProviderError):
    """The provider is away, or wants less: worth another try after `seconds`."""

    def __init__(self, message: str, hint: str, seconds: float = 30.0) -> None:
        super().__init__(message, hint, seconds=seconds)
        self.seconds = seconds


class ProviderSilent(ProviderBusy):
    """The provider did not answer; it may have made what it was asked for."""


class HostError(CicdError):
    """A host could not be reached, or a command failed there."""


class HostLost(HostError):
    """The host itself failed, not what it was asked to do: another host may do it."""

    def __init__(self, message: str, hint: str = "", **details: object) -> None:
        super().__init__(message, hint, lost=True, **details)


class ProjectError(CicdError):
    """The repository breaks the project's contract."""


class RepositoryError(CicdError):
    """The APT repository is not what it must be."""
