"""Nothing that happens between any two lines of the index changes an answer."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import lineage_graph.index
from lineage_graph.index import LineageIndex, files
from lineage_graph.ledger import Edge, Ledger, NewEntry
from lineage_graph.ledger.file import LedgerFile

HERE = str(Path(lineage_graph.index.__file__).parent)


def stopped(
    work: Callable[[], object], at: int, then: Callable[[], object], within: str = HERE
) -> bool:
    """Do something else when a work comes to a line of the index that is the n-th new one.

    Returns:
        Whether it came so far.
    """
    lines: set[tuple[str, int]] = set()
    before = sys.gettrace()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        file, line = frame.f_code.co_filename, frame.f_lineno
        if not file.startswith(within):
            return None
        if event == "line" and (file, line) not in lines:
            lines.add((file, line))
            if len(lines) == at:
                sys.settrace(before)
                then()
                sys.settrace(trace)
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return len(lines) >= at


def appended(ledger: Ledger, entries: int = 1) -> None:
    """Append entries of two edges each, every third of which invalidates another one."""
    for n in range(ledger.head + 1, ledger.head + 1 + entries):
        edges = [Edge(f"urn:{n}", source, ("Filter",), "urn:r") for source in ("urn:a", "urn:b")]
        ended = [f"urn:bundle:{n - 1}"] if n % 3 == 0 else []
        ledger.append(
            NewEntry(f"t{n}", "urn:me", f"urn:bundle:{n}", b"", [], edges=edges, invalidates=ended)
        )


def require_right(index: LineageIndex, ledger: Ledger) -> None:
    """Compare with the ledger's rows: how many edges, and which hold now and did before."""
    seq = index.refresh()
    rows = [row for page in ledger.index_rows(0, seq) for row in page]
    assert index.edges == len(rows)
    start = [*index.ids(["urn:a"]).values()]
    for as_of in {seq, max(seq - 1, 0), max(seq - 3, 0)}:
        dead = {gone.entry for gone in ledger.invalidations(0, as_of)}
        expected = {r[1] for r in rows if r[0] <= as_of and r[0] not in dead and r[2] in start}
        found = index.closure(start, downstream=True, as_of=as_of).nodes.tolist()
        assert {*found} == {*start, *expected}


def appends(other: LineageIndex, ledger: Ledger, folder: Path) -> None:
    appended(ledger)


def folds(other: LineageIndex, ledger: Ledger, folder: Path) -> None:
    other.fold()


def appends_and_folds(other: LineageIndex, ledger: Ledger, folder: Path) -> None:
    appended(ledger)
    other.fold()


def removes(other: LineageIndex, ledger: Ledger, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("meanwhile", [appends, folds, appends_and_folds, removes])
def test_somebody_else_may_come_in_between_anywhere(
    tmp_path: Path, meanwhile: Callable[[LineageIndex, Ledger, Path], None]
) -> None:
    folder = tmp_path / "index"
    with LedgerFile(tmp_path / "ledger.db") as ledger, LedgerFile(tmp_path / "ledger.db") as theirs:
        mine = LineageIndex(folder, ledger, fold_at=3)
        other = LineageIndex(folder, theirs, fold_at=100)
        for at in count(1):
            appended(ledger)
            mine.refresh()
            appended(ledger)
            came = stopped(mine.refresh, at, lambda: meanwhile(other, theirs, folder))
            require_right(mine, ledger)
            require_right(LineageIndex(folder, ledger), ledger)
            if not came:
                break
        require_right(other, theirs)


def interrupt() -> None:
    raise KeyboardInterrupt


def test_ctrl_c_anywhere_changes_no_answer(tmp_path: Path) -> None:
    with LedgerFile(tmp_path / "ledger.db") as ledger:
        for at in count(1):
            folder = tmp_path / f"index{at}"
            index = LineageIndex(folder, ledger, fold_at=3)
            came = False
            # The first entry fits beside the base, the second makes it be folded.
            for _ in range(2):
                appended(ledger)
                try:
                    came |= stopped(index.refresh, at, interrupt)
                except KeyboardInterrupt:
                    came = True
                require_right(index, ledger)
                require_right(LineageIndex(folder, ledger), ledger)
            if not came:
                break


def killed(path: Path, folder: Path, at: int) -> bool:
    """Tell whether a process that folds came to the n-th new line about files and died there."""
    child = os.fork()
    if child == 0:
        try:
            ledger = LedgerFile(path)
            stopped(
                lambda: LineageIndex(folder, ledger, fold_at=3),
                at,
                lambda: os.kill(os.getpid(), signal.SIGKILL),
                within=files.__file__,
            )
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_kill_9_anywhere_changes_no_answer(tmp_path: Path) -> None:
    path, folder = tmp_path / "ledger.db", tmp_path / "index"
    came, at = True, 0
    while came:
        at += 1
        with LedgerFile(path) as ledger:
            appended(ledger, 2)
        came = killed(path, folder, at)
        with LedgerFile(path) as ledger:
            require_right(LineageIndex(folder, ledger), ledger)
    assert {file.name for file in folder.iterdir()} == {files.NAME, files.LOCK}
    base = files.read(folder)
    assert base is not None and base.edges == 4 * at
