"""Several processes use one store, and some are killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lineage_graph.errors import NotFound
from lineage_graph.graph import Graph, connect

ROOT = Path(__file__).parent.parent.parent
HERE = Path(__file__).parent
ROUNDS = 6


def started(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start one of the programs beside this test."""
    return subprocess.Popen(
        [sys.executable, HERE / program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """Wait until a program has said something."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return line


def killed(process: subprocess.Popen[str]) -> list[str]:
    """Kill a program without warning; return the lines that it had finished."""
    process.kill()
    said, complaints = process.communicate()
    assert process.returncode == -signal.SIGKILL, complaints
    return [line for line in said.splitlines(keepends=True) if line.endswith("\n")]


def one_round(store: Path, number: int, delay: float) -> tuple[list[str], list[str]]:
    """Let two processes record and one ask, kill all three, return what they said."""
    writers = [
        started("recording_writer.py", store, f"{name}{number}") for name in ("left", "right")
    ]
    said = [first_line(writer) for writer in writers]
    reader = started("recording_reader.py", store)
    asked = [first_line(reader)]
    time.sleep(delay)
    for process in random.Random(number).sample([*writers, reader], 3):
        lines = killed(process)
        (asked if process is reader else said).extend(lines)
    return [line.strip() for line in said], [line.strip() for line in asked]


def test_two_record_and_one_asks_and_what_was_acknowledged_survives_their_end(store: Path) -> None:
    chance = random.Random(6)
    acknowledged: list[str] = []
    asked: list[str] = []
    for number in range(ROUNDS):
        said, answered = one_round(store, number, chance.uniform(0, 0.4))
        acknowledged += said
        asked += answered
        with connect(store) as graph:
            graph.verify()
    assert set(asked) == {"asked"}
    assert len(acknowledged) >= 2 * ROUNDS
    with connect(store) as graph:
        whole = {row["name"]: row for row in graph.datasets()}
        assert set(acknowledged) <= set(whole)
        for row in whole.values():
            assert row["description"] == f"What {row['name']} is."
        for name in acknowledged:
            assert whole[name]["versions"] == 1
        assert graph.validate() == []
        # Somebody who goes on where a killed process stopped repeats its last step.
        for name, row in whole.items():
            writer = name.partition("-")[0]
            source = store.with_name(f"sources-{writer}") / f"{name}.csv"
            graph.dataset(name, source, owner=writer, description=row["description"])
        assert {row["versions"] for row in graph.datasets()} == {1}
        graph.verify()


def test_two_graphs_of_one_process_see_each_others_records(store: Path, tmp_path: Path) -> None:
    source = tmp_path / "fares.csv"
    source.write_text("city,fare\na,1\n")
    with connect(store) as one, connect(store) as other:
        first = one.dataset("fares", source)
        assert other.resolve("fares") == first
        source.write_text("city,fare\na,2\n")
        second = other.dataset("fares", source)
        assert one.resolve("fares") == second
        assert one.resolve("fares", 1) == first


SAVING = """
import os, sys
from lineage_graph.graph import connect
with connect(sys.argv[1]) as graph:
    spark = graph.spark(memory="1g")
    graph.save(spark.range(10), "first")
    os.write(1, b"first\\n")
    slow = spark.range(0, 400_000_000, 1, 4).selectExpr("id", "sha2(cast(id AS string), 512) AS h")
    graph.save(slow, "second")
    os.write(1, b"second\\n")
"""


@pytest.mark.spark
def test_a_save_that_is_killed_leaves_no_half_dataset(store: Path, recorded: Graph) -> None:
    saving = subprocess.Popen(
        [sys.executable, "-c", SAVING, store],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert first_line(saving) == "first\n"
    engine = psutil.Process(saving.pid).children(recursive=True)
    while not list((store / "work").rglob("part-*")):
        assert saving.poll() is None
        time.sleep(0.02)
    assert killed(saving) == []
    # The engine ends with who started it, whatever way that was.
    _, alive = psutil.wait_procs(engine, timeout=60)
    assert alive == []
    assert list((store / "work").iterdir()) != []

    assert [row["name"] for row in recorded.datasets()] == ["first"]
    assert recorded.verify()["published"] == 1
    with pytest.raises(NotFound, match="'second'"):
        recorded.read("second")
    assert recorded.read("first").count() == 10
    recorded.save(recorded.read("first").where("id > 4"), "second")
    assert recorded.rebuild("second").verdict == "identical"
    assert recorded.verify()["published"] == 2
