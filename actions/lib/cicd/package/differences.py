"""How two packages of one commit differ, file by file. Pure."""

from __future__ import annotations

from typing import Iterator, Mapping, NamedTuple

from cicd.package import answers

FIELDS = 5


class Entry(NamedTuple):
    """What a package has at a path: `kind` as find says it, the octal `mode`, the `time` in epoch seconds."""

    kind: str
    mode: str
    time: str
    target: str
    content: str  # sha256 of a file, empty for all else


def parsed(output: str) -> dict[str, Entry]:
    """Return what list_package.sh said a package contains, by path."""
    said = answers.pairs(output)
    words = answers.text(said["entries"]).split("\0")
    lines = (line.partition("  ") for line in answers.text(said["digests"]).split("\0"))
    digests = {path: digest.lstrip("\\") for digest, _, path in lines}
    rows = zip(*(words[number::FIELDS] for number in range(FIELDS)))
    return {path: Entry(kind, mode, at, to, digests.get(path, "")) for path, kind, mode, at, to in rows}


def between(one: Mapping[str, Entry], other: Mapping[str, Entry], names: tuple[str, str]) -> Iterator[str]:
    """Yield each path at which *one* and *other*, built on the hosts *names*, differ, and in what."""
    for path in sorted({*one, *other}):
        if path not in other:
            yield f"{path} (only on {names[0]})"
        elif path not in one:
            yield f"{path} (only on {names[1]})"
        elif one[path] != other[path]:
            changed = (
                name for name in Entry._fields if getattr(one[path], name) != getattr(other[path], name)
            )
            yield f"{path} ({', '.join(changed)})"
