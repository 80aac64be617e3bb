"""Is what was rebuilt what was recorded? The verdict, and where the first difference is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lineage_graph.executors import Fingerprint, LearntState, Output, Place, Tables
from lineage_graph.replay.origins import Recorded

Verdict = Literal["identical", "equivalent", "different", "impossible"]
SEVERITY: tuple[Verdict, ...] = ("identical", "equivalent", "different", "impossible")
MOST_ROWS_COMPARED = 2_000_000
FLOATING = ("double", "float")


@dataclass(frozen=True)
class Finding:
    """The verdict on one output.

    Attributes:
        verdict: ``identical``: every cell or learnt number is the same. ``equivalent``:
            numbers differ, none by more than the tolerance. ``different``: the rest.
        explanation: What was compared, or where it differs and by how much.
        parts: Columns of a table or parameters of a model that differ.
    """

    verdict: Verdict
    explanation: str
    parts: tuple[str, ...] = ()


def worst(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the overall verdict; None when there is none."""
    return max(verdicts, key=SEVERITY.index, default=None)


def compare_model(
    recorded: Recorded, parts: Mapping[str, Any] | None, output: Output, tolerance: float
) -> Finding:
    """Compare what a model learnt with its record.

    Args:
        recorded: What the graph holds.
        parts: Digests and numbers of all parts, as :func:`state_document` wrote them.
        output: What the rebuild left.
        tolerance: Largest relative difference of a number that is still equivalent.
    """
    state = output.content
    if not isinstance(state, LearntState):
        raise TypeError(f"not a model: {output.place}")
    if state.digest == recorded.fingerprint:
        return Finding("identical", f"all {len(state.parts)} learnt parts are bit for bit the same")
    if parts is None or state.version != recorded.algorithm:
        return Finding("different", "the parts it learnt were not recorded in a comparable form")
    before: Mapping[str, str] = parts["parts"]
    changed = tuple(
        sorted(p for p in before.keys() | state.parts.keys() if before.get(p) != state.parts.get(p))
    )
    distance = _model_distance(parts["numbers"], state, changed)
    if distance is not None and distance <= tolerance:
        return Finding(
            "equivalent",
            f"{len(changed)} learnt parts differ by at most {distance:.3g} (relative), "
            f"within {tolerance:g}; first: {changed[0]}",
            changed,
        )
    far = "" if distance is None else f", by up to {distance:.3g} (relative)"
    return Finding(
        "different", f"{len(changed)} learnt parts differ{far}; first: {changed[0]}", changed
    )


def _model_distance(
    before: Mapping[str, list[float]], state: LearntState, changed: tuple[str, ...]
) -> float | None:
    """Return the largest relative difference, or None when parts are not numbers."""
    largest = 0.0
    for part in changed:
        old, new = before.get(part), state.numbers.get(part)
        if old is None or new is None or len(old) != len(new):
            return None
        for a, b in zip(old, new, strict=True):
            largest = max(largest, relative_difference(a, b))
    return largest


def relative_difference(a: float, b: float) -> float:
    """Return abs(a - b) / max(abs(a), abs(b)); 0 for equal values, NaN equals NaN."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / max(abs(a), abs(b))


def state_document(state: LearntState) -> dict[str, Any]:
    """Return what is kept of a learnt state so that a later one can be compared."""
    return {
        "version": state.version,
        "parts": dict(state.parts),
        "values": dict(state.values),
        "numbers": {path: [repr(n) for n in numbers] for path, numbers in state.numbers.items()},
    }


def read_state_document(data: bytes) -> dict[str, Any]:
    """Return what :func:`state_document` kept, with numbers as floats."""
    document: dict[str, Any] = json.loads(data)
    document["numbers"] = {
        path: [float(n) for n in numbers] for path, numbers in document["numbers"].items()
    }
    return document


def compare_table(
    recorded: Recorded, output: Output, tables: Tables, kept: Place | None, tolerance: float
) -> Finding:
    """Compare a table with its record, by fingerprint and then by column.

    Args:
        recorded: What the graph holds.
        output: What the rebuild left.
        tables: Reads both tables when only floating-point columns differ.
        kept: Where the recorded table still lies, if it does.
        tolerance: Largest relative difference of a number that is still equivalent.
    """
    made = output.content
    if not isinstance(made, Fingerprint):
        raise TypeError(f"not a table: {output.place}")
    if made.digest == recorded.fingerprint:
        cells = made.rows * len(made.columns)
        return Finding("identical", f"{made.rows:,} rows, all {cells:,} cells are the same")
    if made.version != recorded.algorithm:
        algorithms = f"{recorded.algorithm}, and this release computes {made.version}"
        return Finding("different", f"it was recorded with the fingerprint {algorithms}")
    if made.schema != recorded.schema:
        return Finding("different", _schema_difference(recorded.schema, made.schema))
    changed = tuple(c for c, digest in made.columns.items() if recorded.columns.get(c) != digest)
    if made.rows != recorded.rows:
        explanation = f"{made.rows:,} rows instead of {recorded.rows:,}"
        return Finding("different", explanation, changed)
    if not changed:
        return Finding("different", "the same cells in every column, in other combinations")
    distance = _table_distance(recorded, output, tables, kept, changed)
    named = ", ".join(changed)
    if distance is not None and distance <= tolerance:
        explanation = f"{named} differ by at most {distance:.3g} (relative), within {tolerance:g}"
        return Finding("equivalent", explanation, changed)
    far = "" if distance is None else f" by up to {distance:.3g} (relative)"
    return Finding("different", f"cells of {named} differ{far}", changed)


def _schema_difference(before: str | None, after: str) -> str:
    old = dict(map(tuple, json.loads(before or '{"struct":[]}')["struct"]))
    new = dict(map(tuple, json.loads(after)["struct"]))
    gone, added = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    changed = sorted(c for c in old.keys() & new.keys() if old[c] != new[c])
    said = [
        f"{what} {', '.join(names)}"
        for what, names in (("without", gone), ("with new", added), ("other type of", changed))
        if names
    ]
    return f"another schema: {'; '.join(said) or 'columns in another order'}"


def _table_distance(
    recorded: Recorded,
    output: Output,
    tables: Tables,
    kept: Place | None,
    changed: tuple[str, ...],
) -> float | None:
    """Return the largest relative difference of a number, matched row by row.

    None when the rows differ in something else than floating-point columns, the
    recorded table is gone, or it is too large to bring here. Any way to match the
    rows within the tolerance shows that the tables are equivalent.
    """
    made = output.content
    types = dict(json.loads(recorded.schema or '{"struct":[]}')["struct"])
    too_many = isinstance(made, Fingerprint) and made.rows > MOST_ROWS_COMPARED
    if kept is None or too_many or any(types[c] not in FLOATING for c in changed):
        return None
    # Not by maps, which cannot be sorted, nor by what may hold one.
    sortable = [c for c, kind in types.items() if isinstance(kind, str) and c not in changed]
    order = [*sortable, *changed]
    old = tables.read(kept, list(types), order)
    new = tables.read(output.place, list(types), order)
    if any(not old[c].equals(new[c]) for c, kind in types.items() if kind not in FLOATING):
        return None
    floating = [c for c, kind in types.items() if kind in FLOATING]
    pairs = (
        pair
        for column in floating
        for pair in zip(old[column].to_pylist(), new[column].to_pylist(), strict=True)
    )
    return max((_distance(a, b) for a, b in pairs), default=0.0)


def _distance(a: float | None, b: float | None) -> float:
    if a is None or b is None:
        return 0.0 if a is b else math.inf
    return relative_difference(a, b)
