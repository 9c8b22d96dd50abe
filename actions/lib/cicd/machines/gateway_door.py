"""Whether the gateway lets machines join, as far as it is seen from here: machines may reach more."""

from __future__ import annotations

import ssl
from typing import Iterator

from cicd.config import Settings, secret
from cicd.errors import CicdError, ConfigError
from cicd.finding import GOOD, WARNING, WRONG, Finding

TIMEOUT_SECONDS = 10
NOT_FOUND, NO_MACHINE = 404, 400
PROXY = "Let the reverse proxy hand `/join` on, and set `consul` in gateway.yaml; see docs/machines.md."
TRUST = (
    "Let `machines.gateway_ca_file` name the authority that signed it, and `machines.gateway_url` its host."
)


def refuse_closed(settings: Settings) -> str:
    """Return why it is not known to be open, if so; ConfigError when no machine could join."""
    import requests  # it takes long, and few actions need it

    machines = settings.machines
    url = f"{machines.gateway_url.rstrip('/')}/join"
    trust = (secret(machines.gateway_ca_file) and machines.gateway_ca_file) or True
    try:
        answer = requests.post(url, json={}, verify=trust, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.exceptions.SSLError as error:
        raise ConfigError(f"No machine could join: {url} is not believed ({_why(error)}).", TRUST) from None
    except OSError as error:  # requests' own are kinds of OSError
        return f"{url} does not answer here ({type(error).__name__})"
    if answer.status_code == NOT_FOUND:
        raise ConfigError(f"No machine could join: {url} answers {NOT_FOUND}.", PROXY)
    return "" if answer.status_code == NO_MACHINE else f"{url} answers {answer.status_code}"


def findings(settings: Settings) -> Iterator[Finding]:
    """Say whether machines could join; where none are configured, nothing is asked."""
    if not settings.machines.gateway_url or not settings.machines.providers:
        return
    what = "gateway for machines"
    try:
        doubt = refuse_closed(settings)
    except CicdError as error:
        yield Finding(what, WRONG, error.message, error.hint)
        return
    hint = "Look whether machines reach it." if doubt else ""
    yield Finding(what, WARNING if doubt else GOOD, doubt or "answers, and lets machines join", hint)


def _why(error: BaseException) -> str:
    """Return what OpenSSL says, which requests wraps."""
    wrapped = [error]
    for one in wrapped:
        if isinstance(one, ssl.SSLError):
            return str(getattr(one, "verify_message", one))
        within = (*one.args, getattr(one, "reason", None))
        wrapped.extend(each for each in within if isinstance(each, BaseException))
    return type(error).__name__
