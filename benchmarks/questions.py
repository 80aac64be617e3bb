"""Times questions as a person asks them: whole processes, from the shell to the answer.

``python -m benchmarks.questions --store FOLDER`` asks a store that is there already.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import big_store
from benchmarks.figures import Figure, runs, show, spread
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.stores import open_store

RUNS = 7
ASKED = f"table-{big_store.LAYERS}-00"
QUESTIONS = {
    "--help": "0.4 s",
    "datasets": "",
    f"show {ASKED}": "",
    f"versions {ASKED}": "",
    f"lineage {ASKED}": "0.6 s",
    "lineage source-00@1 --down": "0.6 s",
    f"lineage {ASKED} --columns": "",
    f"license terms {ASKED}": "",
    "query records/agents": "",
}


def measure(quads: int = 100_000, store: Path | None = None, times: int = RUNS) -> list[Figure]:
    """Return the figures of a store of this size, built first unless one is given."""
    if store is not None:
        return list(_asked(store, times))
    with tempfile.TemporaryDirectory() as folder:
        big_store.build(Path(folder), quads)
        return list(_asked(Path(folder), times))


def _asked(store: Path, times: int) -> list[Figure]:
    figures = [Figure("the first question, which builds the projection", _first(store))]
    with LedgerFile(store / "ledger.db") as ledger:
        figures.insert(0, Figure("entries in the ledger", f"{ledger.head:,}"))
    for question, goal in QUESTIONS.items():
        seconds = runs(partial(_ask, store, question.split()), times)
        figures.append(Figure(f"lineage-graph {question}", spread(seconds), goal))
    return figures


def _first(store: Path) -> str:
    open_store(store / "graph").clear()
    return f"{runs(lambda: _ask(store, ['datasets']), 1)[0]:.1f} s"


def _ask(store: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "lineage_graph", *words]
    surroundings = {**os.environ, "LINEAGE_GRAPH_STORE": str(store)}
    subprocess.run(command, env=surroundings, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quads", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help="a store that is there already")
    asked = parser.parse_args()
    show("Questions", measure(asked.quads, asked.store))


if __name__ == "__main__":
    main()
