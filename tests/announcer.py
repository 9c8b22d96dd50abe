"""Another application than the greeter, made of its code under names of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lab.places import REPOSITORY

VERSION = "7.0.0"


def announcer(folder: Path, name: str) -> Path:
    """Make the application *name*, at version 7.0.0, in *folder* and return it."""
    shutil.copytree(REPOSITORY / "examples" / "greeter", folder)
    unit = (folder / "greeter.service").read_text().replace("greeter", name)
    (folder / f"{name}.service").write_text(unit)
    code = (folder / "greeter.py").read_text().replace("GREETER_HOST", "HOST").replace("GREETER_PORT", "PORT")
    (folder / f"{name}.py").write_text(code)
    described = json.loads((folder / "fpm.json").read_text())
    own = {"version": VERSION, "user": name, "unit": f"{name}.service"}
    (folder / "fpm.json").write_text(json.dumps({**described, **own}))
    return folder
