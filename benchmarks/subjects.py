"""How long it takes to look one person up in the indexes of many versions.

The indexes are made of random hashes, which is what the hashes of identifiers look like; they
are written as Spark's are, below a folder on the disk of ``--into`` and removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, runs, spread, stopwatch
from lineage_graph.membership import Keyring, Membership, write
from lineage_graph.membership.files import ENTRY
from lineage_graph.privacy.looking import Held, Person, Registered, look_up
from lineage_graph.privacy.types import SemanticType

GOAL = "below 2 s for 1,000 versions of 1,000,000 rows"
TIMES = 5
EVERY = 10
"""The person is in one of so many versions."""
CPF = SemanticType("urn:cpf", "cpf", {}, (), "DirectIdentifier", indexable=True)
PERSON = Person((CPF,), {CPF.iri: "52998224725"})


def measure(versions: int = 1000, rows: int = 1_000_000, into: Path | None = None) -> list[Figure]:
    """Make indexes, look one person up in all of them, and remove them."""
    folder = Path(tempfile.mkdtemp(prefix="subjects-", dir=into))
    try:
        return _measured(folder, versions, rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(folder: Path, versions: int, rows: int) -> list[Figure]:
    key = Keyring(folder).make()
    subject = np.uint64(PERSON.hashed(CPF, key))
    with stopwatch() as writing:
        indexes = [
            Registered(f"urn:{n}", "cpf", CPF.iri, key.id, digest, rows, rows)
            for n in range(versions)
            for digest in [_written(folder, key.id, n, rows, subject)]
        ]

    def ask() -> dict[str, int]:
        found = look_up(PERSON, indexes, key, folder, lambda version: Held())
        return {version: looked.rows for version, looked in found.items() if looked.rows}

    _drop_from_memory(folder)
    with stopwatch() as cold:
        found = ask()
    assert found == {f"urn:{n}": 1 for n in range(0, versions, EVERY)}, "a person was missed"
    seconds = runs(ask, TIMES)
    with stopwatch() as checking:
        Membership(folder, indexes[0].digest, key.id).verify()
    size = sum(path.stat().st_size for path in folder.glob("*.members"))
    what = f"{versions:,} versions of {rows:,} rows"
    return [
        Figure(f"look a person up in {what}", spread(seconds), GOAL),
        Figure("the same, files not in memory before", f"{cold.seconds:.2f} s"),
        Figure("size of the indexes", f"{size / 2**30:.2f} GiB"),
        Figure(
            "write an index, its random hashes drawn and sorted",
            f"{writing.seconds / versions:.2f} s",
        ),
        Figure("check all blocks of an index", f"{checking.seconds * 1000:.0f} ms"),
    ]


def _written(folder: Path, key_id: str, number: int, rows: int, subject: np.uint64) -> str:
    random = np.random.default_rng(number)
    entries = np.empty(rows, ENTRY)
    entries["subject"] = random.integers(0, 2**64, rows, np.uint64)
    entries["row"] = random.integers(-(2**63), 2**63, rows, np.int64)
    if number % EVERY == 0:
        entries["subject"][0] = subject
    entries = entries[np.argsort(entries["subject"], kind="stable")]
    return write(folder, key_id, rows, [entries])


def _drop_from_memory(folder: Path) -> None:
    """Tell the system that the files need not stay in memory, as far as it listens."""
    os.sync()
    for path in folder.glob("*.members"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
