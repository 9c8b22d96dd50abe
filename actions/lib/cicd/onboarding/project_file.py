"""The project's own file in `projects_dir`: the pack deploys the project as long as it is there."""

from __future__ import annotations

import os
from typing import Iterator

from cicd.errors import ConfigError
from cicd.onboarding.item import MISSING, OTHER, THERE, Item
from cicd.onboarding.wanted import Wanted
from cicd.project_files import ProjectFile, read

MODE = 0o644  # sensors and the status page read it as other users


def items(wanted: Wanted) -> Iterator[Item]:
    """Yield the file."""
    file, found = wanted.file, _found(wanted)
    state = MISSING if found is None else THERE if found.values == wanted.request["definition"] else OTHER
    why = "is there and says something else" if state == OTHER else ""
    yield Item(
        f"the file {file}",
        state,
        lambda: _write(wanted),
        lambda: file.unlink(missing_ok=True),  # a link that leads nowhere, too
        why,
    )


def _found(wanted: Wanted) -> ProjectFile | None:
    files = {file.name: file for file in read(wanted.settings.projects_dir, ())}
    return files.get(wanted.project.name)


def _write(wanted: Wanted) -> None:
    import yaml

    partial = wanted.file.with_name(f".{wanted.file.name}.partial")
    try:
        partial.write_text(
            yaml.safe_dump(dict(wanted.request["definition"]), sort_keys=False), encoding="utf-8"
        )
        partial.chmod(MODE)
        os.replace(partial, wanted.file)
    except OSError as error:
        raise ConfigError(
            f"{wanted.file} cannot be written: {error.strerror}.",
            "Let the user of StackStorm's actions write in that folder.",
        ) from None
