"""What builds leave on a build host, day by day: its mirror of one project, by the script that runs there."""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from cicd.clients.scripts import script_text

DAY_SECONDS = 86400
MIRROR_DAYS = 91  # an older mirror is made anew
FOLDERS, FILES_A_FOLDER, FILE_BYTES = 10, 20, 4000
CHANGED = 3  # files of one commit
# What `docs/packages.md` promises: files, however many builds there are; bytes for each build of 90 days.
MOST_FILES = 250
MOST_BYTES_A_BUILD = 8_000
BRANCH = "refs/heads/main"


@dataclass
class BuildHost:
    """A home folder in which commits of a project are fetched and cleaned up, as for builds."""

    folder: Path
    builds: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        self._git("init", "--quiet", "--bare", str(self.origin))
        for key in ("allowFilter", "allowAnySHA1InWant"):
            self._git("config", f"uploadpack.{key}", "true")
        paths = [f"{folder}/{file}" for folder in range(FOLDERS) for file in range(FILES_A_FOLDER)]
        self._import([self._commit(paths)])

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def pass_day(self, per_day: int) -> None:
        """Let *per_day* commits be built, one after the other; then the mirror is a day older."""
        self._import([self._commit(self._changed()) for _ in range(per_day)])
        commits = self._git("rev-list", "--reverse", f"--max-count={per_day}", BRANCH).split()
        for commit in commits:
            self._git("update-ref", "refs/heads/built", commit)
            self._build(commit)
        head = self.home / "mirrors/app.git/HEAD"
        os.utime(head, (head.stat().st_mtime - DAY_SECONDS,) * 2)

    def limits(self, per_day: int) -> dict[str, tuple[float, float]]:
        """Return each figure with the limit that it must stay below."""
        files, size = self.left()
        kept = min(self.builds, per_day * MIRROR_DAYS) + FOLDERS * FILES_A_FOLDER  # the first commit has all
        return {
            "files of a build host": (files, MOST_FILES),
            "bytes of a build host": (size, MOST_BYTES_A_BUILD * kept),
        }

    def left(self) -> tuple[int, int]:
        """Return how many files the home folder has, and their bytes."""
        sizes = [path.stat().st_size for path in self.home.rglob("*") if path.is_file()]
        return len(sizes), sum(sizes)

    def _build(self, commit: str) -> None:
        self.builds += 1
        run = f"r{self.builds}"
        self._script("fetch_commit", run, "app", f"file://{self.origin}", commit, "1800", "", "")
        self._script("clean_build", run)

    def _script(self, name: str, *arguments: str) -> None:
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        command = ["sh", "-c", script_text(name), name, *arguments]
        subprocess.run(command, env=environment, check=True)

    def _changed(self) -> list[str]:
        pick = self._random.randrange
        return [f"{pick(FOLDERS)}/{pick(FILES_A_FOLDER)}" for _ in range(CHANGED)]

    def _commit(self, paths: list[str]) -> str:
        files = "".join(f"M 644 inline {path}\ndata <<END\n{self._text()}\nEND\n" for path in paths)
        return f"commit {BRANCH}\ncommitter Ann <ann@example.com> now\ndata 1\n.\n{files}"

    def _text(self) -> str:
        """Words, which git packs about as well as programs."""
        return " ".join(f"word{self._random.randrange(3000)}" for _ in range(FILE_BYTES // 8))

    def _import(self, commits: list[str]) -> None:
        begun = self._git("for-each-ref", "--format=from %(objectname)", BRANCH).strip()
        first, *others = commits
        first = first.replace("\nM ", f"\n{begun}\nM ", 1) if begun else first
        self._git("fast-import", "--quiet", "--date-format=now", stdin="\n".join([first, *others]))

    def _git(self, *words: str, stdin: str = "") -> str:
        command = ["git", *([] if words[0] == "init" else ["--git-dir", str(self.origin)]), *words]
        return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True).stdout
