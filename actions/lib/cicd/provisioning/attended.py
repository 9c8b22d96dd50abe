"""A machine is seen to while something takes long: nobody sweeps it meanwhile."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Iterator

from cicd.config import Settings
from cicd.errors import CicdError, GivenUp
from cicd.provisioning.registry import Registry

SIGNS = 3  # of life, within the time after which a machine without one is lost


@contextmanager
def attended(settings: Settings, name: str) -> Iterator[None]:
    """Note signs of life of the machine *name* while the block works; one without a record needs none."""
    done = threading.Event()
    worker = threading.Thread(target=_note, args=(settings, name, done), daemon=True)
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()


def _note(settings: Settings, name: str, done: threading.Event) -> None:
    registry = Registry(settings)
    while not done.wait(settings.deploy.lost_after / SIGNS):
        try:
            registry.write(name)
        except GivenUp:
            return
        except CicdError:
            continue  # Consul may be back before the machine counts as lost
