"""Rebuild: execute the record once more and say whether the result is the same.

The plans come from the graph alone, in an order that is decided before anything
starts. Outputs go to a new folder; nothing that existed is overwritten, and an
interrupted rebuild leaves nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import LineageGraphError
from lineage_graph.identity import uuid7
from lineage_graph.replay.execution import Comparer, Engines, Progress, Run
from lineage_graph.replay.ordering import Ordering, Task
from lineage_graph.replay.origins import Record
from lineage_graph.replay.publication import publish, require_free
from lineage_graph.replay.results import Rebuild, Rebuilt, planned
from lineage_graph.snapshots import Snapshots

TOLERANCE = 1e-9

Report = Callable[[Sequence[Rebuilt]], object]
"""Called once with what ran, before outputs are published or a failure is raised."""


@dataclass(frozen=True)
class Rebuilder:
    """Rebuilds versions.

    Attributes:
        record: What the graph knows.
        artifacts: Programs and kept states.
        snapshots: Puts pinned bytes back.
        name_of: Gives a version's name for people.
        work: Folder for what is not finished.
        tolerance: Largest relative difference that is still equivalent.
    """

    record: Record
    artifacts: Artifacts
    snapshots: Snapshots
    name_of: Callable[[str], str]
    work: Path
    tolerance: float = TOLERANCE

    def tasks(self, target: str, from_scratch: bool) -> list[Task]:
        """Return what a rebuild of a version would do, in order."""
        ordering = Ordering(self.record, self.artifacts, self.snapshots, self.name_of, from_scratch)
        return ordering.tasks(target)

    def planned(self, target: str, tasks: Sequence[Task]) -> Rebuild:
        """Return what a rebuild would do, without doing it."""
        outputs = tuple(planned(task) for task in tasks)
        return Rebuild(target, self.name_of(target), outputs, dry_run=True)

    def rebuild(
        self,
        target: str,
        tasks: Sequence[Task],
        engines: Callable[[], Engines],
        into: Path | None,
        progress: Progress,
        report: Report,
    ) -> Rebuild:
        """Execute the tasks and compare.

        Args:
            target: IRI of the version.
            tasks: From :meth:`tasks`.
            engines: Starts the executors; called only when something can run.
            into: Folder to leave the outputs in; None to keep only what differs.
            progress: Told about each step.
            report: Told what ran, also when a step raised.

        Raises:
            InvalidRecord: There is something in ``into``; nothing was started.
            StepFailed: A step raised; what it left is removed.
        """
        if into is not None:
            into = into.resolve()
            require_free(into)
        if tasks[-1].action == "impossible":
            return replace(self.planned(target, tasks), dry_run=False)
        kept = into or self.work.parent / "rebuilds" / uuid7()
        with _scratch(into.parent if into else self.work) as work:
            comparer = Comparer(self.record, self.artifacts, self.snapshots, self.tolerance)
            run = Run(comparer, engines(), work, progress)
            try:
                run.all(tasks)
            except LineageGraphError:
                report(run.outputs)
                raise
            report(run.outputs)
            outputs = publish(run.outputs, run.places, work, kept, into is not None)
        return Rebuild(target, self.name_of(target), tuple(outputs), run.environment)


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    """Give a folder that is removed at the end, with the folders made for it if empty."""
    made = [folder for folder in (beside, *beside.parents) if not folder.exists()]
    work = beside / f".rebuild-{uuid7()}"
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


__all__ = ["TOLERANCE", "Progress", "Rebuild", "Rebuilder", "Rebuilt"]
