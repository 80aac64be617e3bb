"""Times the projection: from an empty graph to the end of the ledger, and its verification."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks import big_store
from benchmarks.figures import Figure, runs, show, spread, stopwatch
from lineage_graph.declarations import bundled
from lineage_graph.ledger import Ledger
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.query import Queries
from lineage_graph.stores import open_store


def measure(quads: int = 100_000, store: Path | None = None) -> list[Figure]:
    """Return the figures of a store of this size, built first unless one is given."""
    with tempfile.TemporaryDirectory() as folder:
        if store is None:
            store = Path(folder) / "store"
            big_store.build(store, quads)
        with LedgerFile(store / "ledger.db") as ledger:
            return _measured(ledger, Path(folder) / "graph")


def _measured(ledger: Ledger, folder: Path) -> list[Figure]:
    statements = sum(entry.body.count(b"\n") for entry in ledger.entries())
    graph = open_store(folder)
    queries = Queries(ledger, graph, bundled())
    processor = time.process_time()
    with stopwatch() as applied:
        queries.up_to_date()
    processor = time.process_time() - processor
    graph.close()
    opened = runs(lambda: open_store(folder).applied, 7)
    with stopwatch() as verified:
        queries.verify()
    graph.close()
    return [
        Figure("entries and statements", f"{ledger.head:,} and {statements:,}"),
        Figure(
            "first catch-up", f"{statements / applied.seconds:,.0f} statements/s", "30,000 a second"
        ),
        Figure(
            "first catch-up, per second of processor time",
            f"{statements / processor:,.0f} statements",
        ),
        Figure("opening the graph to ask", spread(opened, "ms")),
        Figure(
            "comparing the graph with the ledger",
            f"{statements / verified.seconds:,.0f} statements/s",
        ),
    ]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quads", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help="a store that is there already")
    asked = parser.parse_args()
    show("Projection", measure(asked.quads, asked.store))


if __name__ == "__main__":
    main()
