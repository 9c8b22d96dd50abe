"""
Read lists of `st2` words as StackStorm's own client does; run by the client's Python.

stdin: {"words": [[...], ...], "actions": {ref: {"parameters": {}, "runner_parameters": {}}}}. stdout: a list
with, for each words, {"error": why the client refuses} or {"parameters": what `st2 run` would send, null for
another command}.
"""

import contextlib
import io
import json
import sys
from types import SimpleNamespace
from typing import Any

from st2client.shell import Shell

SHELL = Shell()


def read(words: list[str], actions: dict[str, Any]) -> dict[str, Any]:
    """Return what the client makes of *words*."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            arguments = SHELL.parser.parse_args(words)
            return {"parameters": parameters(arguments, actions) if words[0] == "run" else None}
    except SystemExit:
        return {"error": said.getvalue().strip().rpartition("\n")[2]}
    except Exception as error:
        return {"error": str(error)}


def parameters(arguments: Any, actions: dict[str, Any]) -> dict[str, Any]:
    """Return what `st2 run` sends to StackStorm for *arguments*."""
    known = actions.get(arguments.ref_or_id)
    if known is None:
        raise ValueError(f"there is no action {arguments.ref_or_id}")
    action = SimpleNamespace(ref=arguments.ref_or_id, parameters=known["parameters"])
    runner = SimpleNamespace(runner_parameters=known["runner_parameters"])
    command = arguments.func.__self__
    return command._get_action_parameters_from_args(action=action, runner=runner, args=arguments)


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump([read(words, asked["actions"]) for words in asked["words"]], sys.stdout)
