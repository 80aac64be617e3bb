"""Verdicts from recorded operators alone: nothing is declared but the licences of sources."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lineage_graph.errors import LicenseWarning, PolicyRefused
from lineage_graph.graph import Graph, connect
from lineage_graph.licensing import NOT_ADVICE

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

pytestmark = pytest.mark.spark

LICENSES = {"flights": "CC0-1.0", "routes": "ODbL-1.0", "prices": "CC-BY-NC-ND-4.0"}


def address(engine: Engine) -> str:
    return f"{engine.url}/;token={engine.token}"


def sources(folder: Path) -> None:
    folder.mkdir()
    flights = [f"{n},{'ABC'[n % 3]},{n * 7 % 50},{n % 2}" for n in range(60)]
    (folder / "flights.csv").write_text("\n".join(["id,dest,miles,late", *flights]) + "\n")
    (folder / "routes.csv").write_text("to,airlines\nA,3\nB,1\nC,2\n")
    (folder / "prices.csv").write_text("to,price\nA,10.5\nB,20.5\nC,30.5\n")


@pytest.fixture(scope="module")
def told(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """A graph with features, two models and predictions made from three sources."""
    from pyspark.sql import functions as F
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    root = tmp_path_factory.mktemp("licensed")
    sources(root / "data")
    with connect(root / "store") as graph:
        graph.spark(address(engine))
        for name, license_ in LICENSES.items():
            graph.dataset(
                name, root / "data" / f"{name}.csv", license=license_, header=True, inferSchema=True
            )
        joined = graph.read("flights").join(graph.read("routes"), F.col("dest") == F.col("to"))
        graph.save(joined.select("id", "miles", "airlines", "late"), "features")
        few = graph.read("flights").groupBy("dest").agg(F.avg("miles").alias("miles"))
        graph.save(few, "averages")
        for estimator, name in (
            (LogisticRegression(), "linear"),
            (KNeighborsClassifier(3), "neighbours"),
        ):
            graph.fit(
                estimator, "features", name=name, label="late", features=["miles", "airlines"]
            )
        graph.predict("linear", "features", name="guesses", keep=[])
        assert not graph.problems, graph.problems
        yield graph


def levels(graph: Graph, name: str, policy: str) -> dict[str, str]:
    """Return how much of each source is left, at most."""
    terms = graph.license_terms(name, policy)
    return {terms.named(b.source): terms.level(b) for b in terms.judgement.bound}


@pytest.mark.parametrize(
    ("name", "permissive", "balanced", "conservative"),
    [
        ("features", "Adapted", "Adapted", "Adapted"),
        ("linear", None, "Results", "Adapted"),
        ("neighbours", "Adapted", "Adapted", "Adapted"),
        ("guesses", None, "Results", "Results"),
    ],
)
def test_how_much_of_a_source_is_left_follows_from_what_was_done(
    told: Graph, name: str, permissive: str | None, balanced: str, conservative: str
) -> None:
    found = [levels(told, name, policy) for policy in ("permissive", "balanced", "conservative")]
    assert [one.get("routes@1") for one in found] == [permissive, balanced, conservative]
    assert all("prices@1" not in one for one in found)


def test_every_term_names_its_path_and_the_page_says_that_it_is_no_advice(told: Graph) -> None:
    for name in ("features", "linear", "neighbours", "guesses"):
        for policy in ("permissive", "balanced", "conservative"):
            terms = told.license_terms(name, policy)
            assert all(term.path for term in terms.terms)
            assert all(term.path[-1].derived == terms.name for term in terms.terms)
            assert NOT_ADVICE in terms.to_html() and NOT_ADVICE in str(terms)


def test_a_source_that_ends_reaches_what_used_it_and_spares_what_did_not(told: Graph) -> None:
    impact = told.license_impact("routes")
    assert {row.artifact for row in impact.rows()} == {
        *("routes@1", "features@1", "linear@1", "neighbours@1", "guesses@1"),
    }
    assert impact.unaffected() == ["averages@1", "flights@1", "prices@1"]


def test_what_could_not_be_shared_is_warned_about_or_refused_before_it_is_made(
    told: Graph, engine: Engine
) -> None:
    from pyspark.sql import functions as F

    dear = told.read("flights").join(told.read("prices"), F.col("dest") == F.col("to")).drop("to")
    with pytest.warns(LicenseWarning, match=r"prices@1, CC-BY-NC-ND-4.0, by prices@1 -> dear"):
        told.save(dear, "dear")
    with connect(told.folders.root, license_gate="refuse") as strict:
        strict.spark(address(engine))
        again = strict.read("dear").where("price > 15")
        before, published = strict._ledger.head, sorted(strict.folders.data.iterdir())
        with pytest.raises(PolicyRefused, match="leave out or replace prices@1"):
            strict.save(again, "dearest")
        assert strict._ledger.head == before
        assert sorted(strict.folders.data.iterdir()) == published


def test_a_model_is_published_with_its_notice_and_the_method_it_owes(
    told: Graph, tmp_path: Path
) -> None:
    with connect(told.folders.root, license_policy="balanced") as graph:
        published = graph.publish("linear", tmp_path / "out", use="commercial")
    assert published.verdict == "permitted" and published.methods == ("features@1",)
    notice = (tmp_path / "out" / "NOTICE.txt").read_text()
    assert "routes@1" in notice and "features@1" in notice and NOT_ADVICE in notice
    method = tmp_path / "out" / "method" / "1"
    assert "join" in (method / "README.md").read_text()
    everything = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert any(path.suffix == ".skops" for path in everything)
    told_where = [p for p in everything if str(told.folders.root.parent).encode() in p.read_bytes()]
    assert told_where == [], "no file names a folder of this machine"
    said = subprocess.run(
        [sys.executable, method / "replay.py", "--help"], capture_output=True, text=True, check=True
    )
    assert "--source" in said.stdout


def test_a_declared_licence_that_sources_do_not_allow_is_refused_and_found(told: Graph) -> None:
    with pytest.raises(PolicyRefused, match=r"features@1 cannot go out under MIT.*ODbL-1\.0"):
        told.state_license("features", "MIT")
    told.state_license("features", "ODbL-1.0")
    assert [v for v in told.validate() if v.path == "license"] == []
