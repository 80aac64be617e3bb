"""Replay scripts of what Spark and scikit-learn did, executed where there is no store."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lineage_graph.errors import InputChanged
from lineage_graph.graph import Graph, connect
from lineage_graph.graph.scripting import run_script

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

pytestmark = pytest.mark.spark

FUNCTION = """
from pyspark.sql import functions as F

@F.udf("string")
def shout(text):
    return text.upper() + "!"
"""


def written(graph: Graph, name: str, into: Path) -> Path:
    return graph.replay_script(name, into)


def address(engine: Engine) -> str:
    return f"{engine.url}/;token={engine.token}"


def told(graph: Graph, project: Path) -> None:
    """Record a story of two files, rows in memory, joins, SQL, a function and models."""
    from pyspark.ml.classification import LogisticRegression as SparkLogisticRegression
    from pyspark.sql import functions as F
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    spark: Any = graph.spark()
    lines = [f"{n},{('AA', 'UA', 'DL')[n % 3]},{n * n % 97}.25,{n % 2}" for n in range(80)]
    (project / "flights.csv").write_text("\n".join(["id,carrier,miles,late", *lines]) + "\n")
    (project / "carriers").mkdir()
    for code, name in (("AA", "American"), ("UA", "United")):
        (project / "carriers" / f"{code}.csv").write_text(f"{code},{name}\n")
    graph.dataset("flights", project / "flights.csv", header=True, inferSchema=True)
    carriers = spark.read.csv(str(project / "carriers"), schema="code STRING, carrier_name STRING")
    rates = spark.createDataFrame([("AA", 0.1), ("UA", 0.2)], "key string, rate double")
    script: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(FUNCTION, str(project / "script.py"), "exec"), script)
    joined = (
        graph.read("flights")
        .where("miles > 3")
        .join(carriers, F.col("carrier") == F.col("code"), "left")
        .join(rates, F.col("carrier") == F.col("key"), "left")
        .select(
            "id",
            "miles",
            "late",
            F.coalesce("rate", F.lit(0.5)).alias("rate"),
            script["shout"](F.coalesce("carrier_name", F.lit("none"))).alias("carrier"),
        )
    )
    graph.save(joined, "features")
    spark.read.parquet(graph.describe("features")["location"]).createOrReplaceTempView("f")
    by_carrier = spark.sql("SELECT carrier, count(*) AS n, sum(miles) AS miles FROM f GROUP BY ALL")
    by_carrier.write.parquet(str(project / "by carrier"))
    features = ["miles", "rate"]
    pipeline = make_pipeline(SimpleImputer(strategy="median"), LogisticRegression(C=0.25))
    graph.fit(pipeline, "features", name="late", label="late", features=features)
    graph.predict("late", "features", name="guesses", keep=["id"])
    logistic = SparkLogisticRegression(maxIter=3)
    graph.fit(logistic, "features", name="logistic", label="late", features=features)
    graph.predict("logistic", "features", name="chances", keep=["id"])
    assert not graph.problems, graph.problems


@pytest.fixture(scope="module")
def scripts(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scripts and copies of the sources; store and sources are gone.

    Returns:
        Folder of ``guesses``, ``chances``, ``shares`` and ``sources``.
    """
    root = tmp_path_factory.mktemp("replayed")
    project, out = root / "project", root / "out"
    project.mkdir()
    with connect(root / "store") as graph:
        graph.spark(address(engine))
        told(graph, project)
        for name in ("guesses", "chances"):
            written(graph, name, out / name)
        written(graph, str(project / "by carrier"), out / "shares")
    (root / "store").rename(root / "store moved away")
    (root / "project").rename(out / "sources")
    return out


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another working folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def sources(folder: Path) -> dict[str, Path]:
    return {"flights": folder / "flights.csv", "carriers": folder / "carriers"}


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("guesses", ["features@1", "late@1", "guesses@1"]),
        ("chances", ["features@1", "logistic@1", "chances@1"]),
        ("shares", ["features@1", "by carrier@1"]),
    ],
)
def test_whoever_has_the_sources_gets_the_same_fingerprints(
    scripts: Path, elsewhere: Path, engine: Engine, name: str, steps: list[str]
) -> None:
    done = run_script(
        scripts / name, sources(scripts / "sources"), elsewhere / "again", address=address(engine)
    )
    assert [step.name for step in done.steps] == steps
    assert {step.verdict for step in done.steps} == {"identical"}, [str(s) for s in done.steps]
    assert done.exit_status == 0
    assert len(list((elsewhere / "again").iterdir())) == len(steps)
    assert all(step.place is not None and step.place.exists() for step in done.steps)


