#!/usr/bin/env python3
"""
Record `make demo` anew: build/demo.cast, which asciinema plays, and docs/pictures/demo.svg, which moves.

    script/recording_of_demo.py              # as root: runs the demo, some ten minutes
    script/recording_of_demo.py FILE.cast    # only draws that recording

The picture shows the first four of its six stories; waits are shortened, so that it lasts about a minute.
"""

from __future__ import annotations

import json
import os
import pty
import re
import sys
import time
from collections.abc import Iterable, Iterator
from functools import reduce
from html import escape
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CAST, PICTURE = ROOT / "build" / "demo.cast", ROOT / "docs" / "pictures" / "demo.svg"
COLUMNS, ROWS, STORIES = 104, 26, 4
LONGEST_WAIT, WHOLE, LAST = 1.5, 60.0, 6.0  # seconds of the picture
CHARACTER, LINE, MARGIN, BAR = 7.83, 19, 16, 34  # pixels; the font is 13 pixels high
COLOURS = {"1": "b", "2": "d", "31": "r", "32": "g"}
BOLD = "\x1b[1m"
CODE = re.compile(r"\x1b\[(\d*)m")
PICTURE_OF_TERMINAL = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>make demo: commits go from a git push through CI, package and canary to production</title>
<style>
text {{ font: 13px/1 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre }}
text {{ fill: #d7dde3 }} .b {{ font-weight: bold; fill: #fff }} .d {{ fill: #8b98a5 }}
.g {{ fill: #5fd38d }} .r {{ fill: #ff7b72 }}
.column {{ animation: up {seconds}s step-end infinite; transform: {first} }}
@keyframes up {{ {keyframes} }}
@media (prefers-reduced-motion: reduce) {{ .column {{ animation: none; transform: {last} }} }}
</style>
<rect width="{width}" height="{height}" rx="10" fill="#16202a"/>
<g fill="#3b4a58"><circle cx="20" cy="18" r="6"/><circle cx="40" cy="18" r="6"/></g>
<svg {window}><g class="column">
{text}
</g></svg>
</svg>
"""
Moment = tuple[float, str]  # seconds since the beginning, and a line that was complete then


def main(words: list[str]) -> int:
    """Record the demo, or take the recording that is given, and draw it."""
    if words[:1] and (words[0].startswith("-") or len(words) > 1):
        sys.stderr.write((__doc__ or "").lstrip())
        return 2
    status = 0 if words else record(["make", "--silent", "demo"], CAST)
    if status == 0:
        cast = Path(words[0]) if words else CAST
        PICTURE.write_text(picture(shortened(list(first_stories(lines(cast))))))
    return status


def record(command: list[str], file: Path) -> int:
    """Run *command* on a terminal of its own, keep what it shows in *file*, and return its exit code."""
    began, environment = time.monotonic(), {"TERM": "xterm-256color"}
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as cast:
        cast.write(json.dumps({"version": 2, "width": COLUMNS, "height": ROWS, "env": environment}) + "\n")

        def keep(terminal: int) -> bytes:
            output = os.read(terminal, 65536)
            event = (round(time.monotonic() - began, 3), "o", output.decode(errors="replace"))
            cast.write(json.dumps(event, ensure_ascii=False) + "\n")
            return output

        return os.waitstatus_to_exitcode(pty.spawn(command, keep))


def lines(cast: Path) -> Iterator[Moment]:
    """Yield each line of the recording *cast*, with the second at which it was complete."""
    yield 0.0, "\x1b[1m$ make demo\x1b[0m"
    rest, places = (
        "",
        {os.environ.get("LAB_ROOT") or str(ROOT / "build" / "lab"): "build/lab", str(ROOT): "."},
    )
    for event in map(json.loads, cast.read_text().splitlines()[1:]):
        *complete, rest = (rest + event[2]).replace("\r\n", "\n").split("\n")
        for line in complete:
            yield event[0], reduce(lambda text, place: text.replace(place, places[place]), places, line)


def first_stories(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Yield *moments* until the stories that are shown have ended; a line of its own in bold begins one."""
    titles = 0
    for when, line in moments:
        titles += line.startswith(BOLD) and when > 0
        if titles > STORIES:
            return
        yield when, line


def shortened(moments: list[Moment]) -> list[Moment]:
    """Return *moments* with no long wait between two of them, and all within the length of the picture."""
    times = [0.0]
    for (before, _), (after, _) in pairwise(moments):
        times.append(times[-1] + min(after - before, LONGEST_WAIT))
    pace = min(1.0, WHOLE / max(times[-1], 0.1))
    return [(when * pace, line) for when, (_, line) in zip(times, moments, strict=True)]


def picture(moments: list[Moment]) -> str:
    """Return *moments* as an SVG: one column of text that moves up behind a window, line by line."""
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), BAR + ROWS * LINE + MARGIN
    rows = enumerate(moments, 1)
    text = "\n".join(f'<text y="{n * LINE}">{_coloured(line)}</text>' for n, (_, line) in rows)
    return PICTURE_OF_TERMINAL.format(
        width=width,
        height=height,
        seconds=f"{moments[-1][0] + LAST:.1f}",
        keyframes=_keyframes(moments),
        first=_up(1),
        last=_up(len(moments)),
        window=f'x="{MARGIN}" y="{BAR}" width="{width - MARGIN}" height="{ROWS * LINE}"',
        text=text,
    )


def _keyframes(moments: list[Moment]) -> str:
    """Return where the column stands at each moment, the last of those that are at the same one."""
    whole = moments[-1][0] + LAST
    stands = {f"{100 * when / whole:.2f}": number for number, (when, _) in enumerate(moments, 1)}
    return " ".join(f"{share}% {{ transform: {_up(number)} }}" for share, number in stands.items())


def _up(shown: int) -> str:
    """Return the move that lets *shown* lines be seen, the last one at the bottom."""
    return f"translateY({(ROWS - shown) * LINE - 5}px)"


def _coloured(line: str) -> str:
    """Return *line* as SVG: what the terminal shows bold, dim, green or red is so here."""
    first, *coloured = CODE.split(line.replace("\r", ""))
    parts = [escape(first)]
    for code, words in zip(coloured[::2], coloured[1::2], strict=True):
        name, words = COLOURS.get(code), escape(words)
        parts.append(f'<tspan class="{name}">{words}</tspan>' if name else words)
    return "".join(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
