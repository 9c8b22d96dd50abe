"""
Old documents of a project in Consul: many in one value, each found by one read.

A document is written as a key of its own, `cicd/<project>/<kind>/<name>`. Once newer ones took its room
it is folded into `cicd/<project>/archive/<kind>/<bucket>`: lines of JSON, compressed
with gzip.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from itertools import groupby
from typing import Callable, Dict, Generic, Iterator, List, Sequence, Tuple, Type, cast

from cicd.clients.consul import Connection, D, Item, Items
from cicd.errors import ConsulError

ATTEMPTS = 10
AT_ONCE = 50  # operations of one transaction, of which Consul takes 64


@dataclass(frozen=True)
class Kind(Generic[D]):
    """What documents of a *shape* are called, and in which value one that is folded belongs, by its name."""

    name: str
    shape: Type[D]
    bucket: Callable[[str], int]

    def key(self, project: str, name: str) -> str:
        """Return where the document *name* of *project* is while it is not folded."""
        return f"cicd/{project}/{self.name}/{name}"

    def place(self, project: str, name: str) -> str:
        """Return where the document *name* of *project* is when it is folded."""
        return self.bucket_key(project, f"{self.bucket(name):08d}")

    def bucket_key(self, project: str, bucket: str) -> str:
        """Return the key of one value of the archive of *project*."""
        return f"cicd/{project}/archive/{self.name}/{bucket}"

    def places(self, project: str, name: str) -> List[str]:
        """Return both keys of which one has the document *name* of *project*, if there is one."""
        return [self.key(project, name), self.place(project, name)]

    def find(self, items: Items, project: str, name: str) -> D | None:
        """Return the document *name* of *project* among *items*, which were read at its places; or None."""
        key, place = self.places(project, name)
        if key in items:
            return cast(D, json.loads(items[key]["Value"]))
        return _unpacked(items.get(place), self.shape).get(name)


@dataclass
class Archive(Generic[D]):
    """The documents of one *kind* of one *project*."""

    connection: Connection
    project: str
    kind: Kind[D]
    _read: Tuple[int, Dict[str, D]] = field(default=(-1, {}), init=False)

    def find(self, name: str) -> D | None:
        """Return the document *name*, or None; a bucket that was read last is not read again."""
        number, known = self._read
        if number == self.kind.bucket(name) and name in known:
            return known[name]
        return self._alone(name) or self._bucket(self.kind.bucket(name)).get(name)

    def alone(self) -> List[str]:
        """Return the names of the documents that are not folded."""
        return [key.rpartition("/")[2] for key in self.connection.keys(self._key(""))]

    def buckets(self) -> List[int]:
        """Return the numbers of all buckets, in order."""
        return sorted(int(key.rpartition("/")[2]) for key in self.connection.keys(self._place("")))

    def read(self, names: Sequence[str]) -> Iterator[Tuple[str, D]]:
        """Yield those of *names* that are not folded, each with its document, as they are asked for."""
        for start in range(0, len(names), AT_ONCE):
            keys = {self._key(name): name for name in names[start : start + AT_ONCE]}
            items = self.connection.read(keys)
            yield from ((name, json.loads(items[key]["Value"])) for key, name in keys.items() if key in items)

    def several(self, names: Sequence[str]) -> List[D]:
        """Return the documents *names*, folded or not, in that order; what there is not is left out."""
        alone = dict(self.read(names))
        found = (alone.get(name) or self._bucket(self.kind.bucket(name)).get(name) for name in names)
        return [document for document in found if document]

    def newest_first(self) -> Iterator[D]:
        """Yield every document by the order of its name, a number, as it is asked for."""
        told = set()
        for name, document in self.read(sorted(self.alone(), key=int, reverse=True)):
            told.add(name)
            yield document
        for number in reversed(self.buckets()):
            folded = self._bucket(number)
            yield from (folded[name] for name in sorted(folded, key=int, reverse=True) if name not in told)

    def fold(self, names: Sequence[str]) -> None:
        """Move the documents *names* into their buckets; each is always in one of both places."""
        for number, group in groupby(sorted(names, key=self.kind.bucket), key=self.kind.bucket):
            members = list(group)
            self._add(number, dict(self.read(members)))
            self._delete(members)

    def drop(self, number: int, is_over: Callable[[D], bool]) -> None:
        """Remove from the bucket *number* what *is_over*."""
        self._change(number, lambda known: {n: one for n, one in known.items() if not is_over(one)})

    def _add(self, number: int, documents: Dict[str, D]) -> None:
        self._change(number, lambda known: {**documents, **known})

    def _bucket(self, number: int) -> Dict[str, D]:
        if self._read[0] != number:
            self._read = (number, self._unpacked(self.connection.item(self._place(f"{number:08d}"))))
        return self._read[1]

    def _change(self, number: int, change: Callable[[Dict[str, D]], Dict[str, D]]) -> None:
        key, self._read = self._place(f"{number:08d}"), (-1, {})
        for _ in range(ATTEMPTS):
            item = self.connection.item(key)
            known = self._unpacked(item)
            after, index = change(known), item["ModifyIndex"] if item else 0
            if after == known or self._write(key, after, index):
                return
        raise ConsulError(f"The key {key} kept changing ({ATTEMPTS} tries).", "Try again.")

    def _write(self, key: str, documents: Dict[str, D], index: int) -> bool:
        if not documents:
            return bool(self.connection.ask(lambda c: c.kv.delete(key, cas=index)))
        return bool(self.connection.ask(lambda c: c.kv.put(key, _packed(documents), cas=index)))

    def _delete(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            self.connection.commit([{"Verb": "delete", "Key": self._key(name)} for name in some])

    def _alone(self, name: str) -> D | None:
        return self.connection.json(self._key(name), self.kind.shape)

    def _unpacked(self, item: Item | None) -> Dict[str, D]:
        return _unpacked(item, self.kind.shape)

    def _key(self, name: str) -> str:
        return self.kind.key(self.project, name)

    def _place(self, bucket: str) -> str:
        return self.kind.bucket_key(self.project, bucket)


def _packed(documents: Dict[str, D]) -> bytes:
    lines = (json.dumps([name, documents[name]], sort_keys=True) for name in sorted(documents))
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def _unpacked(item: Item | None, _: Type[D]) -> Dict[str, D]:
    if item is None:
        return {}
    return dict(json.loads(line) for line in gzip.decompress(item["Value"]).decode().splitlines())
