"""Times the ledger: appends that are on the disk, group commit, reading and verification."""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import Figure, show, spread, stopwatch
from lineage_graph.identity import fresh, uuid7
from lineage_graph.jsonld import nquads
from lineage_graph.ledger import Edge, Ledger
from lineage_graph.records import Dataset, DatasetVersion

THREADS = 16


def measure(entries: int = 20_000) -> list[Figure]:
    """Return the figures of a ledger of so many small entries."""
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.db") as ledger:
        alone = [_append(ledger) for _ in range(300)]
        with stopwatch() as together:
            _at_once(lambda: [_append(ledger) for _ in range((entries - 300) // THREADS)])
        grouped = ledger.head - len(alone)
        with stopwatch() as read:
            total = sum(len(entry.body) for entry in ledger.entries())
        processor = time.process_time()
        with stopwatch() as verified:
            ledger.verify()
        processor = time.process_time() - processor
        head = ledger.head
        return [
            Figure("append, one thread, on the disk when it returns", spread(alone, "ms")),
            Figure(
                f"append, {THREADS} threads that share commits",
                f"{grouped / together.seconds:,.0f} entries/s",
            ),
            Figure(
                f"read and check {head:,} entries of {total // head} bytes",
                f"{head / read.seconds:,.0f} entries/s",
            ),
            Figure("verify", f"{head / verified.seconds:,.0f} entries/s", "50,000 entries/s"),
            Figure("verify, per second of processor time", f"{head / processor:,.0f} entries"),
        ]


def _append(ledger: Ledger) -> float:
    """Append a version with one source and return the seconds the append took."""
    bundle, version, source = fresh("bundle"), fresh("version"), fresh("version")
    dataset = Dataset(id=fresh("dataset"), title="benchmark")
    records = [dataset, DatasetVersion(id=version, version_of=dataset.id, derived_from=(source,))]
    body = nquads(bundle, records)
    with stopwatch() as watch:
        ledger.append(
            txid=uuid7(),
            author="urn:lineage-graph:agent:benchmark",
            bundle=bundle,
            body=body,
            subjects=[record.id for record in records],
            edges=[Edge(version, source, ("Filter",), fresh("activity"))],
        )
    return watch.seconds


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
