"""What a build archives: as `archiveArtifacts` does, for the patterns that its Jenkinsfile has."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

STEP = re.compile(r"archiveArtifacts\b[^\n]*?artifacts:\s*(['\"])(.+?)\1")


def keep(workspace: Path, archive: Path) -> dict[str, str]:
    """Copy what the Jenkinsfile in *workspace* archives to *archive*, and return the MD5 of each, by path."""
    kept = {}
    for path in sorted(_archived(workspace)):
        name = path.relative_to(workspace).as_posix()
        target = archive / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        kept[name] = hashlib.md5(target.read_bytes(), usedforsecurity=False).hexdigest()
    return kept


def _archived(workspace: Path) -> set[Path]:
    pipeline = workspace / "Jenkinsfile"
    text = pipeline.read_text(errors="replace") if pipeline.is_file() else ""
    patterns = [pattern.strip() for found in STEP.finditer(text) for pattern in found[2].split(",")]
    found = {path for pattern in patterns for path in workspace.glob(pattern)}
    return {path for path in found if path.is_file() and not path.is_symlink()}
