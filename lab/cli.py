"""The command line: `python -m lab up|down|status|describe|cloud|reload|project|host|datacenter|…`."""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path
from types import FrameType

from lab import description, machine, projects, proxies, state
from lab.consul import datacenter
from lab.digitalocean import account
from lab.down import down, power_off
from lab.errors import LabError, Unfit
from lab.git.server import BARE
from lab.git.webhook import URL as HOOK_URL
from lab.hosts.container import Container
from lab.hosts.fleet import base_of
from lab.lock import held, interrupt_start
from lab.places import Places
from lab.progress import complain, say, show
from lab.project import GITHUB_ACTIONS, JENKINS
from lab.stackstorm import engine
from lab.stand_in.unit import LIBRARY
from lab.up import up
from lab.world import World

EPILOG = "Exit status: 0 done, or all parts answer; 1 refused or failed; 2 wrong usage; 130 interrupted."


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or failed, 130 interrupted."""
    # SIGINT, too: a shell starts background commands with it ignored.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    os.umask(0o022)  # what hosts' users must read is written by us
    options = parser().parse_args(arguments)
    try:
        world = World.from_environment()
        proxies.bypass(world)
        return int(options.run(options, Places.from_environment(), world))
    except Unfit as unfit:
        for problem in unfit.problems:
            complain(str(problem))
    except LabError as error:
        complain(str(error))
    except KeyboardInterrupt:
        complain("interrupted; nothing of the lab was left running")
        return 130
    return 1


def _up(_options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    with held(places.lock_file):
        fresh = up(places, world)
    if not fresh:
        say("the lab is up already")
    show(description.guide(places, world))
    return 0


def _down(_options: argparse.Namespace, places: Places, _world: World) -> int:
    machine.check_root()
    interrupt_start(places.lock_file)
    with held(places.lock_file):
        ran = down(places)
    say("the lab is down" if ran else "there was no lab to take down")
    return 0


def _status(_options: argparse.Namespace, places: Places, _world: World) -> int:
    found = state.read(places)
    if not found.finished:
        show("half dead: run `make lab-down`" if found.running else "down")
        return 1
    for name, (address, answers) in found.parts.items():
        show(f"{name:<9} {address:<19} {'answers' if answers else 'DOES NOT ANSWER'}")
    for name in found.off:
        show(f"{name:<9} switched off")
    return 0 if found.healthy else 1


def _describe(_options: argparse.Namespace, places: Places, world: World) -> int:
    if places.world_file.exists():
        show(json.dumps(json.loads(places.world_file.read_text()), indent=2))
    show(description.guide(places, world))
    return 0


def _host(options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    container = Container(places, world.host(options.name), base_of(places))
    mark = container.folder / "off"
    with held(places.lock_file):
        if options.power == "off":
            mark.touch()
            power_off(places, options.name)
        elif container.init() is None:
            container.start()
            container.wait_booted()
            mark.unlink(missing_ok=True)
    say(f"{options.name} is {options.power}")
    return 0


def _datacenter(options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    base = base_of(places)
    with held(places.lock_file):
        datacenter.move(
            places, world, options.name, [Container(places, world.host(one), base) for one in options.hosts]
        )
    say(f"{', '.join(options.hosts)} in Consul's datacentre {options.name}")
    return 0


def _cloud(_options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    with held(places.lock_file):
        account.start(places, world)
    say(f"machines can be had of {account.NAME}: st2 run cicd.provision_host project=greeter ring=production")
    return 0


def _redeliver(options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    container = Container(places, world.infra, base_of(places))
    command = ["python3", "-m", "lab.git.redeliver", BARE, *([options.id] if options.id else [])]
    show(container.run("env", f"PYTHONPATH={LIBRARY}", *command, user="git").strip())
    return 0


def _hook(options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    container = Container(places, world.infra, base_of(places))
    key = (places.secrets / "st2_api_key").read_text().strip()
    api = json.loads(places.world_file.read_text())["stackstorm"]["api_url"]
    urls = {
        "gateway": f"{world.gateway_url}/github",
        "stackstorm": f"{api}/webhooks/cicd/github?st2-api-key={key}",
        "nobody": f"http://{world.control}:9/github",
    }
    container.run("git", "-C", BARE, "config", HOOK_URL, urls[options.to], user="git")
    say(f"pushes are reported to {options.to}")
    return 0


def _project_add(options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    with held(places.lock_file):
        added = projects.add(places, world, options.folder, options.directories, options.ci)
    for one in added:
        show(description.project_guide(places, world, one))
    return 0


def _project_create(options: argparse.Namespace, places: Places, world: World) -> int:
    machine.check_root()
    with held(places.lock_file):
        made = projects.create(places, world, options.folder)
    show(
        f"st2 run cicd.add_project project={made.name} repository={made.repository} like=greeter "
        f"port={made.port} unit={made.unit}"
    )
    return 0


def _reload(_options: argparse.Namespace, places: Places, _world: World) -> int:
    with held(places.lock_file):
        engine.reload(places)
    say("StackStorm has read the pack and its configuration again")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about = "A throw-away world on one machine."
    top = argparse.ArgumentParser(prog="python -m lab", description=about, epilog=EPILOG)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    plain = {
        "up": (_up, "start everything and leave it running"),
        "down": (_down, "end everything; safe at any time"),
        "status": (_status, "say what answers; exit code 0 when all does"),
        "describe": (_describe, "print world.json and what to try"),
        "cloud": (
            _cloud,
            "start a stand-in for a cloud, whose machines really boot",
        ),
        "reload": (_reload, "let StackStorm read the pack and configs/cicd.yaml again"),
    }
    for name, (run, text) in plain.items():
        commands.add_parser(name, help=text).set_defaults(run=run)
    project = commands.add_parser("project", help="another project next to greeter")
    commands_of_it = project.add_subparsers(required=True, metavar="COMMAND")
    create = commands_of_it.add_parser(
        "create", help="make its repository and clone alone, for cicd.add_project"
    )
    create.add_argument("folder", type=Path)
    create.set_defaults(run=_project_create)
    add = commands_of_it.add_parser(
        "add", help="take the project in a folder, a git repository or not, into the running lab"
    )
    add.add_argument("folder", type=Path)
    add.add_argument("directories", nargs="*", help="where its projects are, when it has several")
    add.add_argument("--ci", choices=(JENKINS, GITHUB_ACTIONS), default=JENKINS, help="what builds it")
    add.set_defaults(run=_project_add)
    hook = commands.add_parser(
        "hook", help="report pushes to the gateway, to StackStorm itself, or to no one"
    )
    hook.add_argument("to", choices=("gateway", "stackstorm", "nobody"))
    hook.set_defaults(run=_hook)
    host = commands.add_parser("host", help="switch a host off or on; its disk stays")
    host.add_argument("name")
    host.add_argument("power", choices=("off", "on"))
    host.set_defaults(run=_host)
    own = commands.add_parser(
        "datacenter",
        help="move app hosts to their own Consul datacentre, joined with `lab`; or back there",
    )
    own.add_argument("name")
    own.add_argument("hosts", nargs="+", help="the first one has its server")
    own.set_defaults(run=_datacenter)
    redeliver = commands.add_parser("redeliver", help="send a webhook delivery again; the newest without ID")
    redeliver.add_argument("id", nargs="?", default="")
    redeliver.set_defaults(run=_redeliver)
    return top


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
