"""Ctrl-C in the middle of a save, a fit and a rebuild: nothing half, and work goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lineage_graph.graph import Graph, connect

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.spark

SESSION = """
import os, sys
from sklearn.ensemble import GradientBoostingRegressor
from lineage_graph.graph import connect

def attempt(what):
    try:
        what()
    except KeyboardInterrupt:
        os.write(1, b"interrupted\\n")
    else:
        os.write(1, b"done\\n")

with connect(sys.argv[1]) as graph:
    spark = graph.spark(sys.argv[2])
    rows = spark.range(2000).selectExpr("id", "id % 7 AS day", "id * 1.5 AS price")
    graph.save(rows, "prices")
    os.write(1, b"ready\\n")
    slow = spark.range(0, 400_000_000, 1, 4).selectExpr("sha2(cast(id AS string), 512) AS h")
    attempt(lambda: graph.save(slow, "slow"))
    patient = GradientBoostingRegressor(n_estimators=100_000, random_state=1)
    fit = dict(name="model", label="price", features=["id", "day"])
    attempt(lambda: (os.write(1, b"fitting\\n"), graph.fit(patient, "prices", **fit)))
    attempt(lambda: graph.save(graph.read("prices").where("day < 3"), "slow"))
    attempt(lambda: graph.fit(patient.set_params(n_estimators=5), "prices", **fit))
"""


def interrupted_when(process: subprocess.Popen[str], begun: Callable[[], bool]) -> None:
    """Send what Ctrl-C sends as soon as something has begun."""
    while not begun():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line of a program."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate()
    return line


def test_a_save_and_a_fit_that_are_interrupted_leave_nothing(store: Path, address: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, store, address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    work = store / "work"
    assert said(process) == "ready"
    interrupted_when(process, lambda: bool(list(work.rglob("part-*"))))
    assert said(process) == "interrupted"
    with connect(store) as graph:
        assert [row["name"] for row in graph.datasets()] == ["prices"]
        graph.verify()
    assert said(process) == "fitting"
    # Long enough to read the rows, and far from enough to fit them.
    time.sleep(2)
    interrupted_when(process, lambda: True)
    assert said(process) == "interrupted"
    with connect(store) as graph:
        assert graph.models() == []
        graph.verify()
    rest, complaints = process.communicate(timeout=120)
    assert (rest, process.returncode) == ("done\ndone\n", 0), complaints
    with connect(store) as graph:
        assert {row["name"]: row["versions"] for row in graph.datasets()} == {
            "prices": 1,
            "slow": 1,
        }
        assert len(graph.versions("model")) == 1
        assert graph.verify()["published"] == 2


def test_an_interrupted_rebuild_leaves_with_status_130_and_no_output(
    recorded: Graph, store: Path, tmp_path: Path, cli: Run
) -> None:
    spark = recorded.spark()
    rows = spark.range(0, 2_000_000, 1, 2)
    recorded.save(rows.selectExpr("id", "sha2(cast(id AS string), 512) AS h"), "hashes")
    before, into = recorded.verify()["chain"], tmp_path / "new" / "again"
    process = subprocess.Popen(
        [sys.executable, "-m", "lineage_graph", "rebuild", "hashes", "--into", str(into)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LINEAGE_GRAPH_STORE": str(store)},
    )
    interrupted_when(process, lambda: bool(list(tmp_path.rglob("output-0"))))
    answer, talk = process.communicate(timeout=120)
    assert (process.returncode, answer) == (130, "")
    assert "Interrupted." in talk
    assert "Traceback" not in talk
    assert not into.parent.exists()
    assert list((store / "work").iterdir()) == []
    assert recorded.verify()["chain"] == before
    assert recorded.rebuild("hashes", into=into).verdict == "identical"