def test_an_altered_byte_of_a_source_is_refused_by_name(
    scripts: Path, elsewhere: Path, engine: Engine
) -> None:
    copy = elsewhere / "flights.csv"
    copy.write_bytes(
        (scripts / "sources" / "flights.csv").read_bytes().replace(b"25,1", b"26,1", 1)
    )
    given = {**sources(scripts / "sources"), "flights@1": copy}
    given.pop("flights")
    with pytest.raises(InputChanged, match=r"flights@1: .*flights\.csv is not the recorded file"):
        run_script(scripts / "guesses", given, elsewhere / "again", address=address(engine))
    assert not (elsewhere / "again").exists()


def test_the_readme_names_each_operator_with_its_parameters(scripts: Path) -> None:
    text = (scripts / "guesses" / "README.md").read_text()
    steps = json.loads((scripts / "guesses" / "steps.json").read_text())["steps"]
    names = [operator["name"] for operator in steps[0]["operators"]]
    assert {"read", "filter", "join", "project"} <= set(names)
    for said in (
        "**filter** `miles > 3`",
        "left outer join on carrier = code",
        "shout",
        "`input:0` is `flights@1`",
        "header = true",
        "**fit** ",
        "features = [miles, rate], label = late",
        "LogisticRegression",
        "C** `0.25`",
        'strategy** `"median"`',
        "**predict** `keep = [id]",
        "Rows that were held in memory",
        "| `flights.csv` |",
        "| `AA.csv` |",
        steps[0]["expected"]["fingerprint"],
        f"{steps[0]['expected']['rows']} rows",
    ):
        assert said in text, said
    text = (scripts / "chances" / "README.md").read_text()
    assert "maxIter** `3`" in text
    assert "sum(miles)" in (scripts / "shares" / "README.md").read_text()


def test_no_file_names_a_place_or_a_person_of_this_machine(scripts: Path) -> None:
    root = str(scripts.parent)
    files = [
        file
        for name in ("guesses", "chances", "shares")
        for file in (scripts / name).rglob("*")
        if file.is_file()
    ]
    assert len(files) > 12
    for file in files:
        body = file.read_bytes()
        for private in (root, os.getcwd(), f"{Path.home()}/", f"/{getpass.getuser()}/"):
            assert private.encode() not in body, (file, private)


def test_a_plan_that_cannot_be_replayed_is_said(recorded: Graph, tmp_path: Path) -> None:
    from pyspark.ml.feature import StringIndexer

    spark: Any = recorded.spark()
    rows = spark.range(5).selectExpr("cast(id % 2 AS string) AS x").where("x < '5'")
    indexed = StringIndexer(inputCol="x", outputCol="i").fit(rows).transform(rows)
    recorded.save(indexed, "indexed")
    folder = written(recorded, "indexed", tmp_path / "script")
    text = (folder / "README.md").read_text()
    assert "**Not replayable:** its plan cannot be replayed: it uses a fitted Spark ML" in text
    step = json.loads((folder / "steps.json").read_text())["steps"][0]
    assert (step["program"], list((folder / "programs").iterdir())) == (None, [])
    assert "fitted Spark ML model" in step["obstacle"]
    # No engine is started: nothing can run.
    done = run_script(folder, {}, tmp_path / "again")
    assert ([step.verdict for step in done.steps], done.exit_status) == (["impossible"], 1)
