"""What was acknowledged survives ``kill -9``, and nothing is ever half there."""

from __future__ import annotations

import os
import random
import runpy
import subprocess
import sys
import time
from pathlib import Path

from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile

ROUNDS = 20
WRITER = Path(__file__).with_name("kill_writer.py")
content = runpy.run_path(str(WRITER))["content"]


def killed_round(path: Path, number: int, delay: float) -> list[str]:
    """Let two processes append, kill both without warning, return what was acknowledged."""
    writers = [
        subprocess.Popen(
            [sys.executable, str(WRITER), str(path), f"{number}-{name}", threads],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name, threads in (("alone", "1"), ("group", "4"))
    ]
    heard = b"".join(writer.stdout.readline() for writer in writers if writer.stdout)
    time.sleep(delay)
    for writer in writers:
        writer.kill()
    heard += b"".join(writer.communicate()[0] for writer in writers)
    return [line.decode() for line in heard.splitlines(keepends=False) if line]


def beside(ledger: Ledger) -> set[Edge]:
    """Return the edges that lie beside the bodies."""
    rows = [row for page in ledger.index_rows(0, ledger.head) for row in page]
    iris = ledger.iris_of({number for row in rows for number in (row[1], row[2], row[4])})
    kinds = ledger.kind_sets()
    return {Edge(iris[d], iris[s], kinds[k], iris[a]) for _, d, s, k, a, _ in rows}


def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    chance = random.Random(20)

    acknowledged: list[str] = []
    for number in range(ROUNDS):
        acknowledged += killed_round(path, number, chance.uniform(0, 0.4))

    with LedgerFile(path, create=False) as ledger:
        count = ledger.verify()
        entries = {entry.txid: entry for entry in ledger.entries()}
        assert len(entries) == count
        assert len(acknowledged) > ROUNDS
        assert set(acknowledged) <= set(entries)
        for txid, entry in entries.items():
            assert entry.body == content(txid)["body"]
        stated = {edge for txid in entries for edge in content(txid)["edges"]}
        versions = {f"urn:version:{txid}" for txid in entries}
        assert beside(ledger) == stated
        assert ledger.described(versions) == versions
        assert ledger.append(NewEntry(**content(acknowledged[0]))) <= count
