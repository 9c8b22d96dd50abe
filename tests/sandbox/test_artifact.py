"""What CI archived is brought to a booted build host as the tree that is packaged, or refused."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile

import pytest

from cicd.errors import CicdError, Refused
from tests.sandbox.builder import Builder

pytestmark = [
    pytest.mark.lab,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can boot hosts"),
]


def packed(*names: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 2
            tar.addfile(entry, io.BytesIO(b"x\n"))
    return target.getvalue()


def linked(target: str, beside: str) -> bytes:
    """Return a tar with a link to *target*, and perhaps a file *beside* it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        entry = tarfile.TarInfo("link")
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        tar.addfile(entry)
        if beside:
            tar.addfile(tarfile.TarInfo(beside), io.BytesIO(b""))
    return content.getvalue()


def digests(archived: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in archived.items()}


def test_what_ci_archived_is_the_tree(builder: Builder):
    archived = {"dist/app.tar.gz": packed("bin/app", "readme"), "report.xml": b"<x/>"}
    tree, run = builder.take("dist/*.tar.gz", digests(archived), archived)

    assert builder.tree(run) == {"bin/app": "x\n", "readme": "x\n"}
    assert (tree.source, tree.artifact) == ("artifact", "dist/*.tar.gz")
    assert tree.artifact_sha256 == digests(archived)["dist/app.tar.gz"]


def test_one_byte_that_changed_since_ci_passed_is_refused_with_both_digests(builder: Builder):
    archived = {"app": b"tested"}
    recorded, now = digests(archived)["app"], digests({"app": b"tesTed"})["app"]
    with pytest.raises(Refused, match=f"(?s)app has the sha256 {now} in CI, and had {recorded} when"):
        builder.take("app", digests(archived), {"app": b"tesTed"})


@pytest.mark.parametrize(
    ("link", "beside", "said"),
    [
        ("/etc", "", "not the project's: link -> /etc"),
        ("/home/cicd", "link/file", "cannot be unpacked"),
    ],
)
def test_links_out_of_what_ci_archived_are_refused_and_nothing_is_written_through_them(
    builder: Builder, link: str, beside: str, said: str
):
    archived = {"app.tar": linked(link, beside)}
    with pytest.raises(CicdError, match=said):
        builder.take("app.tar", digests(archived), archived)

    assert "file" not in builder.container.run("ls", "/home/cicd").split()
