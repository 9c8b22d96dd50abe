"""Large answers, read piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    import requests

PIECE_BYTES = 64 * 1024
READ_BYTES = 64 * 1024 * 1024


def copy(answer: requests.Response, write: Callable[[bytes], object], limit: int) -> int:
    """Give *write* the body of *answer*, up to *limit* bytes, and return its size, or more when cut off."""
    size = 0
    with answer:
        for piece in answer.iter_content(PIECE_BYTES):
            size += len(piece)
            if size > limit:
                break
            write(piece)
    return size


def tail(answer: requests.Response) -> str:
    """Return the last 64 KiB of the text of *answer*, of which at most 64 MiB are read."""
    kept, read = b"", 0
    with answer:
        for piece in answer.iter_content(PIECE_BYTES):
            kept, read = (kept + piece)[-PIECE_BYTES:], read + len(piece)
            if read > READ_BYTES:
                break
    return kept.decode("utf-8", "replace")
