"""Whom a host that leaves traffic by itself counts on, under dash, with what Consul answers."""

import json
import subprocess
from pathlib import Path

import pytest

TURNS = Path(__file__).resolve().parents[2] / "host" / "converge" / "turns.sh"
RINGS = "staging=web::staging canary=web::canary eu=web::eu us=web::us"
FLEET = {
    "stage1": (["web::staging"], "passing"),
    "stage2": (["web::staging"], "critical"),
    "canary1": (["web::canary", "web::eu", "v1"], "passing"),
    "eu1": (["web::eu", "v1"], "passing"),
    "eu2": (["web::eu"], "critical"),
    "us1": (["web::us"], "passing"),
    "lost": (None, "passing"),
}


def entry(name, tags, status):
    return {"Node": {"Node": name}, "Service": {"Tags": tags}, "Checks": [{"Status": status}]}


def counted(folder, tags, answer, name="mine"):
    """Return what the host *name* with *tags* counts: the others, those that serve, and its backend."""
    (folder / "services").write_text(
        json.dumps({"1": {"Service": "web", "Tags": tags}, "2": {"Service": "api"}})
    )
    (folder / "answer").write_text(answer)
    stub = 'consul() { cat "$HERE/answer"; }\n'
    program = f'{stub}{TURNS.read_text()}\ncount_others && echo "$others $serving $backend"'
    variables = {"HERE": folder, "NODE": name, "SERVICE": "web", "RINGS": RINGS, "CONSUL_HTTP_ADDR": ""}
    return subprocess.run(
        ["dash", "-c", program],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()


@pytest.mark.parametrize(
    ("name", "tags", "counts"),
    [
        ("stage1", ["web::staging"], "1 0 staging"),
        ("canary1", ["web::canary", "web::eu", "v1"], "2 1 eu"),
        ("eu1", ["web::eu", "v1"], "2 1 eu"),
        ("us1", ["web::us"], "0 0 us"),
        ("new", ["web::us"], "1 1 us"),
    ],
)
def test_a_host_counts_those_that_carry_a_tag_of_one_of_its_rings(tmp_path, name, tags, counts):
    answer = json.dumps([entry(other, *what) for other, what in FLEET.items()])

    assert counted(tmp_path, tags, answer, name) == counts


@pytest.mark.parametrize("answer", ["", "Permission denied", "{}"])
def test_an_answer_that_is_none_counts_nobody(tmp_path, answer):
    assert counted(tmp_path, ["web::eu"], answer) in ("", "0 0 eu")
