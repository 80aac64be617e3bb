"""What was registered as a reference stays one: no job that reads it has it copied."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lineage_graph.graph import connect

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine
    from lineage_graph.graph import Graph

pytestmark = pytest.mark.spark
PLANTED = "ana.planted@example.org"


def copies(graph: Graph) -> list[Path]:
    """Return the artifacts that hold what was planted."""
    kept = [graph._artifacts.path(digest) for digest in graph._artifacts.all()]
    return [path for path in kept if PLANTED.encode() in path.read_bytes()]


def put(folder: Path, *names: str) -> list[str]:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"email,n\n{PLANTED},1\nb@example.org,{len(name)}\n")
    return [str(folder / name) for name in names]


@pytest.mark.parametrize("way", ["registered", "file", "folder", "glob", "link", "changed"])
def test_a_registered_reference_is_not_copied_when_a_job_reads_it(
    way: str, engine: Engine, store: Path, tmp_path: Path
) -> None:
    (people,) = put(tmp_path / "data", "people.csv")
    with connect(store) as graph:
        graph.spark(f"{engine.url}/;token={engine.token}")
        graph.dataset("people", people, snapshot="reference", header=True)
        graph.save(graph.read("people").select("n"), "same session")
        assert copies(graph) == []
    # What was registered is known in a later process too, from the record alone.
    with connect(store) as graph:
        spark = graph.spark(f"{engine.url}/;token={engine.token}")
        link = tmp_path / "link.csv"
        os.symlink(people, link)
        if way == "changed":
            Path(people).write_text(f"email,n\n{PLANTED},7\n")
        places = {"folder": tmp_path / "data", "glob": tmp_path / "data" / "p*.csv", "link": link}
        read = spark.read.csv(str(places.get(way, people)), header=True)
        df = graph.read("people") if way == "registered" else read
        graph.save(df.select("n"), "numbers")
        assert graph.problems == [] and copies(graph) == []


def test_what_nobody_registered_is_copied_and_a_copy_may_be_asked_for(
    recorded: Graph, tmp_path: Path
) -> None:
    unknown, asked = put(tmp_path / "data", "unknown.csv", "asked.csv")
    (elsewhere,) = put(tmp_path / "other", "people.csv")
    recorded.dataset("people", elsewhere, snapshot="reference", header=True)
    recorded.save(recorded.spark().read.csv(unknown, header=True).select("n"), "numbers")
    assert len(copies(recorded)) == 1
    recorded.dataset("asked", asked, header=True)
    recorded.save(recorded.read("asked").select("n"), "more numbers")
    assert len(copies(recorded)) == 2
