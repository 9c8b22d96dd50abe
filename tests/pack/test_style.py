"""Pages, messages and descriptions keep to the words of docs/style.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "docs" / "style.md"
PAGES = sorted({*(ROOT / "docs").rglob("*.md"), *ROOT.glob("R*.md"), ROOT / "CONTRIBUTING.md"} - {STYLE})
CODE = ("actions", "sensors", "gateway", "status", "balancer", "cicd_project", "lab", "st2local")
YAML = ("actions", "rules", "aliases", "sensors")
Text = tuple[str, str]  # the place, and what is written there


def banned() -> list[str]:
    """What stands in the column called "not" of the style page's table."""
    table = STYLE.read_text().partition("| idea | write | not |")[2].partition("\n\n")[0]
    return [word for line in table.split("\n") for word in re.findall('"([^"]+)"', line.rpartition(" | ")[2])]


BANNED = re.compile(rf"\b({'|'.join(map(re.escape, banned()))})\b", re.IGNORECASE)


def texts() -> Iterator[Text]:
    for page in PAGES:
        yield from ((f"{page.relative_to(ROOT)}:{at}", line) for at, line in lines(page))
    for folder in YAML:
        yield from (text for path in (ROOT / folder).glob("*.yaml") for text in described(path))
    yield from described(ROOT / "config.schema.yaml")
    for folder in CODE:
        yield from (text for path in (ROOT / folder).rglob("*.py") for text in messages(path))
    for path in (ROOT / "host" / "converge").glob("*.sh"):
        yield from ((f"{path.relative_to(ROOT)}:{at}", said) for at, said in quoted(path))


def lines(page: Path) -> Iterator[tuple[int, str]]:
    return iter(enumerate(page.read_text().split("\n"), 1))


def described(path: Path) -> Iterator[Text]:
    def walk(value: object) -> Iterator[str]:
        for key, one in value.items() if isinstance(value, dict) else ():
            yield from [one] if key == "description" and isinstance(one, str) else walk(one)
        for one in value if isinstance(value, list) else ():
            yield from walk(one)

    return ((str(path.relative_to(ROOT)), one) for one in walk(yaml.safe_load(path.read_text())))


def messages(path: Path) -> Iterator[Text]:
    """Yield every string that is neither a docstring nor one word."""
    tree = ast.parse(path.read_text())
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def quoted(path: Path) -> Iterator[tuple[int, str]]:
    for at, line in lines(path):
        if re.search(r"\b(fail|finish|say|stay|insist|blame) ", line):
            yield at, line


def test_nothing_is_said_in_the_words_that_the_style_page_replaces():
    wrong = [
        f"{where}: {found[0]!r} in: {text.strip()[:120]}"
        for where, text in texts()
        for found in [BANNED.search(text)]
        if found
    ]

    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("text", ["it goes back by itself", "Anyone who MAY: who may", "told to nobody"])
def test_such_a_word_is_found(text):
    assert BANNED.search(text)


def test_every_idea_has_a_word_and_none_is_its_own_replacement():
    table = STYLE.read_text().partition("| idea | write | not |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.strip().split("\n")[1:]]

    assert len(rows) > 20
    assert all(len(row) == 3 for row in rows)
    assert not [row for row in rows if BANNED.search(row[1])]
