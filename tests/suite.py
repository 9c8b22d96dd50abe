"""
`python -m tests.suite [GROUP ...]`: run the groups of tests, and say what came of them in a few lines.

`long` before them takes the tests marked `long` as well, which not every change runs.

Groups of one lane run one after the other, and the lanes beside each other, since each waits often. What
failed is run once more, by itself; a test that passes then is no failure, but is named as unstable. A test
may only be left out when it needs what no package registry has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.left_out import REASONS

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build" / "tests"
OWN, CLIENT = ROOT / ".venv/bin/python", ROOT / "build/venvs/st2client/bin/python"
SLOWEST = 8


@dataclass(frozen=True)
class Group:
    """Tests that one pytest runs: with which Python, which of them; in what *lane* beside the first one."""

    name: str
    python: Path
    words: tuple[str, ...]
    lane: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        return RESULTS / self.name

    @property
    def log(self) -> Path:
        return ROOT / "build" / f"{self.name}.log"


def sites() -> tuple[str, ...]:
    """Return the files of the acceptance suite that need nothing but a lab of their own."""
    return tuple(sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/acceptance/test_9_*.py")))


NETWORK = os.environ.get("LAB_NETWORK") or "127.77.0"
OTHER_LAB = {"LAB_ROOT": str(ROOT / "build" / "lab-sites"), "LAB_NETWORK": f"{NETWORK[:-1]}1"}
WHOLE_SITES = "--ignore=tests/site"  # `make test-site`: it makes machines for minutes
OTHERS = ("tests/fleet", "tests/fuzz", "tests/histories", "tests/whole")
# So that no lane is much longer than the others.
PARTS = tuple(f"tests/{name}" for name in ("infra", "lab", "package", "status"))
NO_STORIES = ("tests", "--ignore=tests/acceptance")
HAS_OWN_STACKSTORM = bool(os.environ.get("ST2_API_URL"))  # which follows one lab at a time
WARNINGS = ("-W", "default")  # StackStorm's client warns of its own age
SITES = ("stories", {}) if HAS_OWN_STACKSTORM else ("hosts", OTHER_LAB)


def groups(left: str) -> tuple[Group, ...]:
    """Return the groups of all tests but those that the expression *left* of marks names."""
    quick, booted = ("-m", f"not lab and not ({left})"), ("-m", f"lab and not ({left})")
    stories = (*WARNINGS, "-m", f"not ({left})")
    return (
        Group("unit", OWN, (*NO_STORIES, *without(*OTHERS, *PARTS), *quick)),
        Group("lab", OWN, (*NO_STORIES, WHOLE_SITES, *booted), "hosts"),
        Group("sites", CLIENT, (*sites(), *stories), *SITES),
        Group("others", OWN, (*OTHERS, *quick), "hosts"),
        Group("acceptance", CLIENT, ("tests/acceptance", *without(*sites()), *stories), "stories"),
        Group("parts", OWN, (*PARTS, *quick), "stories"),
    )


def without(*paths: str) -> tuple[str, ...]:
    return tuple(f"--ignore={path}" for path in paths)


GROUPS, LONG_GROUPS = groups("faults or long"), groups("faults")


@dataclass
class Outcome:
    """What came of one run of a group; `failed` are pytest's names of tests."""

    code: int
    seconds: float
    failed: list[str] = field(default_factory=list)
    passed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)


def run(group: Group, *words: str, log: Path | None = None) -> Outcome:
    """Run *group* with pytest's further *words*; its output goes to *log*, if any."""
    report = RESULTS / f"{group.name}.xml"
    report.unlink(missing_ok=True)
    argv = [str(group.python), "-m", "pytest", *group.words, *words, f"--junitxml={report}"]
    argv += ["-o", f"cache_dir={group.cache}", "-o", "junit_family=xunit1"]
    environment = {"RELEASE_RUNS": "500", **os.environ, **group.environment}
    began = time.monotonic()
    with (log or Path(os.devnull)).open("w") as file:
        output = file if log else None
        done = subprocess.run(argv, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False)
    failed = last_failed(group) if done.returncode else []
    return read(report, Outcome(done.returncode, time.monotonic() - began, failed))


