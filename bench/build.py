"""What build and publish cost: the bare tools by hand against the pack, interleaved, on a lab's hosts."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "actions" / "lib"))

from cicd import config, identifiers  # noqa: E402
from cicd.package import build as steps  # noqa: E402
from cicd.package import project_build  # noqa: E402
from cicd.package.build_hosts import Builders  # noqa: E402
from cicd.package.built import Package  # noqa: E402
from cicd.package.clearance import Clearance  # noqa: E402
from cicd.package.tree import Tree  # noqa: E402
from cicd.release.host import Host  # noqa: E402
from cicd.repository.publish import publish  # noqa: E402
from tests.announcer import announcer  # noqa: E402
from tests.package.publishing import RepositoryHost, deb  # noqa: E402

LAB = Path(os.environ.get("LAB_ROOT") or ROOT / "build" / "lab")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
GROWTH = (1, 100, 200)
BUILD = """#!/bin/sh
set -eu
cp -R *.py script "$CICD_OUTPUT"
python3 -m compileall -q --invalidation-mode unchecked-hash "$CICD_OUTPUT"
"""
BY_HAND = ROOT / "bench" / "by_hand"


class Bench:
    """A running lab, a project with its own bare repository there, and its newest commit."""

    def __init__(self, name: str, files: int, build: str = "") -> None:
        self.name = name
        world = json.loads((LAB / "world.json").read_text())
        self.ssh = ["ssh", "-F", world["ssh"]["config"]]
        self.scp = ["scp", "-q", "-F", world["ssh"]["config"]]
        self.builder, self.publisher = world["package"]["driver"], world["repository"]["driver"]
        infra = next(host for host in world["hosts"] if host["role"] == "infra")
        self.url = f"ssh://cicd@{infra['address']}:{world['ssh']['port']}/home/cicd/bench/bench/{name}.git"
        values = yaml.safe_load((LAB / "configs" / "cicd.yaml").read_text())
        values["projects"] = {name: {"repository": f"bench/{name}"}}
        values["source"] = {"clone_url": self.url.replace(f"bench/{name}.git", "{repository}.git")}
        self.settings = config.parse(values)
        self.project = self.settings.project(name)
        self.clone = announcer(Path(tempfile.mkdtemp()) / name, name)
        self._prepare(files, build, world)

    def _prepare(self, files: int, build: str, world: dict[str, Any]) -> None:
        key = (LAB / "secrets" / "build.pub").read_text()
        self.on(
            "infra1",
            f"git init -q --bare -b main bench/bench/{self.name}.git; cat >>.ssh/authorized_keys",
            key,
        )
        for number in range(files):
            path = self.clone / "tree" / f"{number % 50}" / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * 40)
        if build:
            script = self.clone / "script" / "build"
            script.write_text(build)
            script.chmod(0o755)
        git(self.clone, "init", "-q", "-b", "main")
        command = f"ssh -F {world['ssh']['config']}"
        git(self.clone, "config", "core.sshCommand", command)

    def on(self, host: str, command: str, stdin: str = "") -> str:
        return run(*self.ssh, host, command, input=stdin)

    def script(self, host: str, name: str, *arguments: str) -> None:
        """Run by_hand/*name*.sh on *host*."""
        words = " ".join(shlex.quote(word) for word in arguments)
        self.on(host, f"sh -s -- {words}", (BY_HAND / f"{name}.sh").read_text())

    def commit(self) -> str:
        (self.clone / "change").write_text(uuid.uuid4().hex)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-qm", "Change")
        git(self.clone, "push", "-q", self.url, "+HEAD:main")
        return git(self.clone, "rev-parse", "HEAD")

    def by_hand(self, commit: str) -> None:
        """What an engineer would type: clone, package, copy, publish, clean."""
        self.script("build1", self.builder, self.url, commit, self.name)
        with tempfile.TemporaryDirectory() as folder:
            run(*self.scp, "build1:hand/out/*.deb", folder)
            name = next(Path(folder).iterdir()).name
            run(*self.scp, f"{folder}/{name}", "infra1:")
        self.script("infra1", self.publisher, name, self.settings.repository.gpg_key)
        self.on("build1", "rm -rf hand")

    def by_pack(self, commit: str) -> None:
        """Steps 7 to 12, as the actions call them."""
        run_id = uuid.uuid4().hex
        builders = Builders(self.settings)
        host: Host = builders.take(run_id, commit)
        where = (self.settings, host, run_id, self.project, commit)
        steps.fetch_commit(*where)
        described = steps.read_metadata(*where)
        tree = project_build.build_tree(*where, described)[0] if described["metadata"]["build"] else Tree()
        built = steps.PackageBuild(*where, described).packages(tree)
        trace = identifiers.trace_tag(self.project.repository, commit)
        package = Package(built["package"], built["version"], commit, trace, built["sha256"], built["file"])
        making = steps.making(self.project, commit, described, [built["builder"]])
        publish(self.settings, self.project, package, host, Clearance(), tree, making)
        builders.give_back(run_id, host.name)
        steps.clean(self.settings, host, run_id)


def run(*words: str, **options: Any) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)[:200]}: {done.stderr[-500:]}")
    return done.stdout


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@lab.invalid", "-c", "commit.gpgsign=false"]
    return run("git", *who, *arguments, cwd=folder).strip()


def timed(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start


def row(what: str, seconds: list[float]) -> dict[str, Any]:
    """Return one row of the table, and print it."""
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    print(f"{what:60} {middle:8.2f} s  ({least:.2f}-{most:.2f}, n={len(seconds)})", flush=True)
    return {
        "what": what,
        "n": len(seconds),
        "median": round(middle, 3),
        "min": round(least, 3),
        "max": round(most, 3),
        "unit": "s",
    }


def compare(name: str, files: int, build: str = "") -> tuple[list[dict[str, Any]], float]:
    """Return rows of both ways, and the pack's overhead: its median over the tools', less one."""
    bench = Bench(name, files, build)
    ways: dict[str, Callable[[str], None]] = {"by hand": bench.by_hand, "by the pack": bench.by_pack}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(ROUNDS + 1):
        for way, work in ways.items():
            commit = bench.commit()
            spent = timed(lambda work=work, commit=commit: work(commit))
            if turn:  # the first fills caches and mirrors
                seconds[way].append(spent)
    tools = f"{bench.builder}+{bench.publisher}"
    rows = [row(f"{name} ({files} more files), {tools}, {way}", values) for way, values in seconds.items()]
    return rows, rows[1]["median"] / rows[0]["median"] - 1


@contextmanager
def repository(driver: str):
    host = RepositoryHost(driver)
    try:
        host.create()
        yield host
    finally:
        host.close()


def growth(driver: str) -> list[dict[str, Any]]:
    """Return how long one publish takes with so many versions present."""
    rows, present = [], 0
    with tempfile.TemporaryDirectory() as folder, repository(driver) as host:
        for wanted in GROWTH:
            fill(host, Path(folder), range(present + 1, wanted))
            package = deb(Path(folder), "app", f"1.0-{wanted}.abcdef0", size=20_000)
            time.sleep(1)  # a publish waits for the second of the last index to end
            rows.append(
                row(f"publish by {driver} with {wanted} versions", [timed(lambda p=package: host.publish(p))])
            )
            present = wanted
    return rows


def fill(host: RepositoryHost, folder: Path, numbers: range) -> None:
    """Put versions in without an index for each of them."""
    for number in numbers:
        package = deb(folder, "app", f"1.0-{number}.abcdef0", size=20_000)
        if host.driver == "aptly":
            host.aptly("repo", "add", "cicd", str(package))
        else:
            run("freight", "add", "-c", str(host.config), str(package), "apt/bookworm", env=host.environment)


def main() -> None:
    """Measure on the running lab, or on one of its own."""
    lab = [sys.executable, "-m", "lab"]
    running = (LAB / "world.json").exists()
    if not running:
        subprocess.run([*lab, "up"], cwd=ROOT, check=True)
    try:
        measure()
    finally:
        if not running:
            subprocess.run([*lab, "down"], cwd=ROOT, check=False)


def measure() -> None:
    rows, ratios = [], {}
    for name, files, build in (("greeter", 0, ""), ("tree", 5000, ""), ("built", 0, BUILD)):
        found, ratio = compare(name, files, build)
        rows += found
        ratios[f"overhead_over_tools_{name}"] = round(ratio, 3)
        ratios[f"overhead_seconds_{name}"] = round(found[1]["median"] - found[0]["median"], 3)
    ratios["overhead_over_tools"] = ratios["overhead_over_tools_tree"]
    for driver in ("aptly", "freight"):
        if shutil.which(driver):
            rows += growth(driver)
    for key, value in ratios.items():
        print(f"{key:60} {value:8.3f}")
    target = ROOT / "build" / "bench" / "build.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    date = datetime.now(UTC).isoformat()
    target.write_text(
        json.dumps(
            {"name": "build", "machine": platform.platform(), "date": date, "rows": rows, "ratios": ratios},
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
