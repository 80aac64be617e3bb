"""Rebuilding a version: engines are started only when a plan runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from lineage_graph.graph.engines import Rebuilding
from lineage_graph.graph.progress import Progress, watched
from lineage_graph.graph.writing import Writing
from lineage_graph.replay import Rebuild, Rebuilder, Rebuilt
from lineage_graph.replay.recording import replay_records


def rebuilt(
    rebuilder: Rebuilder,
    target: str,
    writer: Callable[[], Writing],
    into: str | Path | None,
    dry_run: bool,
    from_scratch: bool,
    progress: Progress | None,
) -> Rebuild:
    """Rebuild a version and record what ran; see ``Graph.rebuild``."""
    tasks = rebuilder.tasks(target, from_scratch)
    if dry_run:
        return rebuilder.planned(target, tasks)
    with ExitStack() as ending:

        def engines() -> Rebuilding:
            fresh = writer().engines.fresh()
            ending.callback(fresh.close)
            return fresh

        def report(outputs: Sequence[Rebuilt]) -> None:
            recorder = writer().recorder
            recorder.append(*replay_records(outputs, recorder.author))

        folder = Path(into) if into is not None else None
        told = progress or ending.enter_context(watched(f"rebuild {rebuilder.name_of(target)}"))
        return rebuilder.rebuild(target, tasks, engines, folder, told, report)
