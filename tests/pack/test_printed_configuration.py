"""Configuration, links and names that the pages print fit what reads them."""

import ast
import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from st2local.content import schema
from tests.printed.commands import registry
from tests.printed.texts import PAGES, ROOT, SPAN, Text, everything, page, paths

CONFIG = yaml.safe_load((ROOT / "config.schema.yaml").read_text())
FPM = json.loads((ROOT / "docs" / "fpm.schema.json").read_text())
PAGE_TEXTS = [text for path in paths(*PAGES) for text in page(path)]
BLOCKS = [text for text in PAGE_TEXTS if text.language != SPAN]
LANGUAGES = {"sh", "yaml", "json", "python", "text", "haproxy", "hcl", "mermaid"}


def where(text: Text) -> str:
    return text.where


def refused(values: dict) -> list[str]:
    """Return what the pack's schema has against a part of its configuration."""
    unknown = [f"there is no section {name}" for name in values if name not in CONFIG]
    known = {name: value for name, value in values.items() if name in CONFIG}
    wrong = [message for name, value in known.items() for _, message in schema.errors(value, CONFIG[name])]
    return [*unknown, *wrong]


@pytest.mark.parametrize("block", BLOCKS, ids=where)
def test_every_block_names_its_language_and_can_be_read(block):
    assert block.language in LANGUAGES, f"{block.where}: name its language: {sorted(LANGUAGES)}"
    if block.language == "sh":
        code = re.sub(r"<([a-z-]+)>", r"\1", block.code)
        read = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True, check=False)
        assert read.returncode == 0, f"{block.where}: {read.stderr}"
    if block.language == "python":
        ast.parse(block.code)
    if block.language == "yaml":
        values = yaml.safe_load(block.code)
        of_a_project = not values.keys() <= CONFIG.keys() and isinstance(values.get("repository"), str)
        assert not refused({"projects": {"shop": values}} if of_a_project else values), block.where
    if block.language == "json":
        jsonschema.validate(json.loads(block.code), FPM)


def test_what_the_sample_of_the_configuration_has_in_comments_is_right_too():
    lines = (ROOT / "cicd.yaml.example").read_text().splitlines()
    opened = "\n".join(re.sub(r"^( *)# (?= *[a-z_]+:( |$)| *- )", r"\1", line) for line in lines)
    values = yaml.safe_load(opened)

    assert not refused(values)
    assert {"freeze_windows", "access", "break_glass"} <= set(values)
    assert {"api", "web"} <= set(values["projects"])
    assert "approval" in values["projects"]["greeter"]


def test_every_name_of_the_pack_is_the_name_of_something():
    known = {r.ref.removeprefix("cicd.") for kind in registry().by_kind for r in registry().all(kind)}
    known |= {"skip_ci", "skip_deploy", "paths", "paths_complete"}  # of a push that a gateway reduced
    known |= {path.stem for path in (ROOT / "actions/lib/cicd").rglob("*.py")} | {"yaml", "list"}
    wrong = {
        f"{text.where}: cicd.{name}"
        for text in everything()
        for name in re.findall(r"(?<![\w/.-])cicd\.([a-z_]+)\b(?!\.)", text.code)
        if name not in known
    }

    assert not wrong, "\n".join(sorted(wrong))


def settings(properties: dict, prefix: str = "") -> set[str]:
    """Return the dotted names of all settings below *properties*; any project is `<project>`."""
    found = set()
    for name, prop in properties.items():
        inner = dict(prop.get("properties", {}))
        for of_a_project in prop.get("patternProperties", {}).values():
            inner["<project>"] = of_a_project
        found |= {f"{prefix}{name}", *settings(inner, f"{prefix}{name}.")}
    return found


def test_every_setting_that_a_page_names_is_one_that_is_read():
    sections = "|".join(set(CONFIG) - {"access", "break_glass"})  # these two are open
    setting = re.compile(rf"((?:{sections})(?:\.[a-z_<>]+)+)(?:: .*)?")
    of_the_gateway = (ROOT / "gateway" / "gateway.yaml.example").read_text()
    named = [
        (text.where, re.sub(r"^projects\.[a-z]+", "projects.<project>", found[1]))
        for text in PAGE_TEXTS
        if text.language == SPAN and (found := setting.fullmatch(text.code))
    ]
    wrong = [
        f"{place}: {name}"
        for place, name in named
        if name not in settings(CONFIG) and name.rpartition(".")[2] not in of_the_gateway
    ]

    assert len(named) > 20
    assert not wrong, "\n".join(["config.schema.yaml has no such setting:", *wrong])


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", paths(*PAGES, "CHANGELOG.md"), ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    text = path.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        if "://" in target:
            continue
        file = (path.parent / name) if name else path
        assert file.exists(), f"{path.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{path.name}: {target}"


def test_every_file_of_this_repository_that_a_page_names_is_there():
    folders = {p.name for p in ROOT.iterdir() if p.is_dir()} - {"build", ".git", ".venv", "script"}
    wrong = [
        f"{text.where}: {text.code}"
        for text in PAGE_TEXTS
        if text.language == SPAN
        and text.code.partition("/")[0] in folders
        and re.fullmatch(r"[\w./-]+", text.code)
        if not (ROOT / text.code).exists()
    ]

    assert not wrong, "\n".join(wrong)
