"""Rebuilding what Spark and scikit-learn did: in another process, on another engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph import Graph, connect

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

pytestmark = pytest.mark.spark

SCRIPT = """
import sys
import lineage_graph
from pyspark.ml.classification import LogisticRegression as SparkLogisticRegression
from pyspark.sql import functions as F
from sklearn.ensemble import RandomForestClassifier

with lineage_graph.connect(sys.argv[1]) as graph:
    spark = graph.spark(master="local[1]", memory="1g")
    graph.dataset("flights", "flights.csv", header=True, inferSchema=True)
    airlines = spark.createDataFrame([("AA", 0.1), ("UA", 0.2)], "code string, rate double")
    joined = graph.read("flights").join(airlines, F.col("carrier") == F.col("code"), "left")
    joined = joined.select("id", "miles", F.coalesce("rate", F.lit(0.5)).alias("rate"), "late")
    graph.save(joined, "features")
    shares = graph.read("features").groupBy("rate").agg(F.avg("miles").alias("miles"))
    shares.write.parquet("shares")
    forest = RandomForestClassifier(n_estimators=3)
    graph.fit(forest, "features", name="forest", label="late", features=["miles", "rate"])
    graph.predict("forest", "features", name="guesses", keep=["id"])
    graph.fit(SparkLogisticRegression(maxIter=3), "features", name="logistic", label="late",
              features=["miles", "rate"])
    assert not graph.problems, graph.problems
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store that another process wrote on a one-threaded engine; all its files are gone.

    Returns:
        The store, and where the process wrote a table of its own.
    """
    root = tmp_path_factory.mktemp("elsewhere")
    store, project = root / "store", root / "project"
    project.mkdir()
    lines = [f"{n},{('AA', 'UA', 'DL')[n % 3]},{n * n % 97}.25,{n % 2}" for n in range(80)]
    (project / "flights.csv").write_text("\n".join(["id,carrier,miles,late", *lines]) + "\n")
    (project / "script.py").write_text(SCRIPT)
    subprocess.run(
        [sys.executable, "script.py", str(store)],
        cwd=project,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=240,
    )
    shutil.rmtree(project)
    return store, project / "shares"


@pytest.fixture(scope="module")
def graph(elsewhere: tuple[Path, Path], engine: Engine) -> Iterator[Graph]:
    with connect(elsewhere[0]) as graph:
        graph.spark(f"{engine.url}/;token={engine.token}")
        yield graph


def test_another_process_on_another_engine_rebuilds_everything_identically(graph: Graph) -> None:
    for name in ("guesses", "logistic"):
        rebuild = graph.rebuild(name, from_scratch=True)
        assert rebuild.verdict == "identical", str(rebuild)
        # The file, and the rows that the script held in memory.
        assert len(rebuild.reused) == 2 and "flights@1" in rebuild.reused
    rebuilt = graph.describe("forest")["rebuilds"]
    assert [row["verdict"] for row in rebuilt] == ["identical"]
    assert rebuilt[0]["fingerprint"] == graph.describe("forest")["fingerprint"]


def test_a_table_that_was_written_somewhere_is_rebuilt_when_its_folder_is_gone(
    graph: Graph, elsewhere: tuple[Path, Path], tmp_path: Path
) -> None:
    written = elsewhere[1]
    assert not written.exists()
    rebuild = graph.rebuild(str(written), into=tmp_path / "again")
    assert rebuild.verdict == "identical", str(rebuild)
    place = rebuild.outputs[-1].place
    assert place is not None and place.startswith(str(tmp_path / "again"))
    assert not written.exists()
    read = graph.spark().read.parquet(place)
    assert (read.columns, read.count()) == (["rate", "miles"], 3)


def test_a_dry_run_starts_nothing_and_claims_nothing(elsewhere: tuple[Path, Path]) -> None:
    with connect(elsewhere[0]) as graph:
        rebuild = graph.rebuild("guesses", from_scratch=True, dry_run=True)
        assert graph._writing is None
    assert rebuild.verdict is None
    said = {output.name: output.action for output in rebuild.outputs}
    assert said["flights@1"] == "reuse"
    assert [said[name] for name in ("features@1", "forest@1", "guesses@1")] == ["run"] * 3


def test_a_place_in_use_is_refused_and_nothing_is_recorded(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    head = graph._ledger.head
    with pytest.raises(InvalidRecord, match="Name a new folder"):
        graph.rebuild("features", into=tmp_path)
    assert graph._ledger.head == head


def test_an_altered_source_is_named_and_everything_that_needs_it_is_impossible(
    recorded: Graph, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a\n1\n2\n")
    recorded.dataset("rows", file, header=True, snapshot="reference")
    saved = recorded.save(recorded.read("rows").where("a > 1"), "some")
    file.write_text("a\n1\n3\n")
    rebuild = recorded.rebuild("some")
    assert rebuild.verdict == "impossible"
    assert "rows.csv was altered" in rebuild.outputs[-1].explanation
    assert recorded.query("records/replays") == []
    assert recorded.rebuild("some", dry_run=True).verdict == "impossible"
    assert str(saved).startswith("dataset some")
    assert "<td><bdi>1</bdi></td>" in saved._repr_mimebundle_()["text/html"]


def test_what_comes_out_differently_is_kept_with_why(recorded: Graph) -> None:
    from pyspark.sql import functions as F

    recorded.save(recorded.spark().range(9).withColumn("x", F.rand()), "seeded")
    assert recorded.rebuild("seeded").verdict == "identical", "the client drew a seed"
    recorded.save(recorded.spark().sql("SELECT id, rand() AS x FROM range(9)"), "unseeded")
    rebuild = recorded.rebuild("unseeded")
    output = rebuild.outputs[-1]
    assert (rebuild.verdict, output.parts) == ("different", ("x",))
    assert "When it was recorded:" in output.explanation and "rand" in output.explanation
    assert Path(str(output.place)).is_dir()


def test_a_version_that_does_not_exist_cannot_be_rebuilt(graph: Graph) -> None:
    with pytest.raises(NotFound, match="versions 1 to 1"):
        graph.rebuild("features", 2)
