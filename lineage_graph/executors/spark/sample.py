"""Some rows of a table, drawn by the aggregation that fingerprints it.

Rows are told into :data:`SLICES` slices by the low bits of their hash, and of each slice
those with the least hash are kept: the content decides which, not its order. Only cells
that have a text are taken, and only their beginning, so that a wide table or long texts
cost little. Nothing of it is stored.

A row is looked at only when its hash is small for its place in its partition: of a
million rows about 27,000. What is left out could not be among the least, but in a table
of few distinct rows: there the layout has a say in which of them are drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, Final

from pyspark.sql import Column
from pyspark.sql import types as T
from pyspark.sql.connect import functions as F

from lineage_graph.executors import Sample

SLICES: Final = 8
"""A row and its copies are in one slice, so that many copies leave room for other rows."""
ROWS: Final = 1024
"""How many rows are drawn from a table that is not very wide."""
TEXT: Final = 200
"""Characters of a cell that are looked at."""
VALUES: Final = 300
"""Values of a column that are handed on."""
CHARACTERS: Final = 8_000_000
"""What a sample may hold; a wider table gives fewer rows, but never fewer than one a slice."""

_WANTED = "drawn"
_FRACTION_BITS = 24
_ALWAYS: Final = 4 * ROWS
_WITHOUT_TEXT = (
    T.StructType, T.ArrayType, T.MapType, T.BinaryType, T.VariantType, T.NullType,
    T.UserDefinedType, T.CalendarIntervalType,
)  # fmt: skip


def candidates(row_hash: Column) -> list[Column]:
    """Return the columns that say by which hash a row competes in each slice, if it does.

    Args:
        row_hash: The hash of the row.
    """
    place = F.monotonically_increasing_id().bitwiseAND(F.lit((1 << 33) - 1))
    rank = F.shiftrightunsigned(row_hash, 1)
    fraction = F.shiftrightunsigned(row_hash, 64 - _FRACTION_BITS)
    small = place * fraction < F.lit(_ALWAYS << _FRACTION_BITS)
    return [
        F.when(small & (row_hash.bitwiseAND(F.lit(SLICES - 1)) == number), rank).alias(
            f"{_WANTED}{number}"
        )
        for number in range(SLICES)
    ]


def drawing(schema: T.StructType) -> list[Column]:
    """Return the aggregate that draws the sample.

    Args:
        schema: The table's schema; its columns must have been renamed ``c0``, ``c1`` ...
    """
    readable = _readable(schema)
    if not readable:
        return []
    kept = max(1, min(ROWS, CHARACTERS // (TEXT * len(readable))) // SLICES)
    cells = F.struct(*[_short(name, field.dataType).alias(name) for name, field in readable])
    texts = [name for name, _ in readable]
    slices = [
        _as_text(F.min_by(cells, F.col(f"{_WANTED}{number}"), kept), texts).alias(f"s{number}")
        for number in range(SLICES)
    ]
    return [F.to_json(F.struct(*slices)).alias("sample")]


def sample(
    row: Mapping[str, Any], schema: T.StructType, labels: Sequence[str], seed: int
) -> Sample:
    """Return the sample that an aggregation drew.

    Args:
        row: Name of an aggregate to its value.
        schema: The table's schema.
        labels: Names of its columns, each once.
        seed: Of the row hash.
    """
    drawn = list(_interleaved(json.loads(row.get("sample") or "{}")))
    columns = {}
    for name, _ in _readable(schema):
        values = [cells[name] for cells in drawn if name in cells]
        columns[labels[int(name[1:])]] = tuple(values[:VALUES])
    return Sample(seed=seed, rows=len(drawn), columns=columns)


def _short(name: str, kind: T.DataType) -> Column:
    """Return a cell as it is drawn: long texts must not be held whole for every row."""
    text = isinstance(kind, T.StringType | T.CharType | T.VarcharType)
    return F.substring(F.col(name), 1, TEXT) if text else F.col(name)


def _as_text(rows: Column, names: Sequence[str]) -> Column:
    """Return drawn rows with text for cells: of them alone, since that is what takes long."""
    return F.transform(
        rows,
        lambda row: F.struct(*[row.getField(name).cast("string").alias(name) for name in names]),
    )


def _readable(schema: T.StructType) -> list[tuple[str, T.StructField]]:
    return [
        (f"c{position}", field)
        for position, field in enumerate(schema.fields)
        if not isinstance(field.dataType, _WITHOUT_TEXT)
    ]


def _interleaved(slices: Mapping[str, list[Mapping[str, str]]]) -> Iterator[Mapping[str, str]]:
    """Yield one row of each slice after the other, so that what is cut off is cut evenly."""
    rounds = zip_longest(*slices.values())
    return (row for row in chain.from_iterable(rounds) if row is not None)