def read(report: Path, outcome: Outcome) -> Outcome:
    """Add what pytest's *report* counts."""
    for case in xml.parse(report).iter("testcase") if report.is_file() else ():
        left_out, broken = case.find("skipped"), {"failure", "error"} & {child.tag for child in case}
        if left_out is not None:
            outcome.skipped[left_out.get("message", "")] += 1
        outcome.passed += left_out is None and not broken
        outcome.files[case.get("file", "")] += float(case.get("time", 0))
    return outcome


def last_failed(group: Group) -> list[str]:
    """Return the tests that failed when *group* last ran, as pytest keeps them."""
    kept = group.cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(kept.read_text())) if kept.is_file() else []


def lane(groups: Iterable[Group], log: bool) -> dict[str, Outcome]:
    """Run *groups* one after the other, with their output in logs or shown."""
    return {group.name: run(group, "--cache-clear", log=group.log if log else None) for group in groups}


def first_runs(groups: Sequence[Group]) -> dict[str, Outcome]:
    """Run all groups once, the lanes beside each other; the first group's is shown, the others' after it."""
    lanes = {group.lane: [one for one in groups if one.lane == group.lane] for group in groups}
    shown, *others = lanes.values()
    beside = [group for groups in others for group in groups]
    for group in beside:
        say(f"{group.name} runs beside the others and is shown after them; meanwhile: tail -f {group.log}")
    with ThreadPoolExecutor(len(lanes)) as pool:
        later = [pool.submit(lane, groups, True) for groups in others]
        outcomes = lane(shown, False)
        for ended in later:
            outcomes |= ended.result()
    for group in beside:
        sys.stdout.write(group.log.read_text(errors="replace"))
    return outcomes


def again(groups: Sequence[Group], outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    """Run what failed once more, one group after the other."""
    broken = [group for group in groups if outcomes[group.name].failed]
    for group in broken:
        say(f"once more, by themselves: {', '.join(outcomes[group.name].failed)}")
    return {group.name: run(group, "--last-failed", "--last-failed-no-failures=none") for group in broken}


def failures(first: dict[str, Outcome], second: dict[str, Outcome]) -> list[str]:
    """Return the tests that failed twice, and the groups that broke without naming a test."""
    twice = [test for outcome in second.values() if outcome.code for test in outcome.failed]
    broken = [name for name, outcome in first.items() if outcome.code and not outcome.failed]
    return twice + broken + [name for name, outcome in second.items() if outcome.code and not outcome.failed]


def summary(first: dict[str, Outcome], second: dict[str, Outcome]) -> tuple[list[str], bool]:
    """Return what to say of all runs, and whether all is well."""
    failed = failures(first, second)
    unstable = sorted({test for one in first.values() for test in one.failed} - set(failed)) if second else []
    skipped = sum((outcome.skipped for outcome in first.values()), Counter[str]())
    wrong = {reason: number for reason, number in skipped.items() if reason not in REASONS}
    lines = [f"time: {', '.join(f'{name} {minutes(outcome.seconds)}' for name, outcome in first.items())}"]
    lines += [f"slowest: {slowest(first.values())}"]
    lines += [f"left out: {number} tests: {reason}" for reason, number in sorted(skipped.items())]
    lines += [f"wrongly left out: {number} tests: {reason}" for reason, number in sorted(wrong.items())]
    lines += [f"failed: {test}" for test in failed]
    lines += [f"unstable: {test}" for test in unstable]
    passed = sum(outcome.passed for outcome in first.values()) + len(unstable)
    lines += [f"tests: {passed} passed, {len(failed)} failed, {sum(skipped.values())} skipped"]
    return lines, not failed and not wrong


def slowest(outcomes: Iterable[Outcome]) -> str:
    """Return the files whose tests took the longest, each with its time."""
    files = sum((outcome.files for outcome in outcomes), Counter[str]())
    return ", ".join(f"{file} {minutes(seconds)}" for file, seconds in files.most_common(SLOWEST))


def minutes(seconds: float) -> str:
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """Run the groups that *words* name, or all; exit code 0 when no test failed twice."""
    known, names = (LONG_GROUPS, words[1:]) if words[:1] == ["long"] else (GROUPS, words)
    groups = [group for group in known if not names or group.name in names]
    RESULTS.mkdir(parents=True, exist_ok=True)
    first = first_runs(groups)
    lines, is_well = summary(first, again(groups, first))
    for line in lines:
        say(line)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
