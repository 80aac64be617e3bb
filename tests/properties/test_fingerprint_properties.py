"""The fingerprint's properties, on a twin that needs no JVM and that Spark must agree with.

The twin is written from the description of the algorithm, over pyarrow and xxhash, so
that neither can be wrong in the same way as the other.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

Row = tuple[Any, ...]
Encoder = Callable[[Any], bytes]

UTC = dt.UTC
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
SEEDS = (0x6C67_0001, 0x6C67_0002)


def _integer(value: int) -> bytes:
    return struct.pack("<i", value)


def _long(value: int) -> bytes:
    return struct.pack("<q", value)


def _double(value: float) -> bytes:
    if value != value:
        return _long(0x7FF8_0000_0000_0000)
    return struct.pack("<d", value if value else 0.0)


def _float(value: float) -> bytes:
    if value != value:
        return _integer(0x7FC0_0000)
    return struct.pack("<f", value if value else 0.0)


def _small_decimal(value: Decimal) -> bytes:
    return _long(int(value.scaleb(2)))


def _big_decimal(value: Decimal) -> bytes:
    unscaled = int(value.scaleb(2))
    bits = (unscaled if unscaled >= 0 else ~unscaled).bit_length()
    return unscaled.to_bytes(bits // 8 + 1, "big", signed=True)


def _micros(value: dt.datetime) -> bytes:
    since = value.replace(tzinfo=UTC) - EPOCH
    return _long((since.days * 86400 + since.seconds) * 10**6 + since.microseconds)


COLUMNS: list[tuple[str, pa.DataType, Encoder, st.SearchStrategy[Any]]] = [
    ("boolean", pa.bool_(), _integer, st.booleans()),
    ("tinyint", pa.int8(), _integer, st.integers(-128, 127)),
    ("smallint", pa.int16(), _integer, st.integers(-(2**15), 2**15 - 1)),
    ("int", pa.int32(), _integer, st.integers(-(2**31), 2**31 - 1)),
    ("bigint", pa.int64(), _long, st.integers(-(2**63), 2**63 - 1)),
    ("float", pa.float32(), _float, st.floats(width=32)),
    ("double", pa.float64(), _double, st.floats()),
    ("string", pa.string(), str.encode, st.text(st.characters(exclude_categories=["Cs"]))),
    ("binary", pa.binary(), bytes, st.binary()),
    (
        "date",
        pa.date32(),
        lambda day: _integer((day - EPOCH.date()).days),
        st.dates(dt.date(1600, 1, 1), dt.date(9999, 12, 31)),
    ),
    (
        "timestamp",
        pa.timestamp("us", "UTC"),
        _micros,
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),
    ),
    (
        "timestamp_ntz",
        pa.timestamp("us"),
        _micros,
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),
    ),
    (
        "decimal(18,2)",
        pa.decimal128(18, 2),
        _small_decimal,
        st.decimals(-(10**15), 10**15, places=2),
    ),
    (
        "decimal(38,2)",
        pa.decimal128(38, 2),
        _big_decimal,
        st.decimals(-(10**25), 10**25, places=2),
    ),
]
NAMES = [name for name, *_ in COLUMNS]
TYPES = NAMES
rows = st.tuples(*[st.none() | values for *_, values in COLUMNS])
tables = st.lists(rows, max_size=40)


@dataclass(frozen=True)
class Twin:
    digest: str
    columns: dict[str, str]


def twin(table: list[Row], names: list[str] = NAMES, types: list[str] = TYPES) -> Twin:
    """Fingerprint rows whose cells are encoded as the types say."""
    encoders = {name: encode for name, _, encode, _ in COLUMNS}
    encoded = [
        [
            None if cell is None else encoders[kind](cell)
            for cell, kind in zip(row, types, strict=True)
        ]
        for row in table
    ]
    schema = json.dumps(
        {"struct": [list(pair) for pair in zip(names, types, strict=True)]},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    multiset = "".join(_sum(_hash(seed, row) for row in encoded) for seed in SEEDS)
    content = f"lgfp1|{len(table)}|{schema}|{multiset}"
    columns = {
        name: _sum(_hash(SEEDS[0], [row[at]]) for row in encoded) for at, name in enumerate(names)
    }
    return Twin(sha256(content.encode()).hexdigest(), columns)


def _hash(seed: int, cells: list[bytes | None]) -> int:
    state = xxhash.xxh64_intdigest(_integer(seed), 42)
    for cell in cells:
        state = xxhash.xxh64_intdigest(_integer(cell is None), state)
        if cell is not None:
            state = xxhash.xxh64_intdigest(cell, state)
    return state


def _sum(hashes: Any) -> str:
    return f"{sum(hashes) % 2**64:016x}"


@pytest.mark.spark
@settings(max_examples=5, deadline=None)
@given(table=st.lists(rows, min_size=1, max_size=40))
def test_spark_and_the_twin_agree_on_every_flat_type(spark: SparkSession, table: list[Row]) -> None:
    from lineage_graph.executors.spark.fingerprint import fingerprint

    arrow = pa.table(
        [
            pa.array([row[at] for row in table], type=kind)
            for at, (_, kind, _, _) in enumerate(COLUMNS)
        ],
        names=NAMES,
    )
    df = spark.createDataFrame(arrow)
    # PySpark takes every Arrow timestamp for one with a time zone.
    df = df.withColumn("timestamp_ntz", df["timestamp_ntz"].cast("timestamp_ntz"))
    found = fingerprint(df)
    assert found.columns == twin(table).columns
    assert found.digest == twin(table).digest


@given(table=tables, seed=st.integers())
def test_the_order_of_rows_does_not_matter(table: list[Row], seed: int) -> None:
    shuffled = random.Random(seed).sample(table, len(table))
    assert twin(shuffled) == twin(table)


@given(row=rows, other=rows)
def test_how_often_a_row_occurs_matters(row: Row, other: Row) -> None:
    same = twin([row]) == twin([other])
    assert (twin([row, row, other]).digest == twin([row, other, other]).digest) == same
    assert twin([row, row]).digest != twin([row]).digest


@given(table=st.lists(rows, min_size=1, max_size=10), data=st.data())
def test_one_changed_cell_changes_the_digest_and_the_sum_of_its_column_only(
    table: list[Row], data: st.DataObject
) -> None:
    line = data.draw(st.integers(0, len(table) - 1))
    at = data.draw(st.integers(0, len(NAMES) - 1))
    _, _, encode, values = COLUMNS[at]
    cell = table[line][at]
    before = None if cell is None else encode(cell)
    changed = data.draw(
        (st.none() | values).filter(lambda v: (None if v is None else encode(v)) != before)
    )
    altered = list(table)
    altered[line] = (*table[line][:at], changed, *table[line][at + 1 :])
    was, now = twin(table), twin(altered)
    assert now.digest != was.digest
    assert [n for n in NAMES if now.columns[n] != was.columns[n]] == [NAMES[at]]


@given(table=tables)
def test_names_order_and_types_of_columns_matter(table: list[Row]) -> None:
    renamed = twin(table, ["other", *NAMES[1:]])
    reordered = twin([row[::-1] for row in table], NAMES[::-1], TYPES[::-1])
    assert len({twin(table).digest, renamed.digest, reordered.digest}) == 3


@given(numbers=st.lists(st.integers(-128, 127)))
def test_the_same_numbers_in_another_type_are_another_table(numbers: list[int]) -> None:
    table: list[Row] = [(number,) for number in numbers]
    kinds = ("tinyint", "smallint", "int", "bigint")
    assert len({twin(table, ["n"], [kind]).digest for kind in kinds}) == len(kinds)


@given(row=rows)
def test_the_sign_of_zero_and_the_payload_of_nan_do_not_matter(row: Row) -> None:
    payload = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0123))[0]
    at = NAMES.index("double")
    for one, other in ((0.0, -0.0), (float("nan"), payload)):
        first = (*row[:at], one, *row[at + 1 :])
        second = (*row[:at], other, *row[at + 1 :])
        assert twin([first]) == twin([second])


def test_a_table_without_rows_has_a_digest_of_its_own_schema() -> None:
    assert twin([]).digest != twin([], ["x"], ["int"]).digest
    assert set(twin([]).columns.values()) == {"0" * 16}
