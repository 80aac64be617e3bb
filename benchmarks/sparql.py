"""Times SPARQL through the sandbox: what a process of its own costs, and what the server adds."""

from __future__ import annotations

import argparse
import tempfile
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import big_store
from benchmarks.figures import Figure, runs, show, spread
from benchmarks.server import ours
from lineage_graph.errors import LimitExceeded
from lineage_graph.graph import connect
from lineage_graph.sandbox import Limits
from lineage_graph.sandbox.pool import Sandbox
from lineage_graph.stores.oxigraph import FolderStore

RUNS = 200
STARTS = 7
SMALL = "SELECT ?s ?p ?o { ?s ?p ?o } LIMIT 10"
LARGE = "SELECT ?s ?p ?o { ?s ?p ?o } LIMIT 50000"
PRODUCT = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


def measure(quads: int = 100_000, store: Path | None = None) -> list[Figure]:
    """Return the figures of a store of this size, built first unless one is given."""
    if store is not None:
        return [*_sandboxed(store), *_served(store)]
    with tempfile.TemporaryDirectory() as folder:
        big_store.build(Path(folder), quads)
        return [*_sandboxed(Path(folder)), *_served(Path(folder))]


def _read(store: FolderStore, text: str) -> None:
    list(store.select(text))


def _sandboxed(store: Path) -> list[Figure]:
    with connect(store, quiet=True) as graph:
        checkpoint = graph.checkpoint()
        direct = FolderStore(checkpoint.folder)
        figures = [
            _figure(f"{name}, directly", partial(_read, direct, text), times)
            for name, text, times in (("10 rows", SMALL, RUNS), ("50,000 rows", LARGE, 5))
        ]
        figures.append(Figure("start a worker and ask it", spread(runs(_started(store), STARTS))))
        sandbox = Sandbox()
        try:
            figures += [
                _figure(
                    f"{name}, in a worker",
                    partial(sandbox.query, lambda: checkpoint, text),
                    times,
                )
                for name, text, times in (("10 rows", SMALL, RUNS), ("50,000 rows", LARGE, 5))
            ]
        finally:
            sandbox.close()
    return [*figures, _killed(store)]


def _started(store: Path) -> Callable[[], object]:
    with connect(store, quiet=True) as graph:
        checkpoint = graph.checkpoint()

    def ask() -> None:
        sandbox = Sandbox()
        sandbox.query(lambda: checkpoint, SMALL)
        sandbox.close()

    return ask


def _killed(store: Path) -> Figure:
    """Time how long the limit of one second takes to be told."""
    with connect(store, quiet=True) as graph:
        checkpoint = graph.checkpoint()
    sandbox = Sandbox(Limits(seconds=1))

    def ask() -> None:
        try:
            sandbox.query(lambda: checkpoint, PRODUCT)
        except LimitExceeded:
            return
        raise AssertionError("the product was answered")

    try:
        return Figure("a product of everything, with a limit of 1 s", spread(runs(ask, 3)))
    finally:
        sandbox.close()


def _served(store: Path) -> list[Figure]:
    with ours(store) as address:

        def ask() -> None:
            urllib.request.urlopen(f"{address}/sparql?{urlencode({'query': SMALL})}").read()

        ask()
        return [_figure("10 rows, over HTTP", ask, RUNS)]


def _figure(what: str, work: Callable[[], object], times: int) -> Figure:
    return Figure(what, spread(runs(work, times), "ms"))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quads", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help="ask a store that is there already")
    asked = parser.parse_args()
    show("SPARQL", measure(asked.quads, asked.store))


if __name__ == "__main__":
    main()
