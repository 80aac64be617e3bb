"""The fingerprint in Spark: types, names and layouts that a flat twin cannot check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lineage_graph.errors import InvalidRecord

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

pytestmark = pytest.mark.spark

DIFFERENT = {
    "string": "'', ' ', 'a', 'null', cast(null as string)",
    "array": "array(), array(cast(null as int)), array(null, 1), array(1, null), array(1, 1), null",
    "struct": """named_struct('x', 1, 'y', cast(null as int)),
        named_struct('x', cast(null as int), 'y', 1),
        named_struct('x', cast(null as int), 'y', cast(null as int)), null""",
    "array of arrays": "array(array(1), array()), array(array(), array(1)), array(array(1), null)",
    "map": """map('a', 1, 'b', 2), map('a', 2, 'b', 1), map('a', 1), map('a', null),
        cast(map() as map<string, int>), null""",
    "map of structs": """map(named_struct('k', 1), array(1)), map(named_struct('k', 2), array(1)),
        map(named_struct('k', 1), array(2))""",
    "variant": """parse_json('1'), parse_json('"1"'), parse_json('null'), parse_json('{"a":1}'),
        to_variant_object(named_struct('a', date'2020-01-01')),
        to_variant_object(named_struct('a', '2020-01-01')), null""",
    "interval": "interval '1' day, interval '25' hour, interval '0' day, null",
    "binary": "X'', X'00', X'0000', null",
    "decimal": "cast('0.01' as decimal(38, 2)), cast('1' as decimal(38, 2)), null",
}
SAME = {
    "zero": "0.0d, -0.0d",
    "zero in an array": "array(0.0d), array(-0.0d)",
    "order of a map": "map('a', 1, 'b', 2), map('b', 2, 'a', 1)",
    "order of a variant": """parse_json('{"a":1,"b":2}'), parse_json('{"b":2,"a":1}')""",
    "nan": "double('NaN'), -double('NaN')",
}


def _hashes(spark: SparkSession, values: str) -> list[Any]:
    from lineage_graph.executors.spark.fingerprint import row_hashes

    df = spark.sql(f"SELECT explode(array({values})) AS c0")
    return [tuple(row) for row in df.select(*row_hashes(df.schema)).collect()]


@pytest.mark.parametrize("kind", DIFFERENT)
def test_cells_that_differ_have_hashes_that_differ(spark: SparkSession, kind: str) -> None:
    hashes = _hashes(spark, DIFFERENT[kind])
    assert len(set(hashes)) == len(hashes) > 1


@pytest.mark.parametrize("kind", SAME)
def test_cells_that_mean_the_same_have_the_same_hashes(spark: SparkSession, kind: str) -> None:
    hashes = _hashes(spark, SAME[kind])
    assert len(set(hashes)) == 1 < len(hashes)


def test_neither_partitions_nor_files_nor_order_matter(spark: SparkSession, tmp_path: Path) -> None:
    from lineage_graph.executors.spark.fingerprint import fingerprint

    df = spark.range(1000).selectExpr("id", "id % 7 AS k", "cast(id AS string) AS s")
    df.repartition(7, "k").sortWithinPartitions("s").write.parquet(str(tmp_path / "t"))
    again = spark.read.parquet(str(tmp_path / "t"))
    assert fingerprint(again) == fingerprint(df) == fingerprint(df.orderBy("s"))


def test_what_is_observed_while_writing_is_what_was_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    from lineage_graph.executors.spark.fingerprint import fingerprint, finish, observe

    df = spark.range(100).selectExpr("id AS `a.b`", 'id % 3 AS `k``"`', "array(id) AS `é 😀`")
    observed, observation = observe(df)
    observed.write.parquet(str(tmp_path / "t"))
    assert observed.schema.names == df.schema.names
    written = fingerprint(spark.read.parquet(str(tmp_path / "t")))
    assert finish(observation.get, df.schema) == fingerprint(df) == written


def test_settings_of_the_session_do_not_matter(spark: SparkSession) -> None:
    from lineage_graph.executors.spark.fingerprint import fingerprint

    df = spark.sql(
        "SELECT cast(null AS array<int>) a, timestamp'2020-01-01 00:00:00Z' t, "
        "to_variant_object(named_struct('t', timestamp'2020-01-01 00:00:00Z')) v, "
        "cast(null AS map<string, int>) m"
    )
    before = fingerprint(df)
    changed = {
        "spark.sql.ansi.enabled": "false",
        "spark.sql.legacy.sizeOfNull": "true",
        "spark.sql.session.timeZone": "Asia/Tokyo",
    }
    for name, value in changed.items():
        spark.conf.set(name, value)
    try:
        assert fingerprint(df) == before
    finally:
        for name in changed:
            spark.conf.unset(name)
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def test_vectors_are_fingerprinted_by_the_struct_that_stores_them(spark: SparkSession) -> None:
    from pyspark.ml.linalg import Vectors, VectorUDT
    from pyspark.sql.types import StructField, StructType

    from lineage_graph.executors.spark.fingerprint import row_hashes

    schema = StructType([StructField("c0", VectorUDT())])
    vectors = [Vectors.dense(1.0, 0.0), Vectors.dense(0.0, 1.0), Vectors.sparse(2, [0], [1.0])]
    df = spark.createDataFrame([(vector,) for vector in [*vectors, None]], schema)
    assert len({tuple(row) for row in df.select(*row_hashes(df.schema)).collect()}) == 4


def test_columns_of_the_same_name_are_told_apart(spark: SparkSession) -> None:
    from lineage_graph.executors.spark.fingerprint import fingerprint, observe

    df = spark.sql("SELECT 1 AS a, 2 AS a, 3 AS A")
    assert list(fingerprint(df).columns) == ["a#0", "a#1", "A"]
    assert observe(df)[0].collect()[0] == (1, 2, 3)


def test_a_table_without_columns_or_without_rows_has_a_fingerprint(spark: SparkSession) -> None:
    from lineage_graph.executors.spark.fingerprint import fingerprint

    bare, empty = fingerprint(spark.range(3).select()), fingerprint(spark.range(0))
    assert (bare.rows, dict(bare.columns)) == (3, {})
    assert (empty.rows, dict(empty.columns)) == (0, {"id": "0" * 16})


def test_a_table_of_200_columns_can_be_fingerprinted(spark: SparkSession) -> None:
    from lineage_graph.executors.spark.fingerprint import fingerprint

    df = spark.range(3).selectExpr(*[f"id + {i} AS c{i}" for i in range(200)])
    assert len(set(fingerprint(df).columns.values())) == 200


def test_canonical_order_is_a_function_of_the_content(spark: SparkSession) -> None:
    from lineage_graph.executors.spark.fingerprint import canonical_order

    df = spark.range(50).selectExpr("id AS `a.b`", "id % 3 AS k")
    rows = canonical_order(df, ["k"]).collect()
    assert rows == canonical_order(df.repartition(7), ["k"]).collect()
    assert [row.k for row in rows] == sorted(row.k for row in rows)


def test_canonical_layout_puts_the_same_rows_in_the_same_partitions(spark: SparkSession) -> None:
    from pyspark.sql import functions as F

    from lineage_graph.executors.spark.fingerprint import canonical_layout

    def layout(partitions: int) -> list[Any]:
        laid_out = canonical_layout(df.repartition(partitions), 4, ["k"])
        return laid_out.select("*", F.spark_partition_id().alias("p")).collect()

    df = spark.range(50).selectExpr("id", "id % 3 AS k")
    assert layout(3) == layout(7)
    assert {row.p for row in layout(3)} <= set(range(4))


def test_an_unknown_column_to_order_by_names_the_nearest_one(spark: SparkSession) -> None:
    from lineage_graph.executors.spark.fingerprint import canonical_order

    with pytest.raises(InvalidRecord, match="Did you mean 'departure'"):
        canonical_order(spark.sql("SELECT 1 AS departure"), ["departur"])
