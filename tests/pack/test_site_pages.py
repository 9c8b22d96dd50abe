"""Links of the pages, as the site has them."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("site_pages", ROOT / "script" / "site_pages.py")
site_pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(site_pages)


def moved(path: str, markdown: str) -> str:
    return site_pages.LINK.sub(lambda link: site_pages.moved(path, link), markdown)


@pytest.mark.parametrize(
    ("path", "written", "there"),
    [
        ("README.md", "[hosts](docs/hosts.md#drift)", "[hosts](hosts.md#drift)"),
        ("docs/rings.md", "[hosts](hosts.md#drift)", "[hosts](hosts.md#drift)"),
        ("docs/rings.md", "[all](../README.md)", "[all](index.md)"),
        ("docs/reference/hosts.md", "[hosts](../hosts.md)", "[hosts](../hosts.md)"),
        ("docs/rings.md", "[here](#drift)", "[here](#drift)"),
        ("docs/rings.md", "[out](https://example.com/a.md)", "[out](https://example.com/a.md)"),
        ("docs/hosts.md", "[infra/consul](../infra/consul)", "infra/consul"),
    ],
)
def test_a_link_leads_to_the_same_page(path, written, there):
    assert moved(path, written) == there


def test_a_link_out_of_the_pages_leads_to_the_repository_when_it_is_known(monkeypatch):
    monkeypatch.setattr(site_pages, "REPOSITORY", "https://git.example.com/ops/cicd/blob/main")

    assert moved("docs/hosts.md", "[it](../infra/consul)") == (
        "[it](https://git.example.com/ops/cicd/blob/main/infra/consul)"
    )
