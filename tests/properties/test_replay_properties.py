"""Properties of a rebuild's order and verdicts, whatever the history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.artifacts import Artifacts
from lineage_graph.declarations import Declarations
from lineage_graph.executors import Description, InputPath, Pin, Place, Program
from lineage_graph.identity import digested, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.query import Queries
from lineage_graph.recording.bundle import Bundles
from lineage_graph.recording.descriptions import (
    Derived,
    artifact,
    association,
    dataset_version,
    engine_agent,
    plan_records,
    usages,
)
from lineage_graph.records import Activity, Agent, Dataset, Record
from lineage_graph.replay.comparison import SEVERITY, Verdict, relative_difference, worst
from lineage_graph.replay.ordering import Ordering, Task
from lineage_graph.replay.origins import Record as History
from lineage_graph.snapshots import Snapshots
from lineage_graph.stores import open_store

AT = datetime(2026, 1, 1, tzinfo=UTC)
AUTHOR = named("agent", "test")


def version_of(number: int) -> str:
    return digested("version", f"{number:032x}")


class Past:
    """Versions numbered from 0, each made of earlier ones; one without inputs is a source."""

    def __init__(self, root: Path, inputs: Sequence[Sequence[int]], lost: set[int]) -> None:
        self.artifacts = Artifacts(root / "artifacts")
        self.snapshots = Snapshots(self.artifacts)
        (root / "rows.csv").write_text("x\n1\n")
        self.kept = self.snapshots.pin(Place((str(root / "rows.csv"),), "csv"), "copy")
        self.gone = Pin(Place((str(root / "gone"),), "csv"), self.kept.manifest, "reference")
        self.program = Program("sklearn", b"{}")
        self.artifacts.put_bytes(self.program.body)
        ledger = LedgerFile(root / "ledger.db")
        records = self._shared()
        for number, used in enumerate(inputs):
            records += self._version(number, used, self.gone if number in lost else self.kept)
        Bundles(ledger, Declarations(), AUTHOR).append(records)
        self.history = History(Queries(ledger, open_store("memory:"), Declarations()))

    def _shared(self) -> list[Record]:
        assert self.kept.manifest is not None
        return [
            engine_agent(),
            Agent(id=AUTHOR),
            Dataset(id=named("dataset", "all"), title="all"),
            artifact(self.kept.manifest, 1, "application/json"),
            *plan_records(self.program, Description(), "make"),
        ]

    def _version(self, number: int, used: Sequence[int], pin: Pin) -> list[Record]:
        version, activity = version_of(number), digested("activity", f"{number:032x}")
        slots = {f"input:{n}": version_of(source) for n, source in enumerate(used)}
        dataset = Dataset(id=named("dataset", "all"), title="all")
        if not slots:
            return dataset_version(version, dataset, pin, None, AT)
        paths = tuple(InputPath(slot, ("Transform",)) for slot in slots)
        derived = Derived(activity, slots, Description(inputs=paths))
        return [
            *dataset_version(version, dataset, pin, None, AT, derived),
            Activity(
                id=activity,
                label="make",
                started_at=AT,
                ended_at=AT,
                status="completed",
                used=tuple(sorted(set(slots.values()))),
                qualified_usage=tuple(part(activity, "usage", slot) for slot in slots),
                associated_with=AUTHOR,
                qualified_association=part(activity, "association"),
            ),
            *usages(activity, slots),
            association(activity, digested("plan", self.program.digest)),
        ]

    def tasks(self, target: int, from_scratch: bool) -> list[Task]:
        ordering = Ordering(
            self.history, self.artifacts, self.snapshots, lambda version: version, from_scratch
        )
        return ordering.tasks(version_of(target))


@st.composite
def pasts(draw: st.DrawFn) -> tuple[list[list[int]], set[int]]:
    """Draw up to nine versions with their inputs, and which of them are lost."""
    count = draw(st.integers(1, 9))
    inputs = [
        draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        for number in range(count)
    ]
    return inputs, draw(st.sets(st.integers(0, count - 1)))


@settings(max_examples=40, deadline=None)
@given(past=pasts(), from_scratch=st.booleans())
def test_inputs_come_before_outputs_and_each_version_once(
    past: tuple[list[list[int]], set[int]],
    from_scratch: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    inputs, lost = past
    target = len(inputs) - 1
    tasks = Past(tmp_path_factory.mktemp("past"), inputs, lost).tasks(target, from_scratch)
    place = {task.version: position for position, task in enumerate(tasks)}
    assert len(place) == len(tasks) and place[version_of(target)] == len(tasks) - 1
    actions = {int(task.version.rpartition(":")[2], 16): task.action for task in tasks}
    for task in tasks:
        if task.action == "run" and task.origin is not None:
            assert all(
                place[entity] < place[task.version] for entity in task.origin.inputs.values()
            )
    assert actions == expected(inputs, lost, target, from_scratch)


def expected(
    inputs: Sequence[Sequence[int]], lost: set[int], target: int, from_scratch: bool
) -> Mapping[int, str]:
    """Say by recursion what becomes of each version, as the rules are written down."""
    actions: dict[int, str] = {}

    def visit(number: int) -> str:
        if number not in actions:
            made = bool(inputs[number])
            reusable = number not in lost and not (made and from_scratch)
            if number != target and (reusable or not made):
                actions[number] = "reuse" if reusable else "impossible"
            else:
                below = [visit(source) for source in inputs[number]]
                actions[number] = "run" if made and "impossible" not in below else "impossible"
        return actions[number]

    visit(target)
    return actions


def test_a_chain_of_two_thousand_versions_is_ordered(tmp_path: Path) -> None:
    chain = [[], *([number] for number in range(2000))]
    tasks = Past(tmp_path, chain, set()).tasks(2000, from_scratch=True)
    assert [task.version for task in tasks] == [version_of(number) for number in range(2001)]
    assert [task.action for task in tasks] == ["reuse", *["run"] * 2000]


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(numbers, numbers)
def test_a_difference_is_symmetric_never_negative_and_never_not_a_number(
    a: float, b: float
) -> None:
    difference = relative_difference(a, b)
    assert difference == relative_difference(b, a)
    assert difference >= 0 and not math.isnan(difference)
    assert (difference == 0) == (a == b or (math.isnan(a) and math.isnan(b)))


@given(st.lists(st.sampled_from(SEVERITY), min_size=1))
def test_no_verdict_is_worse_than_the_overall_one(verdicts: list[Verdict]) -> None:
    overall = worst(verdicts)
    assert overall in verdicts
    assert all(SEVERITY.index(v) <= SEVERITY.index(overall) for v in verdicts if overall)
