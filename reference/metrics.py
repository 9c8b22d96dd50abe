"""Every metric for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway import metrics as gateway_metrics
from gateway.spool import Spool
from reference.markdown import code, page, table
from status import metrics as status_metrics


def metrics() -> str:
    """Return the page: the metrics of the gateway and of the status page."""
    heads = ("metric", "type", "meaning")
    lines = ["## Gateway", "", *table(heads, _rows(_gateway()))]
    lines += ["## Status page", "", *table(heads, _rows(_status()))]
    return page("Metrics", "what the gateway and the status page answer at `/metrics`", lines)


def names() -> list[str]:
    """Return the name of every metric."""
    return [name.strip("`") for name, _, _ in (*_rows(_gateway()), *_rows(_status()))]


def _gateway() -> str:
    with TemporaryDirectory() as folder, closing(Spool(Path(folder) / "spool.sqlite")) as spool:
        return gateway_metrics.exposition({}, spool, 0, 0)


def _status() -> str:
    return status_metrics.exposition([], {}, "")


def _rows(exposition: str) -> Iterator[tuple[str, str, str]]:
    lines = exposition.splitlines()
    kinds = dict(line.split()[2:4] for line in lines if line.startswith("# TYPE"))
    for line in lines:
        if line.startswith("# HELP"):
            _, _, name, meaning = line.split(maxsplit=3)
            yield code(name), kinds[name], meaning
