"""Templates read Consul's data, and nothing of it becomes more than data."""

from __future__ import annotations

from pathlib import Path

import pytest

from follow.errors import FollowError
from tests.render.consuls import instance, key, render, tree, write

HOSTILE = 'x\n  server evil 10.6.6.6:80 # "{{ 7 * 7 }}" %[src] ${HOME}'
ANSWERS = {
    "catalog/services": {"web": ["b", "a"], "db": [], HOSTILE: []},
    "catalog/nodes": [
        {"Node": "n2", "Address": "10.0.0.2", "Meta": None},
        {"Node": "n1", "Address": "::1", "Meta": {}},
    ],
    "health/service/web?tag=a&passing=1": [
        instance("n2", "web", 80, "a"),
        instance("n1", "web", 81, "a", zone="z1"),
    ],
    "health/service/db": [instance("n1", "db", 5432)],
    "kv/a%20key": [key("a key", HOSTILE)],
    "kv/plain": [key("plain", "{{evil}}")],
    **tree("site", {"b": "2", "a/x": "1"}),
}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (
            "{% for x in services() if x.name is word %}{{ x.name }} {{ x.tags | length }}\n{% endfor %}",
            "db 0\nweb 2\n",
        ),
        (
            '{% for x in service("web", tag="a") %}{{ x.node }} {{ x.address }}:{{ x.port }}\n{% endfor %}',
            "n1 10.0.0.1:81\nn2 10.0.0.1:80\n",
        ),
        ('{% for one in service("db", passing=false) %}{{ one.id }}{% endfor %}', "db"),
        ("{% for one in nodes() %}{{ one.name }}={{ one.address }},{% endfor %}", "n1=::1,n2=10.0.0.2,"),
        ('{% for name, value in tree("site").items() %}{{ name }}={{ value }},{% endfor %}', "a/x=1,b=2,"),
        ('{{ kv("gone", "5s") }}', "5s"),
        ('{{ kv("a key") | json }}', '"x\\n  server evil 10.6.6.6:80 # \\"{{ 7 * 7 }}\\" %[src] ${HOME}"'),
        ('{{ kv("plain") | json }}', '"{{evil}}"'),
        ("{{ vars.bind }} on {{ node }}", ":80 defer-accept on lb1"),
        ("{{ vars.nothing or 7 }}", "7"),
        ("{% macro line(x) %}one {{ x }}\ntwo\n{% endmacro %}{{ line('a') }}", "one a\ntwo\n"),
        ("{% set part %}a b\n{% endset %}{{ part }}", "a b\n"),
    ],
)
def test_what_a_template_can_ask(tmp_path: Path, text: str, made: str):
    assert render(write(tmp_path, text), ANSWERS, bind=":80 defer-accept") == made


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{{ kv("a key") }}', "is not a plain word"),
        ('{{ kv("plain") }}', "is not a plain word"),
        ('{{ kv("a key") | quoted }}', "cannot be quoted"),
        ("{% for one in services() %}{{ one.name }}{% endfor %}", "is not a plain word"),
        ("{% macro line() %}a b{% endmacro %}{{ line() ~ kv('a key') }}", "is not a plain word"),
        ("{% set part %}a b{% endset %}{{ part + kv('a key') }}", "is not a plain word"),
        ("{{ vars.bind ~ kv('a key') }}", "is not a plain word"),
        ("{{ [vars.bind, kv('a key')] | join }}", "is not a plain word"),
        ("{{ '%s' | format(kv('a key')) }}", "is not a plain word"),
        ("{{ kv('a key') | safe }}", "is not a plain word"),
        ("{% filter replace('x', kv('a key')) %}x{% endfilter %}", "a block cannot be filtered"),
        ("{{ kv('gone') }}", "None is not a plain word"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ ''.__class__.__mro__ }}", "is unsafe"),
        ("{{ services.__func__ }}", "unsafe"),
        ("\n\n{{ 1 / 0 }}", "one.j2, line 3: ZeroDivisionError"),
        ("\n{% if %}", "one.j2, line 2: "),
        ("{% include 'gone.j2' %}", "there is no template gone.j2"),
        ("{{ fail('Consul has no project.') }}", "one.j2, line 1: Consul has no project"),
        ("{% for one in range(10000000) %}{% endfor %}", "Range too big"),
    ],
)
def test_what_a_template_cannot_do_is_said_with_its_line(tmp_path: Path, text: str, why: str):
    with pytest.raises(FollowError, match=why):
        render(write(tmp_path, text), ANSWERS, bind=":80 defer-accept")


def test_a_sites_template_replaces_blocks_of_a_shipped_one(tmp_path: Path):
    bind = "{{ super() }}  bind :443 ssl crt /etc/site.pem\n"
    text = '{% extends "haproxy.cfg.j2" %}{% block bind %}' + bind + "{% endblock %}"
    made = render(write(tmp_path, text), {"catalog/services": {"shop": ["shop::app"]}})

    assert "frontend web\n  bind :80\n  bind :443 ssl crt /etc/site.pem\n" in made
    assert "\nbackend shop\n" in made
