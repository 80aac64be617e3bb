"""Nothing is recorded that did not happen, and nothing is held against a plan for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.errors import PySparkException

from lineage_graph.errors import InputChanged
from lineage_graph.graph import Graph

pytestmark = pytest.mark.spark


def test_a_write_that_yields_to_what_is_there_makes_no_version(
    recorded: Graph, tmp_path: Path
) -> None:
    spark, there = recorded.spark(), str(tmp_path / "there")
    spark.range(3).write.mode("ignore").parquet(there)
    spark.range(9).write.mode("ignore").parquet(there)
    assert [version["rows"] for version in recorded.versions(there)] == [3]
    assert recorded.rebuild(there).verdict == "identical"
    assert recorded.problems == []


def test_a_missing_input_is_not_held_against_the_plan(recorded: Graph, tmp_path: Path) -> None:
    spark, source, out = recorded.spark(), tmp_path / "late.csv", str(tmp_path / "out")

    def program() -> None:
        spark.read.csv(str(source), schema="a INT").write.mode("overwrite").parquet(out)

    with pytest.raises(PySparkException):
        program()
    with pytest.raises(InputChanged, match="late"):
        recorded.save(spark.read.csv(str(source), schema="a INT"), "early")
    source.write_text("1\n2\n", encoding="utf-8")
    program()
    assert recorded.rebuild(out).verdict == "identical"
    assert recorded.problems == []


def test_what_lay_there_before_an_append_is_not_given_the_content_after_it(
    recorded: Graph, spark: object, tmp_path: Path
) -> None:
    folder = str(tmp_path / "grown")
    spark.range(2).write.parquet(folder)  # type: ignore[attr-defined]
    recorded.spark().range(3).write.mode("append").parquet(folder)
    rows = [version["rows"] for version in recorded.versions(folder)]
    assert rows[-1] == 5
    assert rows[0] in (None, 2)
    assert recorded.rebuild(folder).verdict in ("identical", "impossible")


def test_partitions_by_a_column_that_begins_with_an_underscore_are_pinned(
    recorded: Graph, tmp_path: Path
) -> None:
    part = tmp_path / "data" / "_year=2020"
    part.mkdir(parents=True)
    (part / "part-0.csv").write_text("1\n", encoding="utf-8")
    recorded.dataset("years", tmp_path / "data", format="csv", schema="a INT")
    (part / "part-0.csv").write_text("2\n", encoding="utf-8")
    recorded.dataset("years", tmp_path / "data", format="csv", schema="a INT")
    assert len(recorded.versions("years")) == 2


@pytest.mark.parametrize("how", ["option", "setting"])
def test_a_write_that_replaces_some_partitions_is_read_back_and_not_replayed(
    recorded: Graph, tmp_path: Path, how: str
) -> None:
    spark, folder = recorded.spark(), str(tmp_path / "parts")
    rows = spark.range(4).selectExpr("id", "id % 2 AS half")
    rows.write.partitionBy("half").parquet(folder)
    written = rows.where("half = 1").write.mode("overwrite").partitionBy("half")
    if how == "option":
        written = written.option("partitionOverwriteMode", "dynamic")
    else:
        spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    written.parquet(folder)
    assert [version["rows"] for version in recorded.versions(folder)] == [4, 4]
    again = recorded.rebuild(folder)
    assert again.verdict == "impossible"
    assert "some partitions" in again.outputs[-1].explanation


def test_a_view_tells_the_time_at_which_it_is_asked(recorded: Graph) -> None:
    from pyspark.sql import functions as F

    spark = recorded.spark()
    spark.range(1).select(F.current_timestamp().alias("t")).createOrReplaceTempView("clock")
    first, second = (spark.table("clock").collect()[0][0] for _ in range(2))
    assert first < second
