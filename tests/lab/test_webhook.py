"""Deliveries: signed, kept, sent again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.git.webhook import NAME, SECRET_FILE, URL, Webhook, signatures

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def webhook(work, receiver) -> Webhook:
    configure(work, receiver.url)
    return Webhook(work.bare)


def configure(work, url: str) -> None:
    for key, value in {URL: url, NAME: "acme/greeter"}.items():
        subprocess.run(["git", "-C", work.bare, "config", key, value], check=True)
    (work.bare / SECRET_FILE).write_text("s3cret\n")


def test_the_signature_is_the_one_that_github_documents():
    signed = signatures("It's a Secret to Everybody", b"Hello, World!")

    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signed["X-Hub-Signature-256"] == expected


def test_a_delivery_carries_githubs_headers_and_is_kept(webhook, receiver, work):
    delivery = webhook.send("push", {"ref": "refs/heads/main"})

    ((_, headers, body),) = receiver.requests
    assert headers["X-Github-Event"] == "push"
    assert headers["X-Github-Delivery"] == delivery["id"]
    assert headers["X-Hub-Signature-256"] == signatures("s3cret", body)["X-Hub-Signature-256"]
    kept = json.loads((work.bare / "deliveries" / f"{delivery['id']}.json").read_text())
    assert (kept["status"], kept["body"]) == (202, body.decode())


def test_a_redelivery_sends_the_same_bytes_under_the_same_id(webhook, receiver):
    first = webhook.send("push", {"ref": "refs/heads/main"})
    webhook.send("push", {"ref": "refs/heads/other"})

    again = webhook.redeliver(first["id"])

    assert again["id"] == first["id"]
    assert receiver.requests[2][2] == receiver.requests[0][2]
    assert len(again["attempts"]) == 2


def test_nothing_can_be_redelivered_before_there_was_a_delivery(webhook):
    with pytest.raises(LookupError, match="nothing was delivered"):
        webhook.redeliver()


@pytest.mark.parametrize("status", [401, 500])
def test_a_refused_delivery_is_kept_with_its_status(webhook, receiver, status):
    receiver.status = status

    assert webhook.send("push", {})["status"] == status


def test_the_hook_lets_the_push_succeed_though_nobody_listens(work):
    configure(work, "http://127.0.0.1:9")
    commit = work.commit({"a": "1"})
    work.push("main")

    done = hook(work, f"{'0' * 40} {commit} refs/heads/main\n")

    assert done.returncode == 0
    assert "NOT delivered" in done.stdout
    assert len(list((work.bare / "deliveries").glob("*.json"))) == 1


def test_the_hook_tells_of_every_ref(work, webhook, receiver):
    commit = work.commit({"a": "1"})
    work.push("main", "HEAD:refs/heads/feature/x")

    hook(work, "".join(f"{'0' * 40} {commit} refs/heads/{name}\n" for name in ("main", "feature/x")))

    assert [body["ref"] for body in receiver.bodies()] == ["refs/heads/main", "refs/heads/feature/x"]


def hook(work, lines: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "lab.git.post_receive"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        argv, cwd=work.bare, env=environment, input=lines, capture_output=True, text=True, check=True
    )
