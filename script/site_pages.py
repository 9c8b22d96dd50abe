"""Hooks of mkdocs: README is the first page; a link out of the pages leads to the repository, if known."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[((?:[^\]\[]|\[[^\]]*\])*)\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)")
REPOSITORY = os.environ.get("SITE_REPOSITORY", "")  # such as https://git.example.com/ops/cicd/blob/main


def on_files(files: Any, config: Any) -> Any:
    """Add README as the first page."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "index.md", content=(ROOT / "README.md").read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page with links that fit the site."""
    path = "README.md" if page.file.src_uri == "index.md" else f"docs/{page.file.src_uri}"
    return LINK.sub(lambda link: moved(path, link), markdown)


def moved(path: str, link: re.Match[str]) -> str:
    """Return the *link* that stands in the file *path* of the repository as the site has it."""
    text, target, anchor = link.group(1), link.group(2), link.group(3) or ""
    there = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if there == "README.md":
        there = "docs/index.md"
    if there.startswith("docs/"):
        here = posixpath.dirname(path if path.startswith("docs/") else f"docs/{path}")
        return f"[{text}]({posixpath.relpath(there, here)}{anchor})"
    return f"[{text}]({REPOSITORY}/{there}{anchor})" if REPOSITORY else text
