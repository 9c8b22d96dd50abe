"""Which services are projects, and that no text in Consul becomes a line of haproxy.cfg of its own."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from render.projects import Project, find
from tests.render.consuls import render, tree

PLACES = {"zzname": "[A-Za-z0-9._-]+", "/zzpath": r"/[A-Za-z0-9._~/-]*", "zzhost": "[a-z0-9.-]+"}
ENDINGS = st.sampled_from(
    ["", "\n", "\r\n  server evil 10.6.6.6:80", ' "', "'", " # ", "{{ 7 * 7 }}", "%[src]", "${HOME}", "\\"]
)
WORDS = st.builds(
    "{}{}{}".format, st.from_regex(r"[A-Za-z/][A-Za-z0-9./-]{0,8}", fullmatch=True), ENDINGS, ENDINGS
)
TEXTS = st.one_of(WORDS, st.text(alphabet=st.characters(exclude_categories=["Cs"])))


def consul(
    services: dict[str, list[str]], health: dict[str, str], names: dict[str, str]
) -> dict[str, object]:
    return {
        "catalog/services": services,
        **tree("cicd/.balancer/health", health),
        **tree("cicd/.balancer/names", names),
    }


def lines() -> re.Pattern[str]:
    """Return what each line is like, from a project whose words are known."""
    known = consul({"zzname": ["zzname::app"]}, {"zzname": "/zzpath"}, {"zzhost": "zzname"})
    found = set()
    for line in render("haproxy.cfg.j2", known, shares="/shares.map", cookie="user").splitlines():
        pattern = re.escape(line)
        for word, place in PLACES.items():
            pattern = pattern.replace(re.escape(word), place)
        found.add(pattern.replace("-m\\ str\\ [A-Za-z0-9._-]+", "-m\\ str(\\ [A-Za-z0-9._-]+)+"))
    return re.compile("|".join(sorted(found)))


LINES = lines()


@given(
    st.lists(st.tuples(TEXTS, TEXTS), max_size=4),
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.dictionaries(TEXTS, TEXTS, max_size=3),
)
def test_no_text_in_consul_becomes_another_line(services, health, names):
    tagged = {"good": ["good::app"], **{name: [f"{name}::app", other] for name, other in services}}
    paths = dict(zip(tagged, health.values(), strict=False))
    hosts = {**names, **dict(zip(names, tagged, strict=False))}
    made = render(
        "haproxy.cfg.j2", consul(tagged, {**health, **paths}, hosts), shares="/shares.map", cookie="user"
    )

    assert [line for line in made.split("\n") if not LINES.fullmatch(line)] == []
    assert "\r" not in made


def test_a_project_is_a_service_with_the_tag_of_the_role():
    services = {"web": ["web::app", "x"], "db": ["x"], "api": ["web::app"], "fe": ["fe::fe"]}
    found, odd = find(
        services, {"web": "/up"}, {"www.example.com": "web", "a.example.com": "web"}, "app", "/health"
    )

    assert found == [Project("web", "web::app", "/up", ("a.example.com", "www.example.com"))]
    assert odd == []


def test_what_is_passed_over_is_named():
    services = {name: [f"{name}::app"] for name in ("web", "web_canary", "a b")}
    found, odd = find(services, {"web": "no path"}, {"WWW": "web"}, "app", "/health")

    assert found == [Project("web", "web::app", "/health", ())]
    assert odd == [
        "The service 'a b' gets no backends: HAProxy has no such name free.",
        "The service 'web_canary' gets no backends: HAProxy has no such name free.",
        "The health of 'web' in Consul is not a path, and not used.",
        "'WWW' in Consul is not a host name in lower case, and not used.",
    ]
