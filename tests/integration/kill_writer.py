"""Appends as fast as it can until it is killed: ``kill_writer.py LEDGER NAME THREADS``.

Each transaction id is printed when, and only when, the ledger has acknowledged it.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from pathlib import Path
from typing import Any

from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile


def content(txid: str) -> dict[str, Any]:
    """What is appended under a transaction id: a function of the id, so it can be compared."""
    version, run = f"urn:version:{txid}", f"urn:run:{txid}"
    bundle = f"urn:bundle:{txid}"
    return {
        "txid": txid,
        "author": "urn:writer",
        "bundle": bundle,
        "body": b"".join(
            f"<{version}> <urn:p> <urn:o:{n}> <{bundle}> .\n".encode() for n in range(50)
        ),
        "subjects": [version, run],
        "edges": [Edge(version, f"urn:source:{n}", ("Filter",), run) for n in range(3)],
    }


def write(ledger: Ledger, name: str) -> None:
    """Append for ever."""
    for number in itertools.count():
        txid = f"{name}-{number}"
        ledger.append(NewEntry(**content(txid)))
        os.write(1, f"{txid}\n".encode())


def main(path: str, name: str, threads: str) -> None:
    """Append from several threads of one process."""
    with LedgerFile(Path(path)) as ledger:
        for number in range(int(threads)):
            threading.Thread(target=write, args=(ledger, f"{name}-{number}")).start()
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
