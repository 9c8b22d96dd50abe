"""
What the rings of another Consul datacentre are wanted to run, as that datacentre's own Consul has it.

The record is in one datacentre. Hosts read what they are to run from their own, also while the one with
the record is gone. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping

from cicd.clients.consul import Items, Operation, removed, set_, text, unchanged
from cicd.errors import Refused
from cicd.release import wanted
from cicd.store.datacenter import stamp_key
from cicd.store.snapshot import Snapshot


@dataclass(frozen=True)
class Copy:
    """
    What `datacenter` is to have of `project`: by key a text, or None where nothing is to be.

    `generation` is the record's; the datacentre has it beside its copy, and never goes back from it.
    """

    project: str
    datacenter: str
    generation: int
    texts: Mapping[str, str | None]

    def missing(self, there: Items) -> List[str]:
        """Return the keys that are not yet as they should be among *there*, the datacentre's own."""
        return [key for key, text in self.texts.items() if _text(there, key) != text]

    def is_older(self, there: Items) -> bool:
        """Whether the datacentre has a copy of a later generation: the record was set back."""
        return generation(there, self.project) > self.generation

    def refuse_older(self, there: Items) -> None:
        """Raise Refused when the datacentre has a copy of a later generation."""
        if self.is_older(there):
            raise Refused(
                f"Consul's datacentre {self.datacenter} has what is wanted of {self.project} at generation "
                f"{generation(there, self.project)}, but the record is at {self.generation}: it was set "
                "back.",
                "To let the record count: consul kv delete "
                f"-datacenter={self.datacenter} {stamp_key(self.project)}",
            )

    def operations(self, there: Items) -> List[Operation]:
        """
        Return what brings the datacentre from *there* to this; nothing where it is so, or further.

        They fail together when anybody else has written a copy since *there* was read.
        """
        seen, late = stamp_key(self.project), self.missing(there)
        if self.is_older(there) or (not late and generation(there, self.project) == self.generation):
            return []
        index = int(there[seen]["ModifyIndex"]) if seen in there else 0
        changed = [_written(key, self.texts[key]) for key in late]
        return [unchanged(seen, index), set_(seen, str(self.generation)), *changed]

    def trouble(self, there: Items) -> str:
        """Return what is wrong with the copy that is *there*, and what to do; empty when nothing is."""
        try:
            self.refuse_older(there)
        except Refused as refusal:
            return f"{refusal.message} {refusal.hint}"
        if not self.missing(there):
            return ""
        return (
            f"Consul's datacentre {self.datacenter} has what was wanted at generation "
            f"{generation(there, self.project)} of {self.generation}; it is written there every minute"
        )


def of(seen: Snapshot, datacenter: str) -> Copy:
    """Return what *datacenter* is to have of what the record that was *seen* wants."""
    keys = seen.settings.version_keys(seen.project, datacenter)
    rings = {key: seen.release.ring(ring) for ring, key in keys.items()}
    # Of a ring to which nothing ever came the key stays: another ring may have had it before.
    builds = {key: ring.wanted for key, ring in rings.items() if ring.generation}
    documents = wanted.documents(seen.release, datacenter, seen.settings.drift.silent_seconds)
    texts = {**documents, **{key: build.version if build else None for key, build in builds.items()}}
    return Copy(seen.project.name, datacenter, seen.release.generation, texts)


def late(seen: Snapshot) -> dict[str, str]:
    """Return of each ring whose datacentre does not have what it is wanted to run, why."""
    said = {}
    for name, found in seen.elsewhere.items():
        trouble = found.failure or of(seen, name).trouble(found.items)
        said.update({ring: trouble for ring in seen.release.lifecycle.rings_in(name) if trouble})
    return said


def generation(there: Items, project: str) -> int:
    """Return the generation of the copy that is *there*; 0 when there is none, or no number."""
    said = text(there, stamp_key(project))
    return int(said) if said.isdecimal() else 0


def _text(items: Items, key: str) -> str | None:
    return text(items, key) if key in items else None


def _written(key: str, text: str | None) -> Operation:
    return removed(key) if text is None else set_(key, text)
