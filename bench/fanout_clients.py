"""One command on many hosts, once and then again in the same process, by one of several SSH clients.

Arguments: the client's name, a JSON file that describes the fleet. Prints how long each time took.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Fleet = dict[str, Any]


def ours(fleet: Fleet) -> Callable[[], None]:
    from cicd import config
    from cicd.clients.fanout import Fanout
    from cicd.release.host import Host

    ssh = {
        "user": fleet["user"],
        "port": fleet["port"],
        "private_key_file": fleet["key"],
        "known_hosts_file": fleet["known_hosts"],
        "parallel": fleet["parallel"],
    }
    required = {
        "jenkins": {"url": "http://nowhere", "token_file": "/-"},
        "projects": {"x": {"repository": "a/x"}},
    }
    repository = {"url": "http://nowhere", "config_file": "/-", "gpg_key": "-"}
    settings = config.parse({**required, "repository": repository, "ssh": ssh})
    fan = Fanout(settings).__enter__()
    hosts = [Host(address, address) for address in fleet["addresses"]]
    return lambda: fan.run(hosts, fleet["argv"], 60, lambda host, answer: None)


def asyncssh_alone(fleet: Fleet) -> Callable[[], None]:
    import asyncssh

    known = {} if fleet["shipped"] else {"known_hosts": fleet["known_hosts"]}

    async def one(address: str, free: asyncio.Semaphore) -> None:
        async with (
            free,
            asyncssh.connect(
                address,
                fleet["port"],
                username=fleet["user"],
                client_keys=[fleet["key"]],
                config=None,
                **known,
            ) as connection,
        ):
            await connection.run(" ".join(fleet["argv"]))

    async def everywhere() -> None:
        free = asyncio.Semaphore(fleet["parallel"])
        await asyncio.gather(*(one(a, free) for a in fleet["addresses"]), return_exceptions=True)

    return lambda: asyncio.run(everywhere())


def openssh(fleet: Fleet, *options: str) -> Callable[[], None]:
    strict = [] if fleet["shipped"] else ["-o", "StrictHostKeyChecking=yes"]
    base = ["ssh", "-F", "none", "-n", "-i", fleet["key"], "-p", str(fleet["port"]), "-o", "BatchMode=yes"]
    base += ["-o", f"UserKnownHostsFile={fleet['known_hosts']}", *strict, *options]

    def one(address: str) -> None:
        command = [*base, f"{fleet['user']}@{address}", " ".join(fleet["argv"])]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    return lambda: _threads(fleet, one)


def openssh_shared(fleet: Fleet) -> Callable[[], None]:
    sockets = f"{fleet['sockets']}/%C"
    return openssh(
        fleet, "-o", "ControlMaster=auto", "-o", f"ControlPath={sockets}", "-o", "ControlPersist=60"
    )


def fabric_alone(fleet: Fleet) -> Callable[[], None]:
    import paramiko
    from fabric import Config, Connection

    def one(address: str) -> None:
        with Connection(
            address,
            user=fleet["user"],
            port=fleet["port"],
            connect_kwargs={"key_filename": fleet["key"], "look_for_keys": False, "allow_agent": False},
            config=Config(overrides={"load_ssh_configs": False}),
        ) as connection:
            if not fleet["shipped"]:
                connection.client.load_host_keys(fleet["known_hosts"])
                connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
            connection.run(" ".join(fleet["argv"]), hide=True, warn=True, in_stream=False)

    return lambda: _threads(fleet, one)


def _threads(fleet: Fleet, one: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(fleet["parallel"]) as pool:
        for done in [pool.submit(one, address) for address in fleet["addresses"]]:
            if done.exception():
                print(repr(done.exception()), file=sys.stderr)


CLIENTS = {
    "ours": ours,
    "asyncssh": asyncssh_alone,
    "openssh": openssh,
    "openssh_shared": openssh_shared,
    "fabric": fabric_alone,
}


def main(name: str, description: str) -> None:
    fleet = json.loads(Path(description).read_text())
    go = CLIENTS[name](fleet)
    seconds = []
    for _ in range(fleet["times"]):
        began = time.perf_counter()
        go()
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds), flush=True)
    # Closing 100 connections is not what anybody waits for.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
