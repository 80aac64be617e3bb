"""Which steps a rebuild takes, in which order, and what stands in its way.

Read off the graph alone, before anything is started.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from lineage_graph.artifacts import Artifacts
from lineage_graph.errors import LineageGraphError, PlanIncomplete
from lineage_graph.executors import ExecutorName, Pin
from lineage_graph.replay.origins import Origin, Record
from lineage_graph.snapshots import Snapshots

Action = Literal["run", "reuse", "impossible"]


@dataclass(frozen=True)
class Task:
    """What becomes of one version in a rebuild.

    Attributes:
        version: IRI.
        name: For people.
        action: ``run`` its plan, ``reuse`` its bytes, or ``impossible``.
        origin: Its plan; needed for ``run``.
        pin: Its bytes; needed for ``reuse``.
        reason: Why it is impossible, or what happened to the original of a kept copy.
    """

    version: str
    name: str
    action: Action
    origin: Origin | None = None
    pin: Pin | None = None
    reason: str | None = None


class Ordering:
    """Orders the tasks of one rebuild, inputs before outputs.

    Args:
        record: What the graph knows.
        artifacts: Programs.
        snapshots: Checks pinned bytes.
        name_of: Gives a version's name for people.
        from_scratch: Run every recorded plan instead of reusing what it made.
    """

    def __init__(
        self,
        record: Record,
        artifacts: Artifacts,
        snapshots: Snapshots,
        name_of: Callable[[str], str],
        from_scratch: bool,
    ) -> None:
        self._record = record
        self._artifacts = artifacts
        self._snapshots = snapshots
        self._name_of = name_of
        self._from_scratch = from_scratch
        self._origins: dict[str, Origin | None] = {}

    def tasks(self, target: str) -> list[Task]:
        """Return the tasks that lead to a version, itself last.

        Raises:
            PlanIncomplete: The record says that a version came from itself.
        """
        tasks: dict[str, Task] = {}
        entered: set[str] = set()
        # Depth first with an explicit stack: a chain of versions can be long.
        stack = [(target, False)]
        while stack:
            version, inputs_done = stack.pop()
            if version in tasks:
                continue
            if inputs_done:
                tasks[version] = self._run(version, tasks)
                continue
            task = self.reuse(version) if version != target else None
            if task is not None:
                tasks[version] = task
                continue
            if version in entered:
                raise PlanIncomplete(
                    f"The record says that {self._name_of(version)} was made from itself. "
                    "Check it: lineage-graph verify."
                )
            entered.add(version)
            origin = self.origin(version)
            stack.append((version, True))
            if origin is not None:
                stack += [(entity, False) for entity in reversed(list(origin.inputs.values()))]
        return list(tasks.values())

    def origin(self, version: str) -> Origin | None:
        """Return how a version was made, or None when it came from outside."""
        if version not in self._origins:
            self._origins[version] = self._record.origin(version)
        return self._origins[version]

    def reuse(self, version: str) -> Task | None:
        """Return a task that reuses a version's bytes, or None when its plan must run."""
        made = self.origin(version) is not None
        if made and self._from_scratch:
            return None
        reasons = []
        for pin in self._record.pins(version):
            reason = self._broken(pin)
            if reason is None:
                name, since = self._name_of(version), self._changed_since(pin)
                return Task(version, name, "reuse", pin=pin, reason=since)
            reasons.append(reason)
        if made:
            return None
        reason = "; ".join(reasons) or "its bytes were not pinned when it was recorded"
        return Task(version, self._name_of(version), "impossible", reason=reason)

    def _broken(self, pin: Pin) -> str | None:
        try:
            self._snapshots.verify(pin)
        except LineageGraphError as problem:
            return str(problem)
        return None

    def _changed_since(self, pin: Pin) -> str | None:
        if pin.snapshot != "copy" or pin.place.format == "local":
            return None
        try:
            self._snapshots.check(pin)
        except LineageGraphError as problem:
            return f"the kept copy is used; the original changed since: {problem}"
        return None

    def _run(self, version: str, tasks: dict[str, Task]) -> Task:
        name = self._name_of(version)
        origin = self.origin(version)
        if origin is None:
            reason = "it was not made by a recorded plan; it came from outside"
            return Task(version, name, "impossible", reason=reason)
        obstacle = self.obstacle(origin)
        if obstacle is not None:
            return Task(version, name, "impossible", origin=origin, reason=obstacle)
        for entity in origin.inputs.values():
            if tasks[entity].action == "impossible":
                cause = tasks[entity]
                why = cause.reason if cause.origin else f"input {cause.name}: {cause.reason}"
                return Task(version, name, "impossible", origin=origin, reason=why)
        return Task(version, name, "run", origin=origin)

    def obstacle(self, origin: Origin) -> str | None:
        """Return why a plan cannot run, whatever its inputs."""
        if not origin.replayable:
            return f"its plan cannot be replayed: {'; '.join(origin.cautions)}"
        if origin.executor not in get_args(ExecutorName):
            return f"this release has no executor {origin.executor!r}; update lineage-graph"
        try:
            self._artifacts.verify(origin.program)
        except LineageGraphError as problem:
            return f"its program cannot be read: {problem}"
        return None
