"""What ordinary code writes, by whichever way, is a version that is made again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import functions as F

pytestmark = pytest.mark.spark


def as_csv(df: Any, path: str) -> None:
    df.write.csv(path, header=True)


def as_json(df: Any, path: str) -> None:
    df.write.json(path)


def as_orc(df: Any, path: str) -> None:
    df.repartition(2, "name").write.format("orc").save(path)


def in_partitions(df: Any, path: str) -> None:
    df.write.partitionBy("name").parquet(path)


def overwritten(df: Any, path: str) -> None:
    df.limit(1).write.parquet(path)
    df.write.mode("overwrite").parquet(path)


@pytest.mark.parametrize("write", [as_csv, as_json, as_orc, in_partitions, overwritten])
def test_files_that_are_written_are_made_again(
    capture: Any, write: Callable[[Any, str], None]
) -> None:
    path = str(capture.out / "written")
    write(capture.csv(), path)
    assert {c: s for c, s in capture.columns(path).items()} == {
        "id": {"id"}, "name": {"name"}, "v": {"v"}
    }  # fmt: skip
    capture.proven(path)


@pytest.mark.parametrize("write", ["parquet", "csv", "partitioned"])
def test_what_is_appended_to_holds_old_and_new_and_comes_from_both(
    capture: Any, write: str
) -> None:
    path = str(capture.out / "all")
    for name, first in (("old.csv", 0), ("new.csv", 6)):
        writer = capture.csv(capture.people(name, first)).write.mode("append")
        if write == "csv":
            writer.csv(path, header=True)
        else:
            (writer.partitionBy("name") if write == "partitioned" else writer).parquet(path)
    assert capture.graph.describe(path)["rows"] == 12
    assert {name.rpartition("/")[2] for name in capture.inputs(path)} == {"all@1", "new.csv@1"}
    assert all("Combine" in kinds for kinds in capture.kinds(path).values())
    capture.proven(path)


def save_as_table(capture: Any, table: str, df: Any) -> None:
    df.write.saveAsTable(table)


def insert_into(capture: Any, table: str, df: Any) -> None:
    df.limit(2).write.saveAsTable(table)
    df.write.insertInto(table)


def create_table_as_select(capture: Any, table: str, df: Any) -> None:
    df.createOrReplaceTempView("given")
    capture.spark.sql(f"CREATE TABLE {table} USING parquet AS SELECT id, v FROM given")


def insert_select(capture: Any, table: str, df: Any) -> None:
    df.limit(2).write.saveAsTable(table)
    df.createOrReplaceTempView("given")
    capture.spark.sql(f"INSERT INTO {table} SELECT * FROM given WHERE id > 2")


def insert_overwrite(capture: Any, table: str, df: Any) -> None:
    df.limit(2).write.saveAsTable(table)
    df.createOrReplaceTempView("given")
    capture.spark.sql(f"INSERT OVERWRITE {table} SELECT * FROM given WHERE id > 2")


def write_to(capture: Any, table: str, df: Any) -> None:
    df.writeTo(table).using("parquet").create()


@pytest.mark.parametrize(
    "write",
    [
        save_as_table, insert_into, create_table_as_select, insert_select, insert_overwrite,
        write_to,
    ],
)  # fmt: skip
def test_a_table_that_is_written_is_made_again(
    capture: Any, write: Callable[[Any, str, Any], None]
) -> None:
    table = capture.table()
    write(capture, table, capture.csv())
    copied = capture.write(capture.spark.table(table))
    (version,) = capture.inputs(copied)
    assert capture.activities(f"write table {table}") or capture.activities(
        f"write table {table} by SQL"
    )
    rows = capture.spark.table(table).count()
    assert capture.graph.describe(version)["rows"] == rows
    capture.proven(version)


def run_for_each(capture: Any, df: Any) -> None:
    df.foreachPartition(lambda rows: None)


@pytest.mark.parametrize(
    "act",
    [
        lambda c, df: df.count(), lambda c, df: df.collect(), lambda c, df: df.toPandas(),
        lambda c, df: df.toArrow(), lambda c, df: df.show(), run_for_each,
        lambda c, df: df.cache().count(), lambda c, df: df.first(),
    ],
    ids=["count", "collect", "pandas", "arrow", "show", "foreach", "cache", "first"],
)  # fmt: skip
def test_an_action_is_an_activity_that_used_what_it_read(
    capture: Any, act: Callable[[Any, Any], Any]
) -> None:
    before = len(capture.activities())
    act(capture, capture.csv().where("id > 1"))
    (done,) = capture.activities()[before:]
    assert (done["status"], done["replayable"]) == ("completed", True)
    (used,) = capture.graph.query("records/used", activity=done["activity"])
    assert capture.graph._catalogue.name_of(used["entity"]).endswith("people.csv@1")
    assert capture.problems == []


@pytest.mark.parametrize("eager", [True, False])
def test_a_checkpoint_stands_for_the_plan_that_made_it(capture: Any, eager: bool) -> None:
    kept = capture.csv().withColumn("twice", F.col("v") * 2).localCheckpoint(eager)
    written = capture.write(kept.where("id < 4"))
    assert capture.columns(written)["twice"] == {"v"}
    capture.proven(written)


def test_two_threads_that_write_at_once_are_both_recorded(capture: Any) -> None:
    people = capture.csv()
    paths = [str(capture.out / f"thread {n}") for n in range(4)]
    threads = [
        threading.Thread(target=people.where(f"id > {n}").write.parquet, args=[path])
        for n, path in enumerate(paths)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [capture.graph.describe(path)["rows"] for path in paths] == [5, 4, 3, 2]
    capture.proven(paths[-1])


@pytest.mark.parametrize("narrow", [True, False])
def test_a_plan_of_120_steps_is_kept_described_and_made_again(capture: Any, narrow: bool) -> None:
    df = capture.csv()
    for n in range(120):
        df = df.withColumn("v" if narrow else f"c{n}", F.col("v") + n)
    written = capture.write(df)
    assert len(capture.steps(written)) == 121
    assert capture.columns(written)["v" if narrow else "c119"] == {"v"}
    capture.proven(written)
