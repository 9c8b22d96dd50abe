"""The files that have the tokens' secrets."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.consul.refusal import Refusal

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def write_missing(path: Path) -> bool:
    """Write a new secret into *path*, unless the file is there; return whether it was written."""
    if path.exists():
        secret(path)
        return False
    with reserved(path) as descriptor:
        fill(descriptor, str(uuid.uuid4()))
    return True


@contextmanager
def reserved(path: Path) -> Iterator[int]:
    """Make the file *path* for its owner only, and remove it again when what is to be in it does not come."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Refusal(
            f"{path} cannot be written ({error.strerror}). Run this as the owner of its folder."
        ) from None
    try:
        yield descriptor
        os.fsync(descriptor)
    except BaseException:
        path.unlink()
        raise
    finally:
        os.close(descriptor)


def fill(descriptor: int, secret: str) -> None:
    """Write *secret* into the file that is open as *descriptor*."""
    os.write(descriptor, f"{secret}\n".encode())


def secret(path: Path) -> str:
    """Return the secret in *path*, which has to be a UUID: Consul takes no other."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise Refusal(
            f"{path} cannot be read ({why}). Run tokens.py without --grant, and make the site."
        ) from None
    if not UUID.fullmatch(text):
        raise Refusal(f"{path} has no UUID. Remove it, run tokens.py without --grant, and make the site.")
    return text
