"""Every code of a host's report, and every exit code of what runs on hosts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from host.build import script
from reference.markdown import code, page, table

TEXT = r'"((?:\$\([^)]*\)|\$\{[^}]*\}|\\.|[^"\\])*)"'
CALL = re.compile(rf'\b(?:fail|finish (?:held|unchanged|converged)|stay) "?([a-z_]+)"? {TEXT}')
SENTENCE = re.compile(rf"\blocal sentence={TEXT}")
VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)[^}]*\}|\$([A-Za-z_]\w*)|\$\{\d[^}]*\}|\$\d|\$\([^)]*\)")
PLACES = {"ETC": "/etc/cicd", "KEPT": "/var/lib/cicd-converge/<project>", "HERE": "/run/cicd/<project>"}
EXITS = (
    ("0", "converged, unchanged or held"),
    ("1", "failed, with a code and a sentence"),
    ("2", "wrong usage, or not run as root"),
)


def hosts() -> str:
    """Return the page: what `cicd-converge` says, by code."""
    said: dict[str, set[str]] = defaultdict(set)
    for word, sentence in _sentences(script()):
        said[word].add(sentence)
    rows = ((code(word), "<br>".join(map(code, sorted(said[word])))) for word in sorted(said))
    lines = ["What to do about each is in [hosts.md](../hosts.md#what-a-failed-run-says).", ""]
    lines += table(("code", "what the host says"), rows)
    return page(
        "Host reports", "`host/converge`", [*lines, "## Exit codes", "", *table(("exit", "meaning"), EXITS)]
    )


def codes() -> list[str]:
    """Return every code that a host can report."""
    return sorted({word for word, _ in _sentences(script())})


def _sentences(program: str) -> Iterator[tuple[str, str]]:
    (shared,) = SENTENCE.findall(program)
    for word, sentence in CALL.findall(program):
        yield word, VARIABLE.sub(_named, (shared if sentence == "$sentence" else sentence).replace("\\", ""))


def _named(variable: re.Match[str]) -> str:
    name = variable.group(1) or variable.group(2)
    return PLACES.get(name, f"<{name.lower()}>") if name else "…"
