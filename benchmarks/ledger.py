"""Times the ledger: appends that are on the disk, group commit, reading and verification."""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, runs, show, spread, stopwatch
from lineage_graph.identity import fresh, uuid7
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.nquads import nquads
from lineage_graph.records import Dataset, DatasetVersion

THREADS = 16
ALONE = 300


def measure(entries: int = 20_000) -> list[Figure]:
    """Return the figures of a ledger of so many small entries."""
    ready = [_entry() for _ in range(entries)]
    with tempfile.TemporaryDirectory() as folder, LedgerFile(Path(folder) / "ledger.db") as ledger:
        alone = runs(lambda: ledger.append(NewEntry(**ready.pop())), ALONE)
        with stopwatch() as together:
            _at_once(lambda: _append_all(ledger, ready))
        with stopwatch() as read:
            size = sum(len(entry.body) for entry in ledger.entries()) // entries
        processor = time.process_time()
        with stopwatch() as verified:
            ledger.verify()
        processor = time.process_time() - processor
    return [
        Figure("append, one thread, on the disk when it returns", spread(alone, "ms")),
        Figure(
            f"append, {THREADS} threads that share commits",
            f"{(entries - ALONE) / together.seconds:,.0f} entries/s",
        ),
        Figure(
            f"read {entries:,} entries of {size:,} bytes, each checked",
            f"{entries / read.seconds:,.0f} entries/s",
        ),
        Figure("verify", f"{entries / verified.seconds:,.0f} entries/s", "50,000 entries/s"),
        Figure("verify, per second of processor time", f"{entries / processor:,.0f} entries"),
    ]


def _entry() -> dict[str, Any]:
    """Return a version with one source, as arguments of ``append``."""
    bundle, version, source = fresh("bundle"), fresh("version"), fresh("version")
    dataset = Dataset(id=fresh("dataset"), title="benchmark")
    records = [dataset, DatasetVersion(id=version, version_of=dataset.id, derived_from=(source,))]
    return {
        "txid": uuid7(),
        "author": "urn:lineage-graph:agent:benchmark",
        "bundle": bundle,
        "body": nquads(bundle, records),
        "subjects": [record.id for record in records],
        "edges": [Edge(version, source, ("Filter",), fresh("activity"))],
    }


def _append_all(ledger: Ledger, ready: list[dict[str, Any]]) -> None:
    with suppress(IndexError):
        while True:
            ledger.append(NewEntry(**ready.pop()))


def _at_once(work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000)
    show("Ledger", measure(parser.parse_args().entries))


if __name__ == "__main__":
    main()
