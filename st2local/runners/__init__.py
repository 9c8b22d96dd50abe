"""One module per runner type: how an action of that type is carried out."""

from __future__ import annotations

from st2local.runners import http_request, python_script, remote, shell, simple
from st2local.runners.call import Runner

RUNNERS: dict[str, Runner] = {
    "announcement": simple.run_announcement,
    "http-request": http_request.run,
    "inquirer": simple.run_inquirer,
    "local-shell-cmd": shell.run_command,
    "local-shell-script": shell.run_script,
    "noop": simple.run_noop,
    "orquesta": simple.run_orquesta,
    "python-script": python_script.run,
    "remote-shell-cmd": remote.run_command,
    "remote-shell-script": remote.run_script,
}
