"""What an action asks StackStorm about itself."""

from cicd.clients.stackstorm import is_asked_in_chat


def test_where_stackstorm_does_not_answer_nobody_asked_in_chat(monkeypatch):
    monkeypatch.setenv("ST2_ACTION_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ST2_ACTION_EXECUTION_ID", "5f0c0000000000000000a11e")

    assert not is_asked_in_chat()
