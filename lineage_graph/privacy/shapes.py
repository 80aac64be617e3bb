"""What a column is by its shape alone, where neither its name nor its values say more."""

from __future__ import annotations

from typing import Final

from lineage_graph.privacy.columns import Column

_FEW: Final = 12
_MOST: Final = 100
_RARE: Final = 0.3
_ROWS: Final = 10
_CODE_LENGTH: Final = 100


def shape(column: Column) -> str | None:
    """Return the short name of the type that a column's shape is; None when it is unknown."""
    if not column.counts:
        return None
    if column.families <= {"date"}:
        return "date"
    if column.families <= {"timestamp"}:
        return "datetime"
    if column.families <= {"boolean"}:
        return "boolean"
    if column.numeric:
        return _of_numbers(column)
    return "categorical" if "text" in column.families and _repeats(column) else None


def _of_numbers(column: Column) -> str:
    numbers = [number for number in column.numbers if number is not None]
    if column.integral:
        counted = column.distinct == column.size >= _ROWS
        if counted and max(numbers) - min(numbers) + 1 == column.distinct:
            return "row_id"
        if column.distinct <= _FEW and column.distinct_share <= _RARE:
            return "categorical"
    return "continuous"


def _repeats(column: Column) -> bool:
    """Tell whether few values return again and again, and are short enough to be names."""
    short = all(len(value) <= _CODE_LENGTH for value, _ in column.counts)
    few = column.distinct <= _MOST and column.distinct_share <= _RARE
    return short and (few or (column.distinct <= _FEW and column.distinct_share < 1))
