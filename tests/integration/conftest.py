"""One recorded session for all tests of what ordinary code leaves behind, and real servers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine
    from lineage_graph.graph import Graph
    from lineage_graph.replay import Rebuild


@dataclass
class Capture:
    """A recorded session, and what a test asks of its record.

    Attributes:
        graph: The graph that records.
        spark: Its session.
        sources: Folder whose files are moved away before anything is rebuilt.
        out: Folder to write to.
        tables: Names of tables to drop at the end.
        earlier: How many problems there were before.
    """

    graph: Graph
    spark: Any
    sources: Path
    out: Path
    tables: list[str] = field(default_factory=list)
    earlier: int = 0

    @property
    def problems(self) -> list[str]:
        """Return what could not be captured since the test began."""
        return self.graph.problems[self.earlier :]

    def people(self, name: str = "people.csv", first: int = 0) -> str:
        """Make a small CSV file and return its path."""
        lines = [f"{i};n{i % 3};{i * 1.5}" for i in range(first, first + 6)]
        path = self.sources / name
        path.write_text("\n".join(["id;name;v", *lines]) + "\n")
        return str(path)

    def csv(self, *paths: str) -> Any:
        """Read people."""
        where = list(paths) or [self.people()]
        return self.spark.read.csv(
            where, sep=";", header=True, schema="id INT, name STRING, v DOUBLE"
        )

    def table(self) -> str:
        """Return a new name for a table."""
        self.tables.append(f"t_{uuid.uuid4().hex[:12]}")
        return self.tables[-1]

    def write(self, df: Any) -> str:
        """Write a DataFrame as ordinary code does and return where."""
        path = str(self.out / uuid.uuid4().hex[:8])
        df.write.parquet(path)
        return path

    def activities(self, label: str | None = None) -> list[Mapping[str, Any]]:
        """Return the activities, oldest first."""
        rows = self.graph.query("records/activity")
        return [row for row in rows if label is None or row["label"] == label]

    def origin(self, name: str) -> Any:
        """Return how the newest version was made."""
        found = self.graph._record.origin(self.graph.resolve(name))
        assert found is not None, f"{name} was not made by a recorded plan"
        return found

    def steps(self, name: str) -> list[str]:
        """Return the operators behind the newest version, with their parameters."""
        return list(self.graph.describe(name).get("steps", []))

    def inputs(self, name: str) -> set[str]:
        """Return the names of the versions that the newest version was made from."""
        return set(self.graph.describe(name).get("made_from", {}).values())

    def kinds(self, name: str) -> dict[str, set[str]]:
        """Return the kinds of derivation on any way from each input."""
        found: dict[str, set[str]] = {}
        version = self.graph.resolve(name)
        for edge in self.graph.lineage(version, depth=1).edges:
            found.setdefault(self.graph._catalogue.name_of(edge.source), set()).update(edge.kinds)
        return found

    def columns(self, name: str) -> dict[str, set[str]]:
        """Return the source columns of each column."""
        version = self.graph.resolve(name)
        rows = self.graph.query("records/columns", version=version)
        found: dict[str, set[str]] = {str(row["name"]): set() for row in rows}
        for row in rows:
            if row["source"]:
                found[str(row["name"])].add(str(row["source"]).rpartition("#")[2])
        return found

    def rebuilt(self, name: str) -> Rebuild:
        """Move the sources away and execute the record again."""
        if self.sources.exists():
            self.sources.rename(self.sources.with_name("moved away"))
        return self.graph.rebuild(name)

    def proven(self, name: str) -> None:
        """Check that the newest version was captured whole and is made again, identical."""
        assert self.problems == []
        origin = self.origin(name)
        assert origin.replayable, origin.cautions
        assert self.activities(origin.label)[-1]["status"] == "completed"
        for version in origin.inputs.values():
            assert self.graph._record.pins(version), f"{version} was not pinned"
            assert self.graph._record.content(version), f"{version} was not read"
        content = self.graph._record.content(self.graph.resolve(name))
        assert content is not None and json.loads(content.schema or "")
        rebuild = self.rebuilt(name)
        assert rebuild.verdict == "identical", rebuild.first_difference


@pytest.fixture(scope="module")
def _captured(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    from lineage_graph.graph import connect

    with connect(tmp_path_factory.mktemp("capture") / "store") as graph:
        spark = graph.spark(f"{engine.url}/;token={engine.token}")
        # Tables of six rows: more partitions than one only cost time.
        spark.conf.set("spark.sql.shuffle.partitions", "1")
        yield graph


@pytest.fixture
def capture(_captured: Graph, tmp_path: Path) -> Iterator[Capture]:
    """A recorded session, shared by the tests of a module, with folders of its own."""
    sources, out = tmp_path / "sources", tmp_path / "out"
    sources.mkdir()
    capture = Capture(_captured, _captured.spark(), sources, out)
    capture.earlier = len(_captured.problems)
    yield capture
    for table in capture.tables:
        capture.spark.sql(f"DROP TABLE IF EXISTS {table}")


def serve(*options: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    program = Path(sys.executable).with_name("oxigraph")
    server = subprocess.Popen(
        [program, "serve", "--bind", address, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{address}/").close()
                break
            except urllib.error.URLError:
                time.sleep(0.05)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def union_server() -> Iterator[str]:
    yield from serve("--union-default-graph")


@pytest.fixture(scope="session")
def plain_server() -> Iterator[str]:
    yield from serve()
