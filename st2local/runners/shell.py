"""Runners `local-shell-cmd` and `local-shell-script`."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from typing import Any

from st2local import process
from st2local.engine import statuses
from st2local.engine.execution import Outcome
from st2local.runners.call import Call
from st2local.values import Values

SIGKILL, SIGTERM = -9, -15


def run_command(call: Call) -> Outcome:
    """Run the command of parameter `cmd` with bash."""
    return _run(call, ["bash", "-c", str(call.runner_parameters.get("cmd") or "")])


def run_script(call: Call) -> Outcome:
    """Run the action's script, its parameters as arguments."""
    with contextlib.suppress(OSError):
        os.chmod(call.entry_point, os.stat(call.entry_point).st_mode | 0o111)
    return _run(call, [call.entry_point, *script_arguments(call)])


def script_arguments(call: Call) -> list[str]:
    """Return named arguments (`--name=value`), then those with a position."""
    schemas = call.action.data.get("parameters") or {}
    operator = call.runner_parameters.get("kwarg_op") or ""
    placed = {n: p["position"] for n, p in schemas.items() if isinstance(p, dict) and "position" in p}
    named: list[str] = []
    for name, value in call.parameters.items():
        if name in placed or value is None or value == "":
            continue
        if isinstance(value, bool):
            named.extend([f"{operator}{name}"] if value else [])
        else:
            named.append(f"{operator}{name}={_text(value)}")
    ordered = sorted(placed, key=lambda name: float(placed[name]))
    return named + [_positional(call.parameters.get(name)) for name in ordered]


def _positional(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _run(call: Call, argv: list[str]) -> Outcome:
    wanted = call.runner_parameters
    password = wanted.get("sudo_password")
    if wanted.get("sudo"):
        flags = ["-S"] if password else ["-n"]
        command = argv[-1] if argv[1:2] == ["-c"] else shlex.join(argv)
        argv = ["sudo", *flags, "-E", "-H", "--", "bash", "-c", command]
    with call.token() as token:
        done = process.run(
            argv,
            env={**os.environ, **call.own_environment(), **call.environment(token)},
            cwd=wanted.get("cwd") or None,
            timeout=wanted.get("timeout"),
            stdin=f"{password}\n".encode() if password else None,
            on_output=call.on_output,
            on_start=call.on_start,
        )
    return _outcome(done, wanted.get("timeout"))


def _outcome(done: process.Completed, timeout: Any) -> Outcome:
    code = SIGKILL if done.timed_out else done.exit_code
    succeeded = code == 0
    result: Values = {
        "failed": not succeeded,
        "succeeded": succeeded,
        "return_code": code,
        "stdout": done.stdout.rstrip("\n"),
        "stderr": done.stderr.rstrip("\n"),
    }
    if done.timed_out:
        result["error"] = f"Action failed to complete in {timeout} seconds"
    status = {0: statuses.SUCCEEDED, SIGKILL: statuses.TIMEOUT, SIGTERM: statuses.ABANDONED}
    return status.get(code, statuses.FAILED), decode_output(result)


def decode_output(result: Values) -> Values:
    """Return the result with `stdout` and `stderr` parsed where they are JSON, as StackStorm does."""
    for stream in ("stdout", "stderr"):
        with contextlib.suppress(ValueError, TypeError):
            result[stream] = json.loads(result[stream])
    return result
