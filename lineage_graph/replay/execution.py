"""Running the plans of a rebuild, one after the other, and comparing what they leave."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import LineageGraphError
from lineage_graph.executors import (
    Executor,
    ExecutorName,
    Fingerprint,
    Output,
    Place,
    Program,
    Tables,
)
from lineage_graph.replay.comparison import (
    Finding,
    compare_model,
    compare_table,
    read_state_document,
)
from lineage_graph.replay.ordering import Task
from lineage_graph.replay.origins import Origin, Record, Recorded
from lineage_graph.replay.results import Rebuilt, planned
from lineage_graph.snapshots import Snapshots

EXACT_FACTS = ("python", "pyspark", "spark", "java", "scikit-learn", "numpy")

Progress = Callable[[int, int, str], None]
"""Called with the steps that are done, their number and what is being done."""


class Engines(Protocol):
    """Gives executors, and tables for comparing, once they are needed."""

    tables: Tables

    def executor(self, name: str) -> Executor:
        """Return the executor of a name."""
        ...


@dataclass(frozen=True)
class Comparer:
    """Compares an output with what was recorded.

    Attributes:
        record: What the graph knows.
        artifacts: Where the parts of learnt states are kept.
        snapshots: Checks whether recorded bytes still lie where they lay.
        tolerance: Largest relative difference that is still equivalent.
    """

    record: Record
    artifacts: Artifacts
    snapshots: Snapshots
    tolerance: float

    def finding(
        self, version: str, output: Output, tables: Tables
    ) -> tuple[Finding, dict[str, tuple[float, float]]]:
        """Return the verdict on an output, and its measures beside the recorded ones."""
        recorded = self.record.content(version)
        if recorded is None:
            return Finding("different", "what it contained was not recorded"), {}
        if isinstance(output.content, Fingerprint):
            kept = self._kept(version)
            return compare_table(recorded, output, tables, kept, self.tolerance), {}
        metrics = {
            name: (recorded.metrics[name], value)
            for name, value in output.metrics.items()
            if name in recorded.metrics
        }
        return compare_model(recorded, self._parts(recorded), output, self.tolerance), metrics

    def _parts(self, recorded: Recorded) -> dict[str, Any] | None:
        if recorded.parts is None or not self.artifacts.holds(recorded.parts):
            return None
        return read_state_document(self.artifacts.get(recorded.parts))

    def _kept(self, version: str) -> Place | None:
        for pin in self.record.pins(version):
            try:
                self.snapshots.check(pin)
            except LineageGraphError:
                continue
            return pin.place
        return None


class Run:
    """One execution of the tasks of a rebuild.

    Args:
        comparer: Compares outputs.
        engines: Executors.
        work: Folder for outputs and restored inputs.
        progress: Told about each step.

    Attributes:
        outputs: What became of each version so far.
        places: Version to where its bytes lie.
        environment: Fact to what it was and what it is, where they differ.
    """

    def __init__(
        self, comparer: Comparer, engines: Engines, work: Path, progress: Progress
    ) -> None:
        self._comparer = comparer
        self._engines = engines
        self._work = work
        self._progress = progress
        self.outputs: list[Rebuilt] = []
        self.places: dict[str, Place] = {}
        self.environment: dict[str, tuple[str, str]] = {}

    def all(self, tasks: Sequence[Task]) -> None:
        """Run every task in order.

        Raises:
            StepFailed: A step raised; ``outputs`` says which.
        """
        self._restore(tasks)
        steps = sum(task.action == "run" for task in tasks)
        done = 0
        for task in tasks:
            if task.origin is None or task.action == "reuse":
                self.outputs.append(planned(task))
                continue
            self._progress(done, steps, task.name)
            self._step(task, task.origin, done)
            done += 1
        self._progress(steps, steps, "")

    def _restore(self, tasks: Sequence[Task]) -> None:
        """Put all recorded bytes in place before any plan starts."""
        for number, task in enumerate(tasks):
            if task.action == "reuse" and task.pin is not None:
                into = self._work / f"input-{number}"
                self.places[task.version] = self._comparer.snapshots.restore(task.pin, into)

    def _step(self, task: Task, origin: Origin, number: int) -> None:
        executor = self._engines.executor(origin.executor)
        self._note_environment(origin, executor)
        body = self._comparer.artifacts.get(origin.program)
        program = Program(cast(ExecutorName, origin.executor), body)
        started, begun = datetime.now(UTC), time.monotonic()
        running = replace(planned(task), started=started, facts=executor.environment())
        try:
            with executor.settings(origin.facts):
                ran = self._ran(running, program, executor, self._work / f"output-{number}")
        except LineageGraphError as error:
            raised = type(error.__cause__ or error).__name__
            said = replace(running, verdict="impossible", explanation=str(error), error=raised)
            self.outputs.append(replace(said, seconds=round(time.monotonic() - begun, 1)))
            raise
        explanation = _explained(ran, origin)
        seconds = round(time.monotonic() - begun, 1)
        self.outputs.append(replace(ran, explanation=explanation, seconds=seconds))

    def _ran(self, running: Rebuilt, program: Program, executor: Executor, into: Path) -> Rebuilt:
        inputs = {slot: self.places[entity] for slot, entity in running.inputs.items()}
        output = executor.run(program, inputs, into)
        self.places[running.version] = output.place
        finding, metrics = self._comparer.finding(running.version, output, self._engines.tables)
        return replace(
            running,
            verdict=finding.verdict,
            explanation=finding.explanation,
            parts=finding.parts,
            content=output.content,
            metrics=metrics,
        )

    def _note_environment(self, origin: Origin, executor: Executor) -> None:
        now = executor.environment()
        for fact in EXACT_FACTS:
            was, is_now = origin.facts.get(fact), now.get(fact)
            if was is not None and is_now is not None and was != str(is_now):
                self.environment[fact] = (was, str(is_now))


def _explained(ran: Rebuilt, origin: Origin) -> str:
    if ran.verdict == "identical" or not origin.cautions:
        return ran.explanation
    return f"{ran.explanation}. When it was recorded: {'; '.join(origin.cautions)}"
