"""The fingerprint of a table: over every cell and the schema, whatever its layout.

A multiset digest, computed with Spark built-ins in one aggregation. Each row gives
two ``xxhash64`` with different seeds over a canonical encoding of its cells. Each is
summed modulo 2**64 over all rows, so that neither the order of the rows nor their
partitions and files matter and duplicates count; row count, schema and the two sums
make one sha256. One such sum per column tells *which* columns differ.

The encoding of a cell is a null flag and its value: structs field by field; arrays by
size and elements; maps as entries sorted by key; -0.0 is 0.0 and every NaN is the
same (Spark's ``xxhash64`` does that); decimals by their unscaled value, the scale
being part of the type; timestamps as UTC microseconds; strings as UTF-8 whatever
their collation; variants by their JSON and its schema; user-defined types, such as
the vectors of Spark ML, by the struct that stores them. The schema is names, order and types; not
nullability, comments and metadata, which a Parquet round trip does not keep.

**Collisions.** Were ``xxhash64`` a random function, two different tables would have
the same two sums with probability 2**-128, and two different columns the same one
with 2**-64. It is not one: it is unkeyed and the sums are linear, so that rows can be
*constructed* whose hashes add up alike (a generalised birthday search; far below
2**64 work). This identity holds against accident, not against forgery: that is what
the sha256 of a stored file is for. Sums are kept as two 32-bit halves, exact up to
2**31 rows of any content; past the range of a long Spark's ANSI mode raises, it
never gives a wrong sum.

The same pass draws a sample of the rows (:mod:`.sample`) and notes the least value of
every column of longs, which counts are made of; neither is part of the digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import types as T
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.observation import Observation

from lineage_graph.executors import Fingerprint
from lineage_graph.executors.spark.sample import candidates, drawing, sample
from lineage_graph.executors.spark.schemas import require
from lineage_graph.identity import canonical_json, sha256

VERSION = "lgfp1"
SEEDS = (0x6C67_0001, 0x6C67_0002)
LOW_HALF = 0xFFFF_FFFF


def fingerprint(df: DataFrame) -> Fingerprint:
    """Return the fingerprint of a table in one pass over it."""
    schema = df.schema
    drawn = drawing(schema)
    if not drawn:
        return finish(_hashed(df).agg(*_aggregates(schema)).collect()[0].asDict(), schema)
    # Beside the sample, which it cannot compile, Spark would compile none of the sums either.
    observation = Observation()
    observed = _hashed(df).observe(observation, *drawn)  # type: ignore[arg-type]
    row = observed.agg(*_aggregates(schema)).collect()[0]
    return finish({**row.asDict(), **observation.get}, schema)


def observe(df: DataFrame) -> tuple[DataFrame, Observation]:
    """Return the same table, which is fingerprinted while it is written.

    Write the table that is returned, all of it and once, then pass
    ``observation.get`` to :func:`finish`.
    """
    schema = df.schema
    observation = Observation()
    metrics = [*_aggregates(schema), *drawing(schema)]
    observed = _hashed(df).observe(observation, *metrics)  # type: ignore[arg-type]
    return observed.select(*_positions(schema)).toDF(*schema.names), observation


def finish(row: Mapping[str, Any], schema: T.StructType) -> Fingerprint:
    """Return the fingerprint that an observation amounts to.

    Args:
        row: Name of an aggregate to its value: ``observation.get``.
        schema: Schema of the table that was observed.
    """
    text = canonical_schema(schema)
    labels = _labels(schema.names)
    multiset = _total(row, "row1") + _total(row, "row2")
    content = f"{VERSION}|{row['rows']}|{text}|{multiset}"
    return Fingerprint(
        digest=sha256(content.encode()),
        version=VERSION,
        rows=row["rows"],
        schema=text,
        columns={label: _total(row, f"column{position}") for position, label in enumerate(labels)},
        sample=sample(row, schema, labels, SEEDS[0]),
        least={labels[at]: row[f"least{at}"] for at in _longs(schema) if row["rows"]},
    )


def row_hashes(schema: T.StructType) -> tuple[Column, Column]:
    """Return the two hashes of a row.

    Args:
        schema: The table's schema. Its columns must have been renamed ``c0``, ``c1``
            ... by position, since names can be ambiguous.
    """
    cells = [cell for column in _encoded(schema) for cell in column]
    return _hash(SEEDS[0], cells), _hash(SEEDS[1], cells)


def canonical_order(df: DataFrame, order_by: Sequence[str] = ()) -> DataFrame:
    """Return the table in an order that depends on its content alone.

    Args:
        df: The table.
        order_by: Columns to sort by first. Ties, and everything else, are in the
            order of the row hashes: total up to identical rows.

    Raises:
        InvalidRecord: ``order_by`` names a column the table has not.
    """
    return _by_position(df).sort(*_order(df.schema, order_by)).toDF(*df.columns)


def canonical_layout(df: DataFrame, partitions: int, order_by: Sequence[str] = ()) -> DataFrame:
    """Return the table in partitions that depend on its content alone.

    Args:
        df: The table.
        partitions: Number of partitions; a row's hash decides to which it goes.
        order_by: Columns to sort by within a partition, before the row hashes.

    Raises:
        InvalidRecord: ``order_by`` names a column the table has not.
    """
    order = _order(df.schema, order_by)
    spread = _by_position(df).repartition(partitions, order[-2])
    return spread.sortWithinPartitions(*order).toDF(*df.columns)


def canonical_schema(schema: T.StructType) -> str:
    """Return the canonical JSON of a schema: names, order and types."""
    return canonical_json(_type(schema)).decode()


def _positions(schema: T.StructType) -> list[str]:
    return [f"c{position}" for position in range(len(schema.fields))]


def _by_position(df: DataFrame) -> DataFrame:
    return df.toDF(*_positions(df.schema))


def _hashed(df: DataFrame) -> DataFrame:
    """Add the hashes as columns: twice as fast as hashing inside the aggregates."""
    first, second = row_hashes(df.schema)
    columns = [
        _hash(SEEDS[0], cells).alias(f"column{position}")
        for position, cells in enumerate(_encoded(df.schema))
    ]
    hashed = _by_position(df).select("*", first.alias("row1"), second.alias("row2"), *columns)
    return hashed.select("*", *candidates(F.col("row1")))


def _aggregates(schema: T.StructType) -> list[Column]:
    hashes = ["row1", "row2", *(f"column{i}" for i in range(len(schema.fields)))]
    least = [F.min(F.col(f"c{at}")).alias(f"least{at}") for at in _longs(schema)]
    sums = [half for name in hashes for half in _sums(name)]
    return [F.count(F.lit(1)).alias("rows"), *sums, *least]


def _longs(schema: T.StructType) -> list[int]:
    return [at for at, field in enumerate(schema.fields) if field.dataType == T.LongType()]


def _order(schema: T.StructType, order_by: Sequence[str]) -> list[Column]:
    require(order_by, schema.names, "order_by")
    first = [F.col(f"c{schema.names.index(name)}") for name in order_by]
    return [*first, *row_hashes(schema)]


def _labels(names: Sequence[str]) -> list[str]:
    """Tell columns of the same name apart by their position."""
    return [
        name if names.count(name) == 1 else f"{name}#{position}"
        for position, name in enumerate(names)
    ]


def _sums(name: str) -> list[Column]:
    """Sum in halves, since one sum of longs would overflow and ANSI mode forbids that."""
    hashed = F.col(name)
    low = hashed.bitwiseAND(F.lit(LOW_HALF))
    return [
        F.sum(F.shiftright(hashed, 32)).alias(f"{name}high"),
        F.sum(low).alias(f"{name}low"),
    ]


def _total(row: Mapping[str, Any], name: str) -> str:
    """Join the halves; a sum over no rows is null."""
    total = ((row[f"{name}high"] or 0) << 32) + (row[f"{name}low"] or 0)
    return f"{total % 2**64:016x}"


def _hash(seed: int, cells: Sequence[Column]) -> Column:
    return F.xxhash64(F.lit(seed), *cells)


def _encoded(schema: T.StructType) -> list[list[Column]]:
    return [
        _encode(F.col(name), field.dataType)
        for name, field in zip(_positions(schema), schema.fields, strict=True)
    ]


def _encode(cell: Column, kind: T.DataType) -> list[Column]:
    """Return the parts of a cell; chained into one hash they say what it is.

    Spark's hash skips nulls, which is why every level carries its own flag.
    """
    null = F.isnull(cell)
    match kind:
        case T.NullType():
            return [null]
        case T.StructType():
            fields = [_encode(cell.getField(f.name), f.dataType) for f in kind.fields]
            return [null, *(part for field in fields for part in field)]
        case T.ArrayType():
            return [null, F.array_size(cell), _elements(cell, kind.elementType)]
        case T.MapType():
            entry = T.StructType().add("key", kind.keyType).add("value", kind.valueType)
            entries = F.map_entries(cell)
            return [null, F.array_size(entries), F.sort_array(_elements(entries, entry))]
        case T.UserDefinedType():
            return _encode(F.unwrap_udt(cell), kind.sqlType())
        case T.VariantType():
            return [null, F.to_json(cell, {"timeZone": "UTC"}), F.schema_of_variant(cell)]
        case T.StringType() if not kind.isUTF8BinaryCollation():
            return [null, F.collate(cell, "UTF8_BINARY")]
        case T.CalendarIntervalType():
            return [null, cell.cast("string")]
        case _:
            return [null, cell]


def _elements(cell: Column, kind: T.DataType) -> Column:
    def encode(element: Column) -> Column:
        parts = _encode(element, kind)
        return F.struct(*[part.alias(f"p{i}") for i, part in enumerate(parts)])

    return F.transform(cell, encode)


def _type(kind: T.DataType) -> Any:
    match kind:
        case T.StructType():
            return {"struct": [[f.name, _type(f.dataType)] for f in kind.fields]}
        case T.ArrayType():
            return {"array": _type(kind.elementType)}
        case T.MapType():
            return {"map": [_type(kind.keyType), _type(kind.valueType)]}
        case T.UserDefinedType():
            return _type(kind.sqlType())
        case T.CharType() | T.VarcharType():
            return "string"
        case _:
            return kind.simpleString()
