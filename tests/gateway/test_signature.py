"""Who is let in."""

import pytest

from gateway.signature import is_signed, is_token
from tests.gateway.wire import COMMIT, SECRETS, TOKEN, call_back, callback, deliver, push, signed

FLIPPED = push().replace(b"greeter", b"greeteR", 1)


@pytest.mark.parametrize("secret", SECRETS)
def test_during_a_rotation_both_secrets_are_good(gateway, secret):
    answer = deliver(gateway, push(), X_Hub_Signature_256=signed(push(), secret))

    assert answer.status_code == 202


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signed(push())[:-1],
        signed(push()) + "0",
        signed(push()).upper(),
        signed(push()).removeprefix("sha256="),
        " " + signed(push())[1:],
        signed(push()).replace("sha256", "sha1"),
        signed(push(), "another-secret"),
        signed(push(), ""),
        signed(FLIPPED),
        "ä",
    ],
)
def test_only_the_signature_of_these_very_bytes_fits(signature):
    secrets = [secret.encode() for secret in SECRETS]

    assert not is_signed(push(), signature, secrets)
    assert not is_signed(push(), None, secrets)
    assert is_signed(push(), signed(push()), secrets)


@pytest.mark.parametrize("given", [None, "", "the-toke", "the-token2", "The-token", "ä"])
def test_only_the_token_itself_fits(given):
    assert not is_token(given, TOKEN)
    assert is_token(TOKEN, TOKEN)


@pytest.mark.parametrize("signature", ["", signed(FLIPPED), "\xe4"])
def test_a_wrong_signature_is_refused_with_one_audit_line(gateway, stackstorm, signature):
    answer = deliver(gateway, push(), X_Hub_Signature_256=signature)

    assert answer.status_code == 401
    assert [(line["decision"], line["delivery"]) for line in gateway.audit] == [("refused", "d1")]
    assert not stackstorm.calls
    assert deliver(gateway, push()).json()["decision"] == "accepted"


@pytest.mark.parametrize("path", ["jenkins", "alarm/consul"])
def test_a_wrong_token_is_refused_with_one_audit_line(gateway, path):
    assert call_back(gateway, callback(), "the-toke", path).status_code == 401
    assert call_back(gateway, callback(), TOKEN, f"{path}?token=wrong").status_code == 202
    assert call_back(gateway, callback(), "", f"{path}?token={TOKEN}").status_code == 202
    assert gateway.audit[0]["decision"] == "refused"


def test_neither_secrets_nor_free_text_are_in_the_audit_lines(gateway):
    deliver(gateway, push(after=COMMIT), delivery="<% x %>")
    deliver(gateway, push(ref="refs/heads/{{ x }}"), delivery="d2")
    call_back(gateway, callback(), "", f"jenkins?token={TOKEN}")

    text = str(gateway.audit)
    assert not [word for word in (TOKEN, *SECRETS, "{{", "<%", "example.com") if word in text]
    fields = {"time", "source", "delivery", "decision", "reason", "repository", "commit"}
    assert all(set(line) == fields for line in gateway.audit)
