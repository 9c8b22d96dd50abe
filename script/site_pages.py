"""
Hooks of mkdocs: README is the first page, links out of the pages lead to the repository, if it is known, and
what draws the diagrams is a file of the site.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[((?:[^\]\[]|\[[^\]]*\])*)\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)")
REPOSITORY = os.environ.get("SITE_REPOSITORY", "")  # such as https://git.example.com/ops/cicd/blob/main

DIAGRAM = re.compile(r'<pre class="mermaid">.*?</pre>', re.S)
DRAWS_DIAGRAMS = "assets/javascripts/mermaid.min.js"


def on_files(files: Any, config: Any) -> Any:
    """Add README as the first page."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "index.md", content=(ROOT / "README.md").read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page with links that fit the site."""
    path = "README.md" if page.file.src_uri == "index.md" else f"docs/{page.file.src_uri}"
    return LINK.sub(lambda link: moved(path, link), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Return the page with a frame around each diagram, in which a wide one scrolls."""
    return DIAGRAM.sub(r'<div class="diagram">\g<0></div>', html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Return the page with what draws its diagrams, if it has any; the theme would ask another server."""
    if 'class="mermaid"' not in output:
        return output
    script = posixpath.relpath(DRAWS_DIAGRAMS, posixpath.dirname(page.file.url) or ".")
    return output.replace("</head>", f'<script src="{script}"></script></head>', 1)


def on_post_build(config: Any) -> None:
    """Copy what draws the diagrams into the site."""
    place = find_spec("mermaidx")
    assert place is not None
    assert place.origin is not None
    file = Path(place.origin).with_name("assets") / "mermaid.js"
    shutil.copyfile(file, Path(config.site_dir) / DRAWS_DIAGRAMS)


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
