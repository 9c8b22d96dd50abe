"""An st2local that deploys to a simulated fleet with this pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.conformance.local import Local
from tests.conformance.rest import Rest
from tests.fleet.world import PROJECT, ROOT, World


class StackStorm:
    """An st2local that runs this pack, with whatever `deploy` settings a row needs."""

    def __init__(self, folder: Path, world: World) -> None:
        self.local = Local(folder, packs=[ROOT])
        self._world = world

    def __enter__(self) -> StackStorm:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.local.process:
            self.local.stop()

    def start(self, **deploy: Any) -> Rest:
        """Start it with the world's configuration, changed by *deploy*."""
        configuration = {**self._world.configuration}
        configuration["deploy"] = {**configuration["deploy"], **deploy}
        (self.local.directory / "configs" / "cicd.yaml").write_text(yaml.safe_dump(configuration))
        self.rest = self.local.start()
        return self.rest

    def restart(self, **deploy: Any) -> None:
        self.local.stop()
        self.start(**deploy)

    def update(self, ring: str, generation: int) -> Any:
        """Deploy what *generation* wants, and return how the execution ended."""
        return self.rest.wait(self.begin(ring, generation), seconds=180)

    def begin(self, ring: str, generation: int) -> str:
        parameters = {"project": PROJECT, "ring": ring, "generation": generation}
        return str(self.rest.start("cicd.update_ring", parameters)["id"])
