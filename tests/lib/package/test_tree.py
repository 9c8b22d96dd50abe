"""Which links a project's build may make."""

import pytest

from cicd.allowed import NOTHING_MORE, Allowed
from cicd.package.tree import Tree, parse, stray_links


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("venv/bin/python3", "/usr/bin/python3"),
        ("node_modules/.bin/x", "../x/cli.js"),
        ("a/b/c", "../.."),
        ("current", "/opt/shop/releases/1"),
        ("log", "/var/log/shop"),
        ("log", "../../var/log/shop/today"),
        ("out", "/dev/null"),
        (".", "."),
    ],
)
def test_a_link_within_the_projects_own_or_to_the_hosts_programs_is_let(path, target):
    assert list(stray_links([(path, target)], "shop", "/opt/shop", NOTHING_MORE)) == []


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a", "/etc/shadow"),
        ("a", "../../etc/shadow"),
        ("a/b", "../../../root/.ssh"),
        ("a", "/usr/../etc/passwd"),
        ("a", "/build/source/x"),
        ("a", "/usrlocal"),
        ("a", "/"),
    ],
)
def test_a_link_elsewhere_is_named(path, target):
    assert list(stray_links([(path, target)], "shop", "/opt/shop", NOTHING_MORE)) == [f"{path} -> {target}"]


def test_an_operator_lets_a_project_link_to_more():
    links = [("certificates", "/etc/ssl/certs")]

    assert list(stray_links(links, "shop", "/opt/shop", Allowed(paths=("/etc/ssl",)))) == []


def test_a_tree_is_the_same_after_its_way_through_a_workflow():
    tree = Tree("build", "a" * 64, "none")

    assert parse(tree.as_json()) == tree
    assert parse({}) == Tree()
