"""What a request that failed says about whether it was made."""

from __future__ import annotations


def was_not_asked(error: Exception) -> bool:
    """Return whether no connection came about, so that the server cannot have done anything."""
    import requests

    reason = getattr(error.args[0] if error.args else None, "reason", None)
    is_new = type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
    return is_new or isinstance(error, requests.ConnectTimeout)
