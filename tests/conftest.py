"""What every test may use: one engine for the whole run, and places for stores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

    from lineage_graph.executors.spark.engine import Engine
    from lineage_graph.graph import Graph


pytest_plugins = ["tests.spreading"]


@pytest.fixture(autouse=True)
def _away_from_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep a test that forgets to name a store, or reads settings, off the person's own."""
    monkeypatch.setenv("LINEAGE_GRAPH_STORE", str(tmp_path / "unnamed-store"))
    for variable in ("SPARK_MEMORY", "OPENLINEAGE_URL", "OPENLINEAGE_TOKEN"):
        monkeypatch.delenv(f"LINEAGE_GRAPH_{variable}", raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder for a store, not made yet."""
    return tmp_path / "store"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The one Spark engine of the test run."""
    from lineage_graph.executors.spark.engine import Engine

    started = Engine.start(master="local[2]", memory="2g", folder=tmp_path_factory.mktemp("engine"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def spark(engine: Engine) -> Iterator[SparkSession]:
    """A plain Spark session on the engine; nothing records it."""
    from pyspark.sql.connect.session import SparkSession

    # pyspark.sql.functions looks here, not at the session, for which kind of Column to make.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    session = SparkSession.builder.channelBuilder(engine.channel()).create()
    yield session
    session.stop()


@pytest.fixture
def recorded(engine: Engine, store: Path) -> Iterator[Graph]:
    """An empty graph whose session is on the shared engine."""
    from lineage_graph.graph import connect

    with connect(store) as graph:
        graph.spark(f"{engine.url}/;token={engine.token}")
        yield graph


@pytest.fixture(scope="module")
def serve_given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Serve graphs that scenarios give, each as one bundle, while the module's tests run.

    What is returned takes their files, and settings of the server; it returns the address.
    """
    from lineage_graph.server.running import serving
    from lineage_graph.server.settings import Settings
    from tests.integration.given import record

    with ExitStack() as running:

        def serve(*given: Path, **settings: Any) -> str:
            store = tmp_path_factory.mktemp("served")
            for one in given:
                record(store, one)
            return running.enter_context(serving(Settings(store, port=0, **settings)))

        yield serve
