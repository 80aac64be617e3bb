"""Making versions anew from other editions: which steps that takes, and what came of it.

Read off the graph alone, before anything is started.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lineage_graph.drawing import Table
from lineage_graph.drawing.table import as_text, mime_bundle
from lineage_graph.errors import InputChanged, InvalidRecord, PlanIncomplete
from lineage_graph.replay.ordering import Ordering
from lineage_graph.replay.origins import Origin, Record

HEADER = ("before", "after", "content", "measure", "was", "is")
MOST_NAMED = 20


@dataclass(frozen=True)
class Step:
    """One version that came from what is replaced.

    Attributes:
        version: IRI of the recorded version.
        name: For people.
        origin: How it was made.
        existing: IRI of the version that was made by the same plan, or anew from this
            one, from the same new inputs already; None when it has to be made.
    """

    version: str
    name: str
    origin: Origin
    existing: str | None = None


@dataclass(frozen=True)
class Tracing:
    """Finds what came from one version on the way to another.

    Attributes:
        record: What the graph knows.
        ordering: Knows plans, and whether bytes are as they were.
        name_of: Gives a version's name for people.
    """

    record: Record
    ordering: Ordering
    name_of: Callable[[str], str]

    def reaches(self, target: str, replaced: Collection[str]) -> bool:
        """Whether all that is replaced is upstream of a version."""
        return set(replaced) <= self._upstream(target, replaced).keys() - {target}

    def steps(self, target: str, replacing: Mapping[str, str]) -> list[Step]:
        """Return what has to be made anew, inputs before outputs, the target last.

        Args:
            target: IRI of a version.
            replacing: Version to the one that takes its place.

        Raises:
            InvalidRecord: What is replaced is not upstream of the target.
            PlanIncomplete: A plan on the way cannot be replayed.
            InputChanged: The bytes of an input cannot be read.
        """
        steps: list[Step] = []
        now: dict[str, str | None] = dict(replacing)
        for origin in self._affected(target, replacing):
            inputs = [now.get(entity, entity) for entity in origin.inputs.values()]
            filled = {s: e for s, e in zip(origin.inputs, inputs, strict=True) if e is not None}
            existing = self._existing(origin, filled) if None not in inputs else None
            now[origin.version] = existing
            steps.append(Step(origin.version, self.name_of(origin.version), origin, existing))
        self._require_possible(steps, now)
        return steps

    def _affected(self, target: str, replaced: Collection[str]) -> Iterator[Origin]:
        upstream = self._upstream(target, replaced)
        beside = [self.name_of(v) for v in replaced if v not in upstream or v == target]
        if beside:
            names = [self.name_of(version) for version in upstream if version != target]
            more = ["..."] if len(names) > MOST_NAMED else []
            said = ", ".join([*names[:MOST_NAMED], *more]) or "nothing"
            raise InvalidRecord(
                f"{self.name_of(target)} was not made from {', '.join(beside)}, so there is "
                f"nothing to replace. Upstream of it: {said}."
            )
        below = set(replaced)
        for version, origin in upstream.items():
            if origin is not None and below & set(origin.inputs.values()):
                below.add(version)
                yield origin

    def _upstream(self, target: str, ends: Collection[str]) -> dict[str, Origin | None]:
        """Return a version and all upstream of it, as far as the ends, inputs first."""
        found: dict[str, Origin | None] = {}
        entered: set[str] = set()
        # Depth first with an explicit stack: a chain of versions can be long.
        stack = [(target, False)]
        while stack:
            version, inputs_done = stack.pop()
            if version in found:
                continue
            ended = version in ends and version != target
            origin = None if ended else self.ordering.origin(version)
            if inputs_done or origin is None:
                found[version] = origin
                continue
            if version in entered:
                raise PlanIncomplete(
                    f"The record says that {self.name_of(version)} was made from itself. "
                    "Check it: lineage-graph verify."
                )
            entered.add(version)
            stack.append((version, True))
            stack += [(entity, False) for entity in reversed(list(origin.inputs.values()))]
        return found

    def _existing(self, origin: Origin, inputs: Mapping[str, str]) -> str | None:
        """Return the newest version that the same plan made from inputs, if it can be read."""
        thing = self.record.of(origin.version)
        for version in sorted(self.record.versions(thing), reverse=True):
            made = self.ordering.origin(version)
            if made is None or made.inputs != inputs:
                continue
            # Renewed before, its plan may read its inputs otherwise than the original's.
            same = made.plan == origin.plan or made.informed_by == origin.activity
            if same and self._unreadable(version) is None:
                return version
        return None

    def _require_possible(self, steps: list[Step], now: Mapping[str, str | None]) -> None:
        plans: dict[str, None] = {}
        bytes_: dict[str, None] = {}
        for step in (step for step in steps if step.existing is None):
            obstacle = self.ordering.obstacle(step.origin)
            if obstacle is not None:
                plans[f"{step.name}: {obstacle}"] = None
            for entity in step.origin.inputs.values():
                version = now.get(entity, entity)
                reason = self._unreadable(version) if version is not None else None
                if version is not None and reason is not None:
                    bytes_[f"{self.name_of(version)}, an input of {step.name}: {reason}"] = None
        if plans:
            raise PlanIncomplete(
                "\n".join([*plans, "Make that with its own code. Nothing was executed."])
            )
        if bytes_:
            raise InputChanged(
                "\n".join([*bytes_, "Put what was recorded there. Nothing was executed."])
            )

    def _unreadable(self, version: str) -> str | None:
        task = self.ordering.reuse(version)
        if task is None:
            return "its recorded bytes are gone or altered"
        return task.reason if task.action == "impossible" else None


@dataclass(frozen=True)
class Renewed:
    """One version and the one that takes its place.

    Attributes:
        old: IRI of the recorded version.
        new: IRI of the new version.
        old_name: For people.
        new_name: For people.
        reused: The new version existed: the same plan had made it from the same inputs.
        rows: Rows of a table before and after; None where they are not known.
        metrics: Measure of a model to its value before and after.
        fingerprints: Hex digest of the content before and after.
        seconds: Wall time of the step; None when the new version existed.
    """

    old: str
    new: str
    old_name: str
    new_name: str
    reused: bool
    rows: tuple[int | None, int | None] = (None, None)
    metrics: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    fingerprints: tuple[str | None, str | None] = (None, None)
    seconds: float | None = None

    @property
    def differs(self) -> bool | None:
        """Whether the two contain something else; None when that is not known."""
        before, after = self.fingerprints
        return None if before is None or after is None else before != after

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        shown = ("old", "new", "old_name", "new_name", "reused", "differs", "seconds")
        return {
            **{key: getattr(self, key) for key in shown},
            "rows": list(self.rows),
            "fingerprints": list(self.fingerprints),
            "metrics": {name: list(pair) for name, pair in self.metrics.items()},
        }

    def lines(self) -> Iterator[tuple[str, ...]]:
        """Yield what a table says: a line for the rows and for each measure."""
        content = {None: "not known", True: "different", False: "the same"}[self.differs]
        said = f"{content} (existed)" if self.reused else content
        head = (self.old_name, self.new_name, said)
        measures = [(name, *map(_number, self.metrics[name])) for name in sorted(self.metrics)]
        if self.rows != (None, None):
            measures.insert(0, ("rows", *map(_count, self.rows)))
        for measure in measures or [("", "", "")]:
            yield (*head, *measure)
            head = ("", "", "")


@dataclass(frozen=True)
class Renewal:
    """What came of making a version anew from other editions.

    Attributes:
        target: IRI of the version that was to be made anew.
        name: For people.
        replaced: Name of each version that was replaced to that of its replacement.
        steps: What was made anew, inputs before outputs, the target last.
    """

    target: str
    name: str
    replaced: Mapping[str, str]
    steps: tuple[Renewed, ...]

    @property
    def version(self) -> str:
        """IRI of the new version of what was asked for."""
        return self.steps[-1].new

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "target": self.target,
            "name": self.name,
            "version": self.version,
            "replaced": dict(self.replaced),
            "steps": [step.to_dict() for step in self.steps],
        }

    def __str__(self) -> str:
        return as_text(self._table())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows: a table, and text where it cannot show one."""
        return mime_bundle(self._table())

    def _table(self) -> Table:
        said = ", ".join(f"{new} for {old}" for old, new in self.replaced.items())
        caption = f"{self.name} made anew with {said}"
        return Table(caption, HEADER, [line for step in self.steps for line in step.lines()])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"
