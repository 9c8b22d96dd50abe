"""Arrows go one way: rules, workflows, actions, lib/cicd, the world."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "actions" / "lib" / "cicd"
ADAPTERS = {LIBRARY / "action.py": {"st2common"}, LIBRARY / "sensor.py": {"st2common", "st2reactor"}}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", python_files("actions/lib"), ids=lambda p: p.name)
def test_the_library_imports_neither_stackstorm_nor_what_runs_it(path):
    known = {"st2common", "st2reactor", "st2local", "lab", "gateway", "demo"}

    assert imports(path) & known == ADAPTERS.get(path, set())


@pytest.mark.parametrize(
    "path", python_files("st2local", "gateway", "host", "balancer"), ids=lambda p: p.name
)
def test_what_serves_the_pack_knows_nothing_of_it(path):
    assert not imports(path) & {"cicd", "lab", "demo"}


@pytest.mark.parametrize(
    "module",
    [
        "alarms/alarm",
        "release/firing",
        "release/verdict",
        "release/analysis",
        "release/judging",
        "release/host_pattern",
        "analysis/judgement",
        "analysis/consul_checks",
        "analysis/looks",
        "alarms/host_name",
        "release/transitions",
        "release/record",
        "release/guards",
        "release/holds",
        "repository/index_age",
        "package/clearance",
        "release/approvals",
        "release/verification",
        "release/freeze_windows",
        "ci/push",
        "fleet/drift",
        "ci/build_queue",
        "ci/github_push",
        "reports/report",
        "reports/notice",
        "reports/told",
        "release/ring",
        "release/version",
        "package/fpm_json",
        "package/fields",
        "package/files",
        "package/claims",
        "package/checks",
        "package/declared",
        "package/contents",
        "package/unit",
        "package/shape",
        "package/metadata",
        "package/builder_input",
        "package/provenance",
        "package/sbom",
        "package/maintainer_scripts",
        "sanitize",
        "identifiers",
        "release/blame",
        "release/fate",
        "release/going_back",
        "release/stop",
        "release/wanted",
        "deploy/commands",
        "deploy/evidence",
        "deploy/planned",
        "store/change",
        "store/snapshot",
    ],
)
def test_modules_that_decide_or_say_do_no_input_or_output(module):
    reaching = {"requests", "http", "socket", "subprocess", "fabric", "consul", "jenkins", "time", "os"}

    assert not imports(LIBRARY / f"{module}.py") & reaching


PAGE = ROOT / "docs" / "architecture.md"


@pytest.mark.parametrize(
    "place", sorted(set(re.findall(r"`((?:[\w-]+/)+[\w.-]*|\w+\.(?:py|yaml))`", PAGE.read_text())))
)
def test_every_place_that_the_page_names_is_there(place):
    assert any((root / place).exists() for root in (ROOT, LIBRARY)), place


def test_the_page_names_every_room():
    rooms = {path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists()}

    assert rooms == set(re.findall(r"^\| `(\w+)/` \|", PAGE.read_text(), re.MULTILINE))
