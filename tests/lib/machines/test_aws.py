"""How a request to AWS is signed: against AWS's own published case, and the file with the keys."""

from pathlib import Path

import pytest

from cicd.errors import ConfigError
from cicd.machines import aws

KEYS = aws.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def test_the_key_of_a_day_is_the_published_one():
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    key = aws._key(KEYS.secret, "20150830/us-east-1/iam/aws4_request")

    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


def test_keys_that_are_temporary_are_signed_with_their_token():
    keys = aws.Credentials(KEYS.key, KEYS.secret, "session")
    headers = aws.signed(
        keys, "https://ec2.eu-central-1.amazonaws.com/", b"a=b", "eu-central-1", "ec2", "20261129T204500Z"
    )

    assert headers["x-amz-security-token"] == "session"
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in headers["Authorization"]
    assert "Credential=AKIDEXAMPLE/20261129/eu-central-1/ec2/aws4_request" in headers["Authorization"]


def test_nothing_that_is_printed_has_the_secret():
    assert KEYS.secret not in repr(KEYS)


@pytest.mark.parametrize(
    "text", ["", "x", "[default]\n", "[default]\naws_access_key_id = a\n", "[work]\n", "\udcff"]
)
def test_a_file_without_both_keys_is_refused_by_name(tmp_path: Path, text: str):
    (tmp_path / "credentials").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=r"credentials cannot be used: it lacks \[default\] with both keys"):
        aws.read(str(tmp_path / "credentials"))
