"""Configuration, links and names that the pages print fit what reads them."""

import re
from pathlib import Path

import pytest
import yaml

from tests.printed.blocks import CONFIG, against_schema, problems
from tests.printed.commands import registry
from tests.printed.texts import PAGES, ROOT, SPAN, Text, everything, page, paths

FILE = re.compile(r"\.(json|yaml|snap)$")
PAGE_TEXTS = [text for path in paths(*PAGES) for text in page(path)]
BLOCKS = [text for text in PAGE_TEXTS if text.language != SPAN]


def where(text: Text) -> str:
    return text.where


@pytest.mark.parametrize("block", BLOCKS, ids=where)
def test_every_block_is_read_by_what_reads_it_in_earnest(block):
    assert not problems(block), "\n".join([f"{block.where}:", *problems(block)])


@pytest.mark.parametrize(
    ("language", "title", "code", "problem"),
    [
        ("sh", "", "if true; then", "syntax error"),
        ("yaml", "", "no_such_section: {}", "no section no_such_section"),
        ("yaml", "", "projects: {shop: {repository: acme/shop, brunch: main}}", "brunch"),
        ("yaml", "/etc/cicd/projects.d/shop.yaml", "repository: acme/shop\nbrunch: main", "brunch"),
        ("yaml", "gateway.yaml", "listen: {port: 9110, hots: 0.0.0.0}", "hots"),
        ("yaml", "status.yaml", "links: {comit: here}", "comit"),
        (
            "yaml",
            "rules/mine.yaml",
            "name: mine\ntrigger: {type: core.none}\naction: {ref: no.such}",
            "core.none",
        ),
        ("yaml", ".github/workflows/ci.yaml", "run-name: mine\non: push\njobs: {}", "run-name"),
        ("yaml", "prometheus.yml", "scrape_config: []", "scrape_config"),
        ("yaml", "my-alerts.yaml", "groups: [{name: a, rules: [{alert: A, expr: 'up =='}]}]", "parse error"),
        ("yaml", "alertmanager.yml", "receivers: [{nome: a}]", "nome"),
        ("yaml", "strange.yaml", "a: 1", "nothing reads this yaml block"),
        ("json", "", '{"vershun": "1.4.0"}', "vershun"),
        ("json", "POST /alarm/mine", '{"check": "HTTP"}', "project"),
        ("json", "result of cicd.get_release", '{"colour": "green"}', "returns no colour"),
        ("json", "payload of cicd.ring_promotable", '{"project": 5}', "not of type"),
        ("hcl", "/etc/consul.d/agent.hcl", "verify_incomming = true", "verify_incomming"),
        ("hcl", "policy.hcl", 'servise "a" {\n  policy = "raed"\n}', "servise"),
        ("haproxy", "", "  use_backend shop if { path_bag / }", "path_bag"),
        ("ini", "mine.service", "[Service]\nExecStart=/bin/true\nRestrat=always", "Restrat"),
        ("icinga", "", 'object ApiUser "cicd" { pasword = "a" }', "pasword"),
        ("text", "", "scrape_configs:\n  - job_name: cicd", "not text"),
        ("yaml", "render.d/mine.yaml", "template: mine.j2\ndestnation: /etc/mine", "destnation"),
        ("jinja", "", "{% if node %}", "endif"),
        ("perl", "", "say 1", "nothing reads this perl block"),
    ],
)
def test_a_mistake_in_a_block_is_named(language, title, code, problem):
    assert problem in "\n".join(problems(Text("page.md:1", code, language, title)))


def test_what_the_sample_of_the_configuration_has_in_comments_is_right_too():
    lines = (ROOT / "cicd.yaml.example").read_text().splitlines()
    opened = "\n".join(re.sub(r"^( *)# (?= *[a-z_]+:( |$)| *- )", r"\1", line) for line in lines)
    values = yaml.safe_load(opened)

    assert not against_schema(values)
    assert {"freeze_windows", "access", "break_glass"} <= set(values)
    assert {"api", "web"} <= set(values["projects"])
    assert "approval" in values["projects"]["greeter"]


def test_every_name_of_the_pack_is_the_name_of_something():
    known = {r.ref.removeprefix("cicd.") for kind in registry().by_kind for r in registry().all(kind)}
    known |= {"skip_ci", "skip_deploy", "paths", "paths_complete"}  # of a push that a gateway reduced
    known |= {path.stem for path in (ROOT / "actions/lib/cicd").rglob("*.py")}
    known |= {"json", "yaml", "list", "hosts"}
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
        if text.language == SPAN and (found := setting.fullmatch(text.code)) and not FILE.search(text.code)
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


@pytest.mark.parametrize(
    "path", paths(*PAGES, "CHANGELOG.md", "docs/reference/*.md"), ids=lambda path: path.name
)
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
