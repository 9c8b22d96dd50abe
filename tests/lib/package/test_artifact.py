"""What CI archived becomes a tree: which file is meant, and what of it is refused."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from cicd.errors import ProjectError
from cicd.package import artifact

ARCHIVED = {"dist/app.tar.gz": "a" * 64, "dist/doc/read.txt": "b" * 64, "report.xml": "c" * 64}


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = kind, link, mode
    return found


def a_tar(path: Path, *entries: tarfile.TarInfo, content: bytes = b"x", mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for one in entries:
            one.size = len(content) if one.isreg() else 0
            tar.addfile(one, io.BytesIO(content) if one.isreg() else None)
    return path


def tree(files: dict[str, Path], limit: int = 10**6) -> dict[str, tuple[str, int, str]]:
    target = io.BytesIO()
    artifact.pack(files, target, limit)
    target.seek(0)
    with tarfile.open(fileobj=target) as tar:
        return {
            one.name.removeprefix("output/"): (
                one.linkname or (tar.extractfile(one).read().decode() if one.isreg() else ""),
                one.mode,
                one.type.decode(),
            )
            for one in tar
        }


def test_one_file_is_meant_by_its_name_or_by_a_pattern_and_a_folder_by_its_end():
    assert artifact.chosen("dist/*.tar.gz", ARCHIVED) == {"dist/app.tar.gz": ""}
    assert artifact.chosen("report.xml", ARCHIVED) == {"report.xml": ""}
    assert artifact.chosen("dist/", ARCHIVED) == {
        "dist/app.tar.gz": "app.tar.gz",
        "dist/doc/read.txt": "doc/read.txt",
    }


@pytest.mark.parametrize(
    ("wanted", "said"), [("dist/*", r"2 files \(dist/app"), ("*.zip", "no file of 3"), ("out/", "no file")]
)
def test_anything_but_one_match_is_refused_by_name(wanted, said):
    with pytest.raises(ProjectError, match=said):
        artifact.chosen(wanted, ARCHIVED)


def test_the_digest_is_that_of_the_file_or_of_the_list_of_all():
    one = artifact.chosen("report.xml", ARCHIVED)
    folder = artifact.chosen("dist/", ARCHIVED)

    assert artifact.digest(ARCHIVED, one) == "c" * 64
    assert artifact.digest(ARCHIVED, folder) != artifact.digest(
        {**ARCHIVED, "dist/doc/read.txt": "d" * 64}, folder
    )


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tar_is_unpacked_with_its_links_and_programs(tmp_path, mode):
    entries = [
        entry("./bin", tarfile.DIRTYPE),
        entry("./bin/app", mode=0o755),
        entry("bin/app2", tarfile.LNKTYPE, "./bin/app", 0o755),
        entry("readme"),
        entry("current", tarfile.SYMTYPE, "bin/app"),
    ]

    assert tree({"": a_tar(tmp_path / "app.tar", *entries, mode=mode)}) == {
        "bin": ("", 0o755, "5"),
        "bin/app": ("x", 0o755, "0"),
        "bin/app2": ("x", 0o755, "0"),
        "readme": ("x", 0o644, "0"),
        "current": ("bin/app", 0o755, "2"),
    }


def test_a_zip_is_unpacked_with_its_links_and_programs(tmp_path):
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as zipped:
        for name, mode, text in (
            ("app", stat.S_IFREG | 0o755, "x"),
            ("link", stat.S_IFLNK | 0o777, "app"),
            ("plain", 0, "y"),
        ):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            zipped.writestr(info, text)

    assert tree({"": tmp_path / "app.zip"}) == {
        "app": ("x", 0o755, "0"),
        "link": ("app", 0o755, "2"),
        "plain": ("y", 0o644, "0"),
    }


@pytest.mark.parametrize(("content", "mode"), [(b"#!/bin/sh\n", 0o755), (b"\x7fELFx", 0o755), (b"{}", 0o644)])
def test_another_file_is_packaged_as_it_is_and_a_program_can_be_run(tmp_path, content, mode):
    (tmp_path / "app").write_bytes(content)

    assert tree({"": tmp_path / "app"}) == {"app": (content.decode("latin-1"), mode, "0")}


def test_the_files_of_a_folder_keep_their_places_and_are_not_unpacked(tmp_path):
    packed = a_tar(tmp_path / "x.tar", entry("inside"), mode="w")

    assert set(tree({"x.tar": packed, "doc/read.txt": packed})) == {"x.tar", "doc/read.txt"}


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (entry("/etc/passwd"), "a path that leads out of it"),
        (entry("a/../../b"), "a path that leads out of it"),
        (entry("pipe", tarfile.FIFOTYPE), "a device or a pipe"),
        (entry("device", tarfile.CHRTYPE), "a device or a pipe"),
    ],
)
def test_what_no_package_may_have_is_refused_by_name(tmp_path, odd, said):
    with pytest.raises(ProjectError, match=said):
        tree({"": a_tar(tmp_path / "app.tar", odd)})


def test_what_is_larger_unpacked_than_a_build_may_write_is_refused(tmp_path):
    bomb = a_tar(tmp_path / "app.tar.gz", entry("a"), entry("b"), content=bytes(600_000))

    with pytest.raises(ProjectError, match=r"more than package\.build_disk"):
        tree({"": bomb})
