"""Runner `python-script`: a class of the pack, in a process and virtualenv of its own."""

from __future__ import annotations

import json
import marshal
import math
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from st2local import process
from st2local.config import Configs
from st2local.engine import statuses
from st2local.engine.execution import Outcome
from st2local.errors import RefusedError
from st2local.fork_server import ForkServers
from st2local.runners.call import Call
from st2local.values import Values
from st2local.virtualenvs import Virtualenvs

WRAPPER = Path(__file__).resolve().parent.parent / "wrapper" / "python_action_wrapper.py"
SERVER = WRAPPER.parent.parent.parent
INVALID_STATUS = 220


def run(virtualenvs: Virtualenvs, configs: Configs, servers: ForkServers, call: Call) -> Outcome:
    """Run the action; its parameters and the pack's config go through a pipe, so nobody sees them."""
    if not call.action.data["entry_point"]:
        raise RefusedError(f'Action "{call.action.name}" is missing entry_point attribute')
    virtualenv = virtualenvs.ready(call.action.pack)
    wanted = {
        "pack": call.action.pack,
        "file_path": call.entry_point,
        "parameters": call.parameters,
        "config": configs.get(call.action.pack, call.execution.user),
        "log_level": call.runner_parameters.get("log_level") or "DEBUG",
        "user": call.execution.user,
    }
    environment = _environment(call, virtualenv.directory)
    server = servers.of(call.pack.path, virtualenv, environment)
    with call.token() as token:
        done = process.run(
            [virtualenv.python, "-u", str(WRAPPER)],
            env={**environment, **call.own_environment(), **call.environment(token)},
            cwd=None,
            timeout=call.runner_parameters.get("timeout"),
            stdin=marshal.dumps(json.loads(json.dumps(wanted))),
            on_output=call.on_output,
            on_start=call.on_start,
            message_pipe=True,
            # What is set when Python begins counts for the server alone.
            start=subprocess.Popen if call.own_environment() else server.start,
        )
    return _outcome(done, call.runner_parameters.get("timeout"))


def _environment(call: Call, virtualenv: Path | None) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "VIRTUAL_ENV")}
    library = call.pack.path / "actions" / "lib"
    env["PYTHONPATH"] = str(library)
    if call.pack.built_in:
        # The built-in actions may use the server's own code.
        env["PYTHONPATH"] += f":{SERVER}"
    if virtualenv is not None:
        env["PATH"] = f"{virtualenv / 'bin'}:{env.get('PATH', '/usr/bin:/bin')}"
    return env


def _outcome(done: process.Completed, timeout: Any) -> Outcome:
    if done.exit_code == INVALID_STATUS:
        raise ValueError(done.stderr)
    status, value = _message(done.message)
    result: Values = {
        "stdout": done.stdout,
        "stderr": done.stderr,
        "exit_code": done.exit_code,
        "result": value,
    }
    # StackStorm takes whatever SIGKILL ended for what it has ended itself.
    if done.timed_out or done.exit_code == -signal.SIGKILL:
        result["error"] = f"Action failed to complete in {timeout} seconds"
        return statuses.TIMEOUT, result
    well = done.exit_code == 0 and status is not False
    return statuses.SUCCEEDED if well else statuses.FAILED, result


def _message(message: bytes) -> tuple[bool | None, Any]:
    """Return (status, result); a result that is no JSON is shown as text, as there."""
    size, message = int.from_bytes(message[:8], "big"), message[8:]
    if not message or len(message) != size:
        return None, "None"
    text = message[1:].decode("utf-8", "replace")
    if message[:1] == b"M":
        status, result = marshal.loads(message[1:])
        if _is_json(result):
            return status, json.loads(json.dumps(result))
        if status is not None:
            return status, str(result)
        text = str({"result": result, "status": None})
    match = re.search("'result': (.*?)$", text, re.DOTALL)
    return None, match[1] if match else text


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_json(one) for name, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)
