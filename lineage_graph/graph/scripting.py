"""Executing a replay script, without any store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations
from lineage_graph.executors import Operation, Pin, Place
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.engines import Engines, Rebuilding
from lineage_graph.replay.scripts import Replayed, ScriptRun, run
from lineage_graph.snapshots import Snapshots


def run_script(
    folder: str | Path,
    sources: Mapping[str, str | Path],
    into: str | Path,
    *,
    address: str | None = None,
    tell: Callable[[Replayed], object] = lambda replayed: None,
) -> ScriptRun:
    """Execute a replay script and compare each output with what was recorded.

    Args:
        folder: Where the script is.
        sources: Name of a source to its file, or to the folder that holds its files.
        into: New folder for the outputs.
        address: ``sc://`` of a Spark Connect server on this machine; by default an
            engine of our own is started, and ended.
        tell: Told about each step as it ends.

    Raises:
        InvalidRecord: There is something in ``into``, a source is not given, or the
            script cannot be read.
        InputChanged: A source is not what was recorded; nothing was started.
        ArtifactBroken: A program is missing or altered; nothing was started.
        StepFailed: A step raised; nothing is left behind.
        MissingExtra: Spark, Java or scikit-learn is not installed.
    """
    with ExitStack() as ending:
        work = ending.enter_context(tempfile.TemporaryDirectory(prefix="lineage-graph-"))
        uploaded = Artifacts(Path(work))
        executing = Engines(Declared(Declarations()), uploaded, _Unrecorded(uploaded))
        ending.callback(executing.close)

        def engines() -> Rebuilding:
            return Rebuilding(executing, executing.session(address))

        return run(Path(folder), sources, Path(into), engines, uploaded, tell)


class _Unrecorded:
    """A sink for a session in which only recorded programs run, unseen."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts

    def blob(self, data: bytes) -> str:
        """Keep uploaded data and return its sha256."""
        return self._artifacts.put_bytes(data)

    def pin(self, place: Place) -> Pin:
        """Fix what an input is."""
        return Snapshots(self._artifacts).pin(place, "reference")

    def record(self, operation: Operation) -> None:
        """Record nothing: there is no store."""

    def problem(self, what: str, error: BaseException) -> None:
        """Report nothing: what fails is raised by the step."""
