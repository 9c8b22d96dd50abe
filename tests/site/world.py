"""The machines of a site: five that its data make, and one of others, with a Git server and Jenkins."""

from lab.world import Host, World

# How many of each role is the site's own; who follows are app hosts.
STACK, BUILD, APT = "stack1", "build1", "apt1"
CANARY, PRODUCTION = "web1", "web2"


class SiteWorld(World):
    """StackStorm's machine has the address of `control`, since StackStorm itself runs beside the machines."""

    @property
    def machines(self) -> list[Host]:
        return [
            Host(STACK, "infra", None, self.control),
            Host(BUILD, "build", None, f"{self.network}.11"),
            Host(APT, "repository", None, f"{self.network}.12"),
            Host(CANARY, "app", "canary", f"{self.network}.21"),
            Host(PRODUCTION, "app", "production", f"{self.network}.22"),
        ]

    @property
    def hosts(self) -> list[Host]:
        return [self.infra, *self.machines]

    def address(self, name: str) -> str:
        return self.host(name).address
