"""What ordinary code reads: files, tables, views and data of its own are pinned and read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import Row

pytestmark = pytest.mark.spark


def json_lines(capture: Any) -> Any:
    rows = [json.dumps({"id": i, "tags": [i, i + 1]}) for i in range(3)]
    (capture.sources / "a.json").write_text("\n".join(rows))
    return capture.spark.read.json(str(capture.sources / "a.json")).selectExpr("id", "tags[0] AS t")


def text(capture: Any) -> Any:
    (capture.sources / "a.txt").write_text("one\ntwo\n")
    return capture.spark.read.text(str(capture.sources / "a.txt")).selectExpr("upper(value) AS u")


def parquet(capture: Any) -> Any:
    pd.DataFrame({"id": [1, 2], "w": [0.1, None]}).to_parquet(capture.sources / "a.parquet")
    return capture.spark.read.parquet(str(capture.sources / "a.parquet")).where("id > 1")


def inferred(capture: Any) -> Any:
    return capture.spark.read.csv(capture.people(), sep=";", header=True, inferSchema=True)


def glob(capture: Any) -> Any:
    capture.people("a.csv"), capture.people("b.csv", 6)
    return capture.csv(str(capture.sources / "*.csv")).where("id > 2")


def several_paths(capture: Any) -> Any:
    return capture.csv(capture.people("a.csv"), capture.people("b.csv", 6))


def partitions(capture: Any) -> Any:
    folder = str(capture.sources / "parts")
    capture.csv().write.partitionBy("name").parquet(folder)
    return capture.spark.read.parquet(folder).where("name = 'n1'")


def one_partition_of_a_base(capture: Any) -> Any:
    folder = str(capture.sources / "parts")
    capture.csv().write.partitionBy("name").parquet(folder)
    return capture.spark.read.option("basePath", folder).parquet(f"{folder}/name=n1")


def files_named_in_sql(capture: Any) -> Any:
    pd.DataFrame({"id": [1, 2]}).to_parquet(capture.sources / "a.parquet")
    return capture.spark.sql(f"SELECT id + 1 AS j FROM parquet.`{capture.sources}/a.parquet`")


@pytest.mark.parametrize(
    "read",
    [
        json_lines, text, parquet, inferred, glob, several_paths, partitions,
        one_partition_of_a_base, files_named_in_sql,
    ],
)  # fmt: skip
def test_files_are_pinned_and_read_again_from_their_copies(
    capture: Any, read: Callable[[Any], Any]
) -> None:
    df = read(capture)
    written = capture.write(df)
    assert len(capture.inputs(written)) == 1
    assert any(step.startswith("read ") for step in capture.steps(written))
    assert set(capture.columns(written)) == set(df.columns)
    assert all(capture.columns(written).values())
    capture.proven(written)


def test_a_schema_as_text_is_how_a_file_is_read_again(capture: Any) -> None:
    written = capture.write(capture.csv().selectExpr("id * 2 AS twice", "name"))
    assert capture.columns(written) == {"twice": {"id"}, "name": {"name"}}
    assert list(capture.kinds(written).values()) == [{"Projection", "Transform"}]
    capture.proven(written)


def rows(capture: Any) -> Any:
    return capture.spark.createDataFrame([Row(a=1, b="x"), Row(a=2, b=None)])


def no_rows(capture: Any) -> Any:
    return capture.spark.createDataFrame([], "a INT, b STRING")


def small_pandas(capture: Any) -> Any:
    return capture.spark.createDataFrame(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


def small_arrow(capture: Any) -> Any:
    return capture.spark.createDataFrame(pa.table({"a": [1, 2], "b": ["x", "y"]}))


def large_pandas(capture: Any) -> Any:
    return capture.spark.createDataFrame(pd.DataFrame({"a": range(3000)})).where("a % 2 = 0")


def chunked_arrow(capture: Any) -> Any:
    capture.spark.conf.set("spark.sql.session.localRelationChunkSizeRows", "1000")
    return capture.spark.createDataFrame(pa.table({"a": list(range(3500))}))


def a_range(capture: Any) -> Any:
    return capture.spark.range(10).selectExpr("id * 2 AS a")


@pytest.mark.parametrize(
    "make", [rows, no_rows, small_pandas, small_arrow, large_pandas, chunked_arrow, a_range]
)
def test_data_of_the_program_is_kept_and_uploaded_again(
    capture: Any, make: Callable[[Any], Any]
) -> None:
    capture.spark.conf.set("spark.sql.session.localRelationCacheThreshold", "1024")
    written = capture.write(make(capture))
    expected = set() if make is a_range else {"in memory"}
    assert {name[:9] for name in capture.inputs(written)} == expected
    capture.proven(written)


def test_a_temporary_view_is_what_it_stood_for_when_it_was_read(capture: Any) -> None:
    old, new = capture.csv(capture.people("old.csv")), capture.csv(capture.people("new.csv", 6))
    old.createOrReplaceTempView("people")
    counted = capture.write(capture.spark.sql("SELECT name, count(*) AS n FROM people GROUP BY 1"))
    assert {Path(i).name for i in capture.inputs(counted)} == {"old.csv@1"}
    new.createOrReplaceTempView("people")
    later = capture.write(capture.spark.table("people"))
    assert {Path(i).name for i in capture.inputs(later)} == {"new.csv@1"}
    capture.spark.catalog.dropTempView("people")
    capture.proven(counted)
    capture.proven(later)


def test_recording_leaves_the_views_of_the_session_alone(capture: Any) -> None:
    capture.csv().createOrReplaceTempView("mine")
    capture.write(capture.spark.sql("SELECT id FROM mine"))
    capture.graph.save(capture.spark.sql("SELECT id FROM mine"), "mine saved")
    assert capture.spark.sql("SELECT count(*) FROM mine").collect()[0][0] == 6


def test_a_view_of_a_view_beside_the_view_itself(capture: Any) -> None:
    capture.csv().createOrReplaceTempView("base")
    capture.spark.sql("CREATE OR REPLACE TEMP VIEW few AS SELECT id, v FROM base WHERE id < 4")
    query = (
        "WITH f AS (SELECT * FROM few) SELECT f.id, base.name FROM f JOIN base ON f.id = base.id"
    )
    written = capture.write(capture.spark.sql(query))
    assert capture.columns(written) == {"id": {"id"}, "name": {"name"}}
    capture.proven(written)


@pytest.mark.parametrize("by_sql", [True, False])
def test_a_global_temporary_view_is_closed_too(capture: Any, by_sql: bool) -> None:
    capture.csv().createOrReplaceGlobalTempView("everybody")
    few = "SELECT id FROM global_temp.everybody WHERE id < 3"
    spark = capture.spark
    df = spark.sql(few) if by_sql else spark.table("global_temp.everybody").where("id < 3")
    capture.proven(capture.write(df))


def test_a_table_is_the_files_that_were_written_to_it(capture: Any) -> None:
    table = capture.table()
    capture.csv().write.saveAsTable(table)
    qualified = capture.spark.sql(f"SELECT name, sum(v) AS s FROM default.{table} GROUP BY name")
    for df in (capture.spark.table(table).where("id > 1"), qualified):
        written = capture.write(df)
        up = capture.graph.lineage(written)
        assert any(node.name.endswith("people.csv@1") for node in up.nodes)
        capture.proven(written)
