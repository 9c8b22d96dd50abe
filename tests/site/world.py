"""The machines of a site: five that its data make, and one of others, with a Git server and Jenkins."""

import os

from lab.world import Host, World

STACK, BUILD, APT, CANARY, PRODUCTION = "stack1", "build1", "apt1", "web1", "web2"
# The whole site takes minutes; two machines of it show how roles are made.
IS_WHOLE = os.environ.get("SITE") == "whole"
NAMES = (STACK, BUILD, APT, CANARY, PRODUCTION) if IS_WHOLE else (APT, CANARY)
SERVER = STACK if IS_WHOLE else APT  # of Consul


class SiteWorld(World):
    """StackStorm's machine has the address of `control`, since StackStorm itself runs beside the machines."""

    @property
    def all_five(self) -> list[Host]:
        return [
            Host(STACK, "infra", None, self.control),
            Host(BUILD, "build", None, f"{self.network}.11"),
            Host(APT, "infra", None, f"{self.network}.12"),
            Host(CANARY, "app", "canary", f"{self.network}.21"),
            Host(PRODUCTION, "app", "production", f"{self.network}.22"),
        ]

    @property
    def machines(self) -> list[Host]:
        return [host for host in self.all_five if host.name in NAMES]

    @property
    def hosts(self) -> list[Host]:
        return [self.infra, *self.machines]

    def address(self, name: str) -> str:
        return next(host.address for host in self.all_five if host.name == name)
