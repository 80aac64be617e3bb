"""Times reports over many datasets and runs.

``python -m benchmarks.reports --datasets 10000 --nights 10``
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import processed_store
from benchmarks.figures import Figure, runs, show, spread
from benchmarks.licensing import lasting
from lineage_graph.graph import Graph, connect

PROCESSES = 20
DECLARED = 25
"""Datasets that each process declares."""
REPORTS = ("ropa", "retention", "legal-basis")
TIMES = 3


def measure(datasets: int = 10_000, nights: int = 10, store: Path | None = None) -> list[Figure]:
    """Return the figures of reports over so many datasets, made anew on so many nights.

    Args:
        datasets: How many.
        nights: How many runs each has.
        store: One of that size that is there already.
    """
    with tempfile.TemporaryDirectory() as folder:
        where = store or Path(folder) / "store"
        if store is None:
            processed_store.build(where, datasets, nights)
        with connect(where, quiet=True) as graph:
            with lasting() as applied:
                graph._queries.up_to_date()
                graph._index.refresh()
            _declare(graph, Path(folder) / "processing.yaml", datasets)
            said = _said(graph, datasets, nights, str(applied))
            for name in REPORTS:
                said += _timed(where, name)
    return said


def _said(graph: Graph, datasets: int, nights: int, applied: str) -> list[Figure]:
    newest = [versions[-1] for versions in graph._catalogue.everything().values()]
    personal = sum(status.personal for status in graph._privacy.statuses(newest).values())
    return [
        Figure(
            "datasets of 20 columns, runs, datasets with personal data",
            f"{datasets:,}, {datasets * nights:,}, {personal:,}",
        ),
        Figure("make the graph and the index that reports ask", applied),
    ]


def _timed(where: Path, name: str) -> list[Figure]:
    """Time a report in a store that was just opened, and again in the same one."""

    def first() -> None:
        with connect(where, quiet=True) as graph:
            graph.report(name)

    with connect(where, quiet=True) as graph:
        graph.report(name)
        again = runs(lambda: graph.report(name, lang="pt-BR"), TIMES)
    return [
        Figure(f"report {name}, store just opened", spread(runs(first, TIMES)), "5 s"),
        Figure(f"report {name}, once more in another language", spread(again), "5 s"),
    ]


def _declare(graph: Graph, file: Path, datasets: int) -> None:
    """Declare processing that uses datasets of departments about persons and of others."""
    lines = ["processes:"]
    for process in range(PROCESSES):
        first = process * (datasets // PROCESSES)
        used = ", ".join(f"thing-{n:06}" for n in range(first, min(first + DECLARED, datasets)))
        lines += [
            f"  - name: process {process}",
            "    purpose: service",
            "    legal_basis: GDPR 6(1)(b)",
            f"    datasets: [{used}]",
        ]
    file.write_text("\n".join(lines), encoding="utf-8")
    graph.apply(file)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--nights", type=int, default=10)
    parser.add_argument("--store", type=Path, help="a store of that size that is there already")
    asked = parser.parse_args()
    show("Reports", measure(asked.datasets, asked.nights, asked.store))


if __name__ == "__main__":
    main()
