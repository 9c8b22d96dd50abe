"""What the scripts on a build host print: lines of `key=value`, with free text in base64. Pure."""

from __future__ import annotations

import base64
import binascii

from cicd.errors import ProjectError


def pairs(output: str) -> dict[str, str]:
    """Return the values of *output* by key."""
    return dict(line.partition("=")[::2] for line in output.splitlines())


def text(encoded: str) -> str:
    """Return the text in *encoded*; what is no UTF-8 in it is replaced."""
    return base64.b64decode(encoded).decode("utf-8", errors="replace")


def fpm_json(encoded: str | None) -> str | None:
    """Return the content of fpm.json, None when there is none; ProjectError when it is no text."""
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise ProjectError("fpm.json is not UTF-8 text.", "Save it as UTF-8 and push again.") from None
