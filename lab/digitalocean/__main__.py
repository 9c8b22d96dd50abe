"""`python -m lab.digitalocean`: the cloud of the running lab that LAB_ROOT and LAB_NETWORK name."""

from __future__ import annotations

from lab.digitalocean.account import PORT, token_file
from lab.digitalocean.droplets import Droplets
from lab.digitalocean.machines import Machines
from lab.digitalocean.server import server
from lab.lock import held
from lab.places import Places
from lab.world import World

CACHE_SECONDS = 900.0


def main() -> None:
    """Serve until killed; its machines are of the lab, and end with it."""
    places, world = Places.from_environment(), World.from_environment()
    with held(places.cache_lock, CACHE_SECONDS):
        machines = Machines(places, world)
    token = token_file(places).read_text().strip()
    server(world.control, PORT, token, Droplets(machines)).serve_forever()


if __name__ == "__main__":
    main()
