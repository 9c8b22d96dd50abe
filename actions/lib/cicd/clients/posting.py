"""One HTTP request that tells somebody something: whether it was taken, and when to try again."""

from __future__ import annotations

import functools

from cicd.errors import ReceiverBusy, ReceiverError

TIMEOUT_SECONDS = 10
RETRY_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3600.0
REFUSED = (400, 413, 422)  # this message, now and later


def send(receiver: str, method: str, url: str, body: object, token: str = "") -> None:
    """
    Send *body* as JSON to *url*, with a bearer's *token* if there is one.

    ReceiverBusy when it is worth another try; ReceiverError when this message is refused for good. Errors
    name the *receiver* alone: a URL can be a secret.
    """
    import requests  # it takes long, and few actions tell anybody

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = functools.partial(requests.request, method, url, json=body, headers=headers)
    try:
        # What it answers beside the status is not read, however long it is.
        with request(timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answer:
            status, after = answer.status_code, answer.headers.get("Retry-After", "")
    except (OSError, ValueError) as error:  # requests' own are OSErrors, urllib3's are not; both name the URL
        raise ReceiverBusy(f"{receiver} does not answer ({type(error).__name__}).", RETRY_SECONDS) from None
    if status in REFUSED:
        raise ReceiverError(f"{receiver} refused a notice: {status}.")
    if not 200 <= status < 300:
        raise ReceiverBusy(f"{receiver} answered {status}.", _wait(after))


def _wait(after: str) -> float:
    return min(max(1.0, float(after)), LONGEST_WAIT_SECONDS) if after.isdecimal() else RETRY_SECONDS
