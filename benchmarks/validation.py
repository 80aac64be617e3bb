"""Times what a recorded write costs besides Spark: N-Quads, SHACL, and the append itself."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import big_store
from benchmarks.figures import Figure, runs, show, spread
from lineage_graph.declarations import Declarations
from lineage_graph.identity import fresh, part, uuid7
from lineage_graph.ledger import Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.nquads import nquads
from lineage_graph.records import Column
from lineage_graph.validation import Validator


def measure(times: int = 50) -> list[Figure]:
    """Return the figures of one bundle of the usual size."""
    with tempfile.TemporaryDirectory() as folder:
        big_store.build(Path(folder) / "store", 1)
        with LedgerFile(Path(folder) / "store" / "ledger.db") as recorded:
            body = max((entry.body for entry in recorded.entries()), key=len)
        validator = Validator(Declarations())
        statements = body.count(b"\n")
        columns = _columns(statements)
        with LedgerFile(Path(folder) / "ledger.db") as ledger:
            appended = runs(lambda: _append(ledger, body), times)
        compiled = runs(lambda: Validator(Declarations()), 5)
        checked = runs(lambda: validator.check(body), times)
        written = runs(lambda: nquads(columns[0].id, columns), times)
    return [
        Figure("statements in the bundle", f"{statements:,}"),
        Figure("as many statements, from records to canonical N-Quads", spread(written, "ms")),
        Figure("SHACL", spread(checked, "ms"), "less than N-Quads and append together"),
        Figure("append, on the disk when it returns", spread(appended, "ms")),
        Figure("compiling the shapes, once a process", spread(compiled, "ms")),
    ]


def _columns(statements: int) -> list[Column]:
    """Return records that say so much: of each its type, name, datatype and place."""
    return [
        Column(id=part("urn:benchmark", number), name=str(number), datatype="string", order=number)
        for number in range(statements // 4)
    ]


def _append(ledger: Ledger, body: bytes) -> None:
    ledger.append(
        NewEntry(txid=uuid7(), author="me", bundle=fresh("bundle"), body=body, subjects=[])
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    show("Validation", measure(parser.parse_args().times))


if __name__ == "__main__":
    main()
