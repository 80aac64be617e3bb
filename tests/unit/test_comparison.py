"""Verdicts: identical, equivalent within a tolerance, or different and where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lineage_graph.executors import Fingerprint, LearntState, Output, Place
from lineage_graph.identity import canonical_json, sha256
from lineage_graph.replay.comparison import (
    Finding,
    compare_model,
    compare_table,
    read_state_document,
    relative_difference,
    state_document,
    worst,
)
from lineage_graph.replay.origins import Recorded

Cells = dict[str, list[Any]]
TYPES = {"key": "string", "x": "double", "y": "double", "n": "bigint"}


class InMemory:
    """Tables by the name of their place."""

    def __init__(self, **tables: Cells) -> None:
        self.tables = tables

    def read(self, place: Place, columns: Sequence[str] | None, order_by: Sequence[str]) -> Any:
        table = pa.table(self.tables[place.paths[0]])
        return table.sort_by([(name, "ascending") for name in order_by]).select(list(columns or ()))

    def write(self, table: Any, into: Path) -> Output:
        raise AssertionError("a comparison writes nothing")


def fingerprint(cells: Cells, version: str = "test1") -> Fingerprint:
    fields = [[name, TYPES[name]] for name in cells]
    rows = sorted(map(repr, zip(*cells.values(), strict=True)))
    columns = {name: sha256(repr(sorted(map(repr, v))).encode()) for name, v in cells.items()}
    digest = sha256(canonical_json([fields, rows]))
    schema = canonical_json({"struct": fields}).decode()
    return Fingerprint(digest, version, len(rows), schema, columns)


def compared(before: Cells, after: Cells, tolerance: float = 1e-9, kept: bool = True) -> Finding:
    was = fingerprint(before)
    recorded = Recorded(was.digest, "test1", was.rows, was.schema, was.columns, None, {})
    output = Output(Place(("after",), "test"), fingerprint(after))
    place = Place(("before",), "test") if kept else None
    return compare_table(recorded, output, InMemory(before=before, after=after), place, tolerance)


TABLE: Cells = {"key": ["a", "b", "c"], "x": [1.0, 2.0, None], "n": [1, 2, 3]}


def test_the_same_rows_in_another_order_are_identical() -> None:
    shuffled = {name: cells[::-1] for name, cells in TABLE.items()}
    finding = compared(TABLE, shuffled)
    assert finding == Finding("identical", "3 rows, all 9 cells are the same")


def test_numbers_within_the_tolerance_are_equivalent() -> None:
    finding = compared(TABLE, {**TABLE, "x": [1.0 + 1e-12, 2.0, None]})
    assert (finding.verdict, finding.parts) == ("equivalent", ("x",))
    assert "x differ by at most 1e-12 (relative), within 1e-09" in finding.explanation


def test_numbers_beyond_the_tolerance_are_different_and_it_is_said_how_far() -> None:
    finding = compared(TABLE, {**TABLE, "x": [1.0, 2.5, None]})
    assert (finding.verdict, finding.parts) == ("different", ("x",))
    assert finding.explanation == "cells of x differ by up to 0.2 (relative)"


@pytest.mark.parametrize("cell", [None, math.nan, math.inf])
def test_what_is_no_number_any_more_is_never_equivalent(cell: float | None) -> None:
    assert compared(TABLE, {**TABLE, "x": [1.0, cell, None]}, 1e300).verdict == "different"


def test_a_column_that_is_no_floating_point_number_is_never_equivalent() -> None:
    finding = compared(TABLE, {**TABLE, "n": [1, 2, 4], "x": [1.0 + 1e-12, 2.0, None]})
    assert (finding.verdict, finding.parts) == ("different", ("x", "n"))
    assert finding.explanation == "cells of x, n differ"


def test_cells_in_other_combinations_are_different() -> None:
    finding = compared(TABLE, {**TABLE, "key": ["b", "a", "c"]})
    assert finding.verdict == "different"
    assert "other combinations" in finding.explanation


def test_numbers_that_hardly_differ_do_not_hide_other_combinations() -> None:
    before: Cells = {"key": ["a", "b"], "n": [1, 2], "x": [5.0, 5.0]}
    after: Cells = {"key": ["a", "b"], "n": [2, 1], "x": [5.0 + 1e-12, 5.0]}
    assert compared(before, after).verdict == "different"


def test_the_same_numbers_in_other_combinations_are_different() -> None:
    before: Cells = {"key": ["a", "b"], "x": [1.0, 9.0], "y": [5.0, 5.0]}
    after: Cells = {"key": ["a", "b"], "x": [9.0, 1.0], "y": [5.0 + 1e-12, 5.0]}
    assert compared(before, after).verdict == "different"


def test_another_number_of_rows_is_said_first() -> None:
    finding = compared(TABLE, {name: cells[:2] for name, cells in TABLE.items()})
    assert finding.explanation == "2 rows instead of 3"


def test_another_schema_is_said_column_by_column() -> None:
    finding = compared(TABLE, {"key": ["a"], "y": [1.0], "n": [1]})
    assert finding.explanation == "another schema: without x; with new y"
    reordered = {name: TABLE[name] for name in ("n", "x", "key")}
    assert compared(TABLE, reordered).explanation == "another schema: columns in another order"


def test_without_the_recorded_table_the_distance_is_not_known() -> None:
    finding = compared(TABLE, {**TABLE, "x": [1.0 + 1e-12, 2.0, None]}, kept=False)
    assert (finding.verdict, finding.explanation) == ("different", "cells of x differ")


def test_fingerprints_of_different_algorithms_are_not_compared() -> None:
    was = fingerprint(TABLE)
    recorded = Recorded("00", "older", was.rows, was.schema, {}, None, {})
    output = Output(Place(("after",), "test"), was)
    finding = compare_table(recorded, output, InMemory(), None, 1e-9)
    assert "recorded with the fingerprint older, and this release computes test1" in (
        finding.explanation
    )


def learnt(**parts: tuple[float, ...] | str) -> Output:
    """A model whose parts are numbers, or text of which only the digest is kept."""
    digests = {path: sha256(repr(value).encode()) for path, value in parts.items()}
    numbers = {path: v for path, v in parts.items() if isinstance(v, tuple)}
    state = LearntState(sha256(canonical_json(digests)), "state1", digests, {}, numbers)
    return Output(Place(("model",), "skops"), state)


def of_model(before: Output, after: Output, tolerance: float = 1e-9) -> Finding:
    was = before.content
    assert isinstance(was, LearntState)
    recorded = Recorded(was.digest, was.version, None, None, {}, "kept", {})
    document = read_state_document(canonical_json(state_document(was)))
    return compare_model(recorded, document, after, tolerance)


def test_a_model_that_learnt_the_same_bits_is_identical() -> None:
    model = learnt(coef=(0.1, 0.2), classes="a b")
    assert of_model(model, model).explanation == "all 2 learnt parts are bit for bit the same"


def test_a_model_within_the_tolerance_is_equivalent_and_the_parameter_is_named() -> None:
    finding = of_model(learnt(a=(1.0,), coef=(0.1, 4.0)), learnt(a=(1.0,), coef=(0.1, 4.0 + 1e-12)))
    assert (finding.verdict, finding.parts) == ("equivalent", ("coef",))
    assert "1 learnt parts differ by at most" in finding.explanation


@pytest.mark.parametrize(
    ("after", "far"),
    [
        (learnt(a=(1.0,), coef=(0.1, 5.0)), ", by up to 0.2 (relative)"),
        (learnt(a=(1.0,), coef=(0.1, math.inf)), ", by up to inf (relative)"),
        (learnt(a=(1.0,), coef=(0.1,)), ""),
        (learnt(a=(1.0,), coef="text"), ""),
        (learnt(a=(1.0,)), ""),
    ],
)
def test_a_model_that_learnt_something_else_is_different(after: Output, far: str) -> None:
    finding = of_model(learnt(a=(1.0,), coef=(0.1, 4.0)), after)
    assert (finding.verdict, finding.parts) == ("different", ("coef",))
    assert finding.explanation == f"1 learnt parts differ{far}; first: coef"


def test_without_the_recorded_parts_it_is_only_said_that_a_model_differs() -> None:
    recorded = Recorded("00", "state1", None, None, {}, None, {})
    finding = compare_model(recorded, None, learnt(a=(1.0,)), 1e-9)
    assert finding.verdict == "different"
    assert "not recorded in a comparable form" in finding.explanation


def test_a_state_keeps_every_bit_of_its_numbers() -> None:
    numbers = (0.1, 1 / 3, -0.0, 5e-324, math.inf, -math.inf, math.nan)
    state = learnt(coef=numbers).content
    assert isinstance(state, LearntState)
    kept = read_state_document(canonical_json(state_document(state)))["numbers"]["coef"]
    assert list(map(repr, kept)) == list(map(repr, numbers))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1.0, 1.0, 0.0),
        (0.0, -0.0, 0.0),
        (math.nan, math.nan, 0.0),
        (math.inf, math.inf, 0.0),
        (1.0, 2.0, 0.5),
        (-1.0, 1.0, 2.0),
        (0.0, 5e-324, 1.0),
        (math.nan, 1.0, math.inf),
        (math.inf, 1.0, math.inf),
        (math.inf, -math.inf, math.inf),
        (1e308, -1e308, math.inf),
    ],
)
def test_the_relative_difference_of_two_numbers(a: float, b: float, expected: float) -> None:
    assert relative_difference(a, b) == expected == relative_difference(b, a)


def test_the_worst_verdict_counts() -> None:
    assert worst(["identical", "different", "equivalent"]) == "different"
    assert worst(["different", "impossible"]) == "impossible"
    assert worst([]) is None
