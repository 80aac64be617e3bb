"""What a notebook does, over a server and in a folder: the same record, the same verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.linear_model import LogisticRegression

from lineage_graph.graph import Graph, connect
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine

pytestmark = pytest.mark.spark


def told(graph: Graph, engine: Engine, data: Path) -> dict[str, Any]:
    """Record, save, train, predict, rebuild and renew; return what can be compared."""
    graph.spark(f"{engine.url}/;token={engine.token}").conf.set("spark.sql.shuffle.partitions", "1")
    for shift in (0, 1):
        file = data / "flights.csv"
        rows = [f"{n},{(n * 37 + shift) % 100},{n % 3 == 0}" for n in range(60)]
        file.write_text("\n".join(["id,delay,late", *rows]) + "\n")
        graph.dataset("flights", file, header=True, inferSchema=True, license="CC0-1.0")
    flights = graph.read("flights", 1)
    saved = graph.save(flights.where("delay < 90"), "features")
    model = graph.fit(
        LogisticRegression(), "features", name="late", label="late", features=["delay"]
    )
    predicted = graph.predict("late", "features", name="predictions")
    rebuilt = [graph.rebuild(name) for name in ("features", "late", "predictions")]
    renewed = graph.renew("predictions", {"flights@1": "flights@2"})
    assert graph.problems == []
    return {
        "fingerprints": [saved.fingerprint, predicted.fingerprint],
        "learnt": graph.describe("late")["stages"],
        "verdicts": [one.verdict for one in rebuilt],
        "metrics": dict(model.metrics),
        "renewed": len(renewed.to_dict()),
        "lineage": sorted(node.name for node in graph.lineage("predictions@2").nodes),
        "versions": [len(graph.versions(name)) for name in ("flights", "features", "predictions")],
        "license": graph.license_terms("predictions").to_dict()["verdicts"],
        "steps": graph.describe("features").get("steps"),
    }


@pytest.fixture
def client(store: Path, tmp_path: Path) -> Iterator[Graph]:
    with (
        serving(Settings(store, port=0)) as address,
        connect(address, working=tmp_path / "ana", quiet=True) as graph,
    ):
        yield graph


def test_a_notebook_on_a_server_gives_what_it_gives_in_a_folder(
    client: Graph, engine: Engine, store: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    remote = told(client, engine, data)
    assert remote["verdicts"] == ["identical"] * 3
    with connect(tmp_path / "embedded", quiet=True) as embedded:
        assert told(embedded, engine, data) == remote
    with connect(client.opened.elsewhere.address, working=tmp_path / "bruno") as bruno:  # type: ignore[union-attr]
        # On one file system a colleague reads and rebuilds what the other saved.
        bruno.spark(f"{engine.url}/;token={engine.token}")
        assert bruno.read("predictions", 1).count() == 54
        assert bruno.rebuild("predictions").verdict == "identical"
    assert client.verify()["published"] == 0
    with connect(store) as served:
        assert served.validate() == []
