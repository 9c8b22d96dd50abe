"""Brings a lab up: checks, caches, boots, connects, describes."""

from __future__ import annotations

import shutil
import signal

from lab import description, machine, processes
from lab.base import layer, rootfs
from lab.base.recipe import Recipe
from lab.consul import binary, encryption
from lab.down import down, wipe
from lab.errors import LabError
from lab.git import clone
from lab.git import server as git
from lab.hosts import keys, tools
from lab.hosts.fleet import Fleet
from lab.kernel_limits import KernelLimits
from lab.lock import held
from lab.places import Places
from lab.progress import say, together
from lab.repository.driver import Driver, driver
from lab.stackstorm import engine as stackstorm
from lab.stackstorm import gateway, pack_config, status
from lab.stackstorm.engine import Engine
from lab.state import read
from lab.world import World

CACHE_SECONDS = 900.0  # how long another lab may take to fill the cache


def up(places: Places, world: World) -> bool:
    """Bring the lab up and return True; False when it is up already. Nothing is left behind by a failure."""
    state = read(places)
    if state.running and state.healthy:
        return False
    if state.running:
        raise LabError("A lab of an earlier run is half dead.", "Take it down first: make lab-down")
    engine, found = stackstorm.find(world), tools.find()
    places.claim()
    wipe(places)
    shutil.rmtree(places.logs, ignore_errors=True)
    try:
        _bring_up(places, world, engine, found)
    except BaseException:
        _take_back(places)
        raise
    return True


def _take_back(places: Places) -> None:
    """Take down what was started so far; a second Ctrl-C does not interrupt that."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    processes.close()
    down(places)


def _bring_up(places: Places, world: World, engine: Engine, found: tools.Tools) -> None:
    recipe = Recipe(ruby=found.needs_ruby)
    _check(places, world, engine, recipe)
    publisher = driver(found.publisher)
    say(f"packages are built by {found.builder} and published by {publisher.name}")
    fleet = _fleet(places, world, found, recipe, publisher)
    KernelLimits().take(places, len(world.hosts))
    keys.make(places, world)
    encryption.make(places, world, fleet.consul)
    pack_config.write(places, world, found, publisher)
    fleet.prepare()
    say(f"booting {len(world.hosts)} hosts")
    fleet.start()
    together(
        {"hosts": lambda: _provide(fleet), "stackstorm": lambda: _start_stackstorm(places, world, engine)}
    )
    git.arm(fleet.infra, world, (places.secrets / "github_secret").read_text())
    description.write(fleet, engine)
    say("up")


def _check(places: Places, world: World, engine: Engine, recipe: Recipe) -> None:
    cold = not (rootfs.is_ready(places, recipe) and layer.is_ready(places, recipe))
    missing = machine.missing_packages()
    if missing:
        say(f"installing {', '.join(missing)}")
        machine.install(missing)
    machine.check(places, world, cold, engine.local)


def _fleet(places: Places, world: World, found: tools.Tools, recipe: Recipe, publisher: Driver) -> Fleet:
    with held(places.cache_lock, CACHE_SECONDS):
        if not rootfs.is_ready(places, recipe):
            say("building the hosts' root filesystem with mmdebstrap (once; about a minute)")
        base = rootfs.build(places, recipe)
        if not layer.is_ready(places, recipe):
            say("adding what builds need, on Jenkins and the build hosts (once; about a minute)")
        build_tools = layer.build(places, recipe, base)
        consul = binary.find(places)
    (places.root / "base").write_text(str(base))
    return Fleet(places, world, found, publisher, base, build_tools, consul)


def _provide(fleet: Fleet) -> None:
    fleet.provide()
    say("hosts run, Consul sees them all")
    git.create(fleet.infra)
    clone.make(fleet.places, fleet.world)


def _start_stackstorm(places: Places, world: World, engine: Engine) -> None:
    if engine.local:
        say("starting st2local (its first start makes the pack's virtualenv)")
        stackstorm.wait(places, stackstorm.start(places, world))
    gateway.start(places, world, engine, stackstorm.gateway_key(places, engine))
    status.start(places, world)
    if engine.local:
        say("st2local and the gateway answer")
    else:
        say(f"the gateway forwards to {engine.api_url}, whose cicd.yaml must be the one in {places.configs}")
