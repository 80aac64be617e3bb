"""What came of a rebuild, or what would: one line for each version on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lineage_graph.drawing import Table
from lineage_graph.drawing.table import as_text, mime_bundle
from lineage_graph.errors import ReplayMismatch
from lineage_graph.executors import Fingerprint, LearntState
from lineage_graph.replay.comparison import Verdict, worst
from lineage_graph.replay.ordering import Action, Task

HEADER = ("", "action", "verdict", "rows", "seconds", "explanation")


@dataclass(frozen=True)
class Rebuilt:
    """What became of one version in a rebuild.

    Attributes:
        version: IRI of the recorded version.
        name: For people.
        action: ``run`` its plan, ``reuse`` its recorded bytes, or ``impossible``.
        verdict: See :class:`Finding`; ``impossible`` when the plan cannot run or
            raised, None when nothing was compared.
        explanation: Why.
        parts: Columns or parameters that differ.
        seconds: Wall time of the step.
        place: Where the output lies, when it was kept.
        content: What the output contains.
        original: Activity that made the recorded version.
        plan: Its plan.
        inputs: Slot to the recorded version that filled it.
        metrics: Measure of a model to what was recorded and what it is now.
        facts: The environment it ran in; empty when it did not run.
        started: When it began, UTC; None when it did not run.
        error: Class of the error when the plan raised.
    """

    version: str
    name: str
    action: Action
    verdict: Verdict | None
    explanation: str
    parts: tuple[str, ...] = ()
    seconds: float | None = None
    place: str | None = None
    content: Fingerprint | LearntState | None = None
    original: str | None = None
    plan: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    started: datetime | None = None
    error: str | None = None

    @property
    def rows(self) -> int | None:
        """Rows of a rebuilt table."""
        return self.content.rows if isinstance(self.content, Fingerprint) else None

    @property
    def fingerprint(self) -> str | None:
        """Hex digest over all that the output contains."""
        return self.content.digest if self.content else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        shown = ("version", "name", "action", "verdict", "explanation", "rows", "seconds")
        more = ("fingerprint", "place", "original", "plan", "error")
        plain = {key: getattr(self, key) for key in (*shown, *more)}
        metrics = {name: list(pair) for name, pair in self.metrics.items()}
        return {**plain, "parts": list(self.parts), "metrics": metrics}


@dataclass(frozen=True)
class Rebuild:
    """What came of a rebuild.

    Attributes:
        target: IRI of the version that was asked for.
        name: For people.
        outputs: The versions on the way, inputs before outputs, the target last.
        environment: Fact to what it was and what it is, where they differ.
        dry_run: Nothing was executed; outputs say what would be.
    """

    target: str
    name: str
    outputs: tuple[Rebuilt, ...]
    environment: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    dry_run: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """The worst of all outputs' verdicts; None when nothing was compared."""
        return worst([o.verdict for o in self.outputs if o.verdict is not None])

    @property
    def reused(self) -> tuple[str, ...]:
        """Names of the versions whose recorded bytes are used."""
        return tuple(o.name for o in self.outputs if o.action == "reuse")

    @property
    def first_difference(self) -> Rebuilt | None:
        """The first output, inputs before outputs, that was found not to be identical."""
        return next((o for o in self.outputs if o.verdict not in (None, "identical")), None)

    def verify(self) -> Rebuild:
        """Return itself when the record holds.

        Raises:
            ReplayMismatch: The verdict is ``different`` or ``impossible``.
        """
        if self.verdict in ("different", "impossible"):
            first = self.first_difference
            detail = f"{first.name}: {first.explanation}" if first else ""
            raise ReplayMismatch(f"The rebuild of {self.name} is {self.verdict}. {detail}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        first = self.first_difference
        return {
            "target": self.target,
            "name": self.name,
            "verdict": self.verdict,
            "dry_run": self.dry_run,
            "first_difference": first.name if first else None,
            "reused": list(self.reused),
            "environment": {k: list(v) for k, v in self.environment.items()},
            "outputs": [output.to_dict() for output in self.outputs],
        }

    def __str__(self) -> str:
        return "\n".join([as_text(self._table()), *self._differences()])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows: a table, and text where it cannot show one."""
        return {**mime_bundle(self._table()), "text/plain": str(self)}

    def _table(self) -> Table:
        found = self.verdict or ("possible" if self.dry_run else "nothing to compare")
        what = "dry run of the rebuild" if self.dry_run else "rebuild"
        caption = f"{what} of {self.name}: {found}"
        return Table(caption, HEADER, [_line(output) for output in self.outputs])

    def _differences(self) -> list[str]:
        return [
            f"  {fact} was {was} when it was recorded and is {now} now"
            for fact, (was, now) in self.environment.items()
        ]


def _line(output: Rebuilt) -> list[str]:
    rows = "" if output.rows is None else f"{output.rows:,}"
    seconds = "" if output.seconds is None else f"{output.seconds:.1f}"
    verdict = output.verdict or ""
    return [output.name, output.action, verdict, rows, seconds, output.explanation]


def planned(task: Task) -> Rebuilt:
    """Return what is to become of a version, before anything ran."""
    origin = task.origin
    label = f"by {origin.label}" if origin else ""
    return Rebuilt(
        task.version,
        task.name,
        task.action,
        "impossible" if task.action == "impossible" else None,
        task.reason or ("the recorded bytes are as they were" if task.pin else label),
        original=origin.activity if origin else None,
        plan=origin.plan if origin else None,
        inputs=origin.inputs if origin else {},
    )
