"""Runners `remote-shell-cmd` and `remote-shell-script`, over the ssh command of this machine."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from st2local import process
from st2local.datastore import SYSTEM_USER
from st2local.engine import statuses
from st2local.engine.execution import Outcome
from st2local.errors import RefusedError
from st2local.runners.call import Call
from st2local.runners.shell import decode_output, script_arguments
from st2local.values import Values

CONNECT_SECONDS = 10
FAILED_TO_CONNECT = 255
MAX_PARALLEL = 50


def run_command(call: Call) -> Outcome:
    """Run the command of parameter `cmd` on every host."""
    return _on_hosts(call, str(call.runner_parameters.get("cmd") or ""), None)


def run_script(call: Call) -> Outcome:
    """Copy the action's script to every host and run it there."""
    script = Path(call.entry_point)
    target = f"/tmp/{call.execution.id}/{script.name}"
    command = " ".join([shlex.quote(target), *map(shlex.quote, script_arguments(call))])
    return _on_hosts(call, command, script)


def _on_hosts(call: Call, command: str, script: Path | None) -> Outcome:
    hosts = [host.strip() for host in str(call.runner_parameters["hosts"]).split(",") if host.strip()]
    if not hosts:
        raise RefusedError("No hosts specified.")
    workers = min(len(hosts) // 3 + 1, MAX_PARALLEL) if call.runner_parameters.get("parallel") else 1
    with _key_file(call) as key, ThreadPoolExecutor(workers) as pool:
        done = list(pool.map(lambda host: _on_host(call, host, command, script, key, len(hosts) == 1), hosts))
    # One entry a name: ports are lost, as under StackStorm.
    results = {_name_and_port(host)[0]: result for host, result in zip(hosts, done, strict=True)}
    _check_connections(results)
    if all(one["succeeded"] for one in results.values()):
        return statuses.SUCCEEDED, results
    timed_out = all(one.get("timeout") for one in results.values())
    return statuses.TIMEOUT if timed_out else statuses.FAILED, results


def _name_and_port(host: str) -> tuple[str, str | None]:
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and port.isdigit() and "]" not in port else (host, None)


@contextmanager
def _key_file(call: Call) -> Iterator[str | None]:
    """Yield the path of the private key, written to a file for the time when it was given as text."""
    given = call.runner_parameters.get("private_key")
    if not given or "\n" not in given:
        yield os.path.expanduser(given) if given else None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".key") as file:
        file.write(given)
        file.flush()
        yield file.name


def _ssh(call: Call, host: str, key: str | None) -> list[str]:
    wanted = call.runner_parameters
    if wanted.get("password") or wanted.get("passphrase"):
        raise RefusedError("st2local logs in with keys only: leave out password and passphrase")
    name, port = _name_and_port(host)
    port = port or (str(wanted["port"]) if wanted.get("port") else None)
    options = ["-oBatchMode=yes", f"-oConnectTimeout={CONNECT_SECONDS}"]
    # StackStorm accepts every host key; a pack that cares must not use this runner.
    options += ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]
    options += ["-i", key] if key else []
    options += ["-p", port] if port else []
    options += ["-J", wanted["bastion_host"]] if wanted.get("bastion_host") else []
    return ["ssh", *options, "-l", wanted.get("username") or SYSTEM_USER, "--", name]


def _remote_command(call: Call, command: str, script: Path | None) -> str:
    wanted = call.runner_parameters
    env = {**call.own_environment(), **call.environment("")}
    env.pop("ST2_ACTION_AUTH_TOKEN")
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in env.items())
    cwd = shlex.quote(str(wanted.get("cwd") or "."))
    full = f"export {exports} && cd {cwd} && {command}"
    if wanted.get("sudo"):
        full = f"sudo -n -E -H -- bash -c {shlex.quote(full)}"
    if script is None:
        return full
    directory = f"/tmp/{call.execution.id}"
    target = f"{directory}/{script.name}"
    copy = f"mkdir -p {directory} && cat > {shlex.quote(target)} && chmod +x {shlex.quote(target)}"
    return f"{copy} && ( {full} ); code=$?; rm -rf {directory}; exit $code"


def _on_host(
    call: Call, host: str, command: str, script: Path | None, key: str | None, streams: bool
) -> Values:
    done = process.run(
        [*_ssh(call, host, key), _remote_command(call, command, script)],
        env=dict(os.environ),
        cwd=None,
        timeout=call.runner_parameters.get("timeout"),
        stdin=script.read_bytes() if script else None,
        on_output=call.on_output if streams else lambda kind, text: None,
        on_start=call.on_start,
    )
    return _result(done, host)


def _result(done: process.Completed, host: str) -> Values:
    code = -9 if done.timed_out else done.exit_code
    result: Values = {
        "failed": code != 0,
        "succeeded": code == 0,
        "return_code": code,
        "stdout": done.stdout.rstrip("\r\n"),
        "stderr": done.stderr.rstrip("\r\n"),
    }
    if done.timed_out:
        result |= {"timeout": True, "error": "Timed out"}
    elif code == FAILED_TO_CONNECT:
        error = f"Failed connecting to host {_name_and_port(host)[0]}. {result['stderr']}"
        result |= {"timeout": False, "stdout": "", "stderr": "", "error": error}
    return decode_output(result)


def _check_connections(results: dict[str, Values]) -> None:
    """Some hosts may be out of reach, but not all."""
    if all(one["return_code"] == FAILED_TO_CONNECT for one in results.values()):
        errors = "; ".join(one["error"] for one in results.values())
        raise RefusedError(f"Unable to connect to any one of the hosts: {', '.join(results)}. {errors}")
