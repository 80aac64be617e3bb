"""Queries of every shape: what they say in the graph, and that they are made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

pytestmark = pytest.mark.spark

Make = Callable[[Any, DataFrame], DataFrame]


def self_join(capture: Any, people: DataFrame) -> DataFrame:
    most = people.groupBy("name").agg(F.max("v").alias("most"))
    return people.join(most, people.name == most.name).select(people.id, most.most, people["v"])


def aliased_self_join(capture: Any, people: DataFrame) -> DataFrame:
    left, right = people.alias("l"), people.alias("r")
    joined = left.join(right, F.col("l.id") == F.col("r.id") + 1, "left")
    return joined.select("l.id", F.col("r.v").alias("before"))


def window(capture: Any, people: DataFrame) -> DataFrame:
    by_name = Window.partitionBy("name").orderBy("id")
    return people.withColumn("n", F.row_number().over(by_name)).withColumn(
        "before", F.lag("v").over(by_name)
    )


def pivot(capture: Any, people: DataFrame) -> DataFrame:
    return people.groupBy("id").pivot("name").sum("v")


def union(capture: Any, people: DataFrame) -> DataFrame:
    more = people.select("id", "v").withColumn("more", F.lit(1))
    return people.unionByName(more, allowMissingColumns=True).distinct()


def tidied(capture: Any, people: DataFrame) -> DataFrame:
    return people.na.fill(0).replace({1: 2}, subset=["id"]).drop("name").toDF("a", "b")


def python_function(capture: Any, people: DataFrame) -> DataFrame:
    factor = 3
    return people.withColumn("u", F.udf(lambda v: v * factor, "double")("v"))


def registered_function(capture: Any, people: DataFrame) -> DataFrame:
    capture.spark.udf.register("twice", lambda v: v * 2, "double")
    people.createOrReplaceTempView("people")
    twice = capture.spark.sql("SELECT id, twice(v) AS d FROM people")
    called = twice.withColumn("e", F.expr("twice(d)"))
    found: DataFrame = called.withColumn("f", F.call_function("twice", "e"))
    return found


def pandas_function(capture: Any, people: DataFrame) -> DataFrame:
    def plus_one(values: pd.Series) -> pd.Series:
        return values + 1

    make: Any = pandas_udf  # its stubs know no name of a type
    return people.select("id", make(plus_one, "double")("v").alias("p"))


def map_in_pandas(capture: Any, people: DataFrame) -> DataFrame:
    def doubled(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            yield frame.assign(z=frame.v * 2)[["id", "z"]]

    return people.mapInPandas(doubled, "id int, z double")


def apply_in_pandas(capture: Any, people: DataFrame) -> DataFrame:
    def centred(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(v=frame.v - frame.v.mean())[["id", "v"]]

    return people.groupBy("name").applyInPandas(centred, "id int, v double")


def named_arguments(capture: Any, people: DataFrame) -> DataFrame:
    people.createOrReplaceTempView("people")
    query = "SELECT :word AS w, id FROM people WHERE id < :most"
    found: DataFrame = capture.spark.sql(query, args={"word": "q", "most": 5})
    return found


def positional_arguments(capture: Any, people: DataFrame) -> DataFrame:
    people.createOrReplaceTempView("people")
    found: DataFrame = capture.spark.sql("SELECT id FROM people WHERE id < ?", args=[5])
    return found


def formatted(capture: Any, people: DataFrame) -> DataFrame:
    query = "SELECT id, v + {more} AS v FROM {people} WHERE id < 4"
    found: DataFrame = capture.spark.sql(query, people=people, more=4)
    return found


def subquery(capture: Any, people: DataFrame) -> DataFrame:
    people.createOrReplaceTempView("people")
    query = "SELECT id FROM people WHERE v > (SELECT avg(v) FROM people)"
    found: DataFrame = capture.spark.sql(query)
    return found


# What is made, a kind met on the way, an operator, and the sources of a column.
CASES: list[tuple[Make, str, str, tuple[str, set[str]]]] = [
    (self_join, "Combine", "join inner join", ("most", {"v"})),
    (aliased_self_join, "Combine", "join left outer join", ("before", {"v"})),
    (window, "Transform", "with_columns", ("before", {"id", "name", "v"})),
    (pivot, "Aggregate", "aggregate", ("n1", {"name", "v"})),
    (union, "Combine", "set_op union", ("v", {"v"})),
    (tidied, "Transform", "fill_na", ("b", {"v"})),
    (python_function, "Transform", "with_columns", ("u", {"v"})),
    (registered_function, "Transform", "sql SELECT id, twice(v)", ("f", {"v"})),
    (pandas_function, "Transform", "project", ("p", {"v"})),
    (map_in_pandas, "Transform", "map_partitions", ("z", {"id", "name", "v"})),
    (apply_in_pandas, "Transform", "group_map", ("v", {"id", "name", "v"})),
    (named_arguments, "Filter", "sql SELECT :word", ("id", {"id"})),
    (positional_arguments, "Filter", "sql SELECT id", ("id", {"id"})),
    (formatted, "Filter", "sql SELECT id, v + 4", ("v", {"v"})),
    (subquery, "Filter", "sql SELECT id", ("id", {"id"})),
]


@pytest.mark.parametrize(
    ("make", "kind", "step", "column"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_a_query_is_described_and_made_again(
    capture: Any, make: Make, kind: str, step: str, column: tuple[str, set[str]]
) -> None:
    written = capture.write(make(capture, capture.csv()))
    assert kind in set().union(*capture.kinds(written).values()), capture.kinds(written)
    steps = capture.steps(written)
    assert any(said.startswith(step) for said in steps) and len(set(steps)) == len(steps), steps
    assert capture.columns(written)[column[0]] == column[1]
    capture.proven(written)


def test_clocks_and_generators_of_dataframes_are_fixed_when_they_are_recorded(
    capture: Any,
) -> None:
    now = F.current_timestamp().alias("now"), F.current_date().alias("today")
    written = capture.write(capture.csv().select("id", F.rand(), F.uuid(), *now).sample(0.9))
    capture.proven(written)


def test_clocks_and_generators_of_sql_text_are_cautioned_against(capture: Any) -> None:
    capture.csv().createOrReplaceTempView("people")
    query = "SELECT id, rand() AS r, current_timestamp() AS t FROM people"
    written = capture.write(capture.spark.sql(query))
    said = " ".join(capture.origin(written).cautions)
    assert "rand()" in said and "current_timestamp()" in said
    rebuild = capture.rebuilt(written)
    assert rebuild.verdict == "different" and "rand()" in rebuild.first_difference.explanation


def test_the_same_program_is_the_same_plan_whatever_it_reads_and_where(capture: Any) -> None:
    plans = set()
    for name, first in (("a.csv", 0), ("b.csv", 50)):
        people = capture.csv(capture.people(name, first))
        people.createOrReplaceTempView("people")
        few = capture.spark.sql("SELECT id, v FROM {given} JOIN people USING (id, v)", given=people)
        plans.add(capture.origin(capture.write(few.where("v > 1"))).plan)
    assert len(plans) == 1


def test_a_setting_is_in_the_environment_of_what_comes_after(capture: Any) -> None:
    changes: list[Callable[[], Any]] = [
        lambda: capture.spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo"),
        lambda: capture.spark.sql("SET spark.sql.session.timeZone=Asia/Tokyo").collect(),
    ]
    for change in changes:
        capture.spark.conf.set("spark.sql.session.timeZone", "UTC")
        before = capture.write(capture.csv())
        change()
        after = capture.write(capture.csv().selectExpr("timestamp_seconds(id) AS t", "v"))
        zones = [
            capture.origin(path).facts["spark.sql.session.timeZone"] for path in (before, after)
        ]
        capture.spark.conf.set("spark.sql.session.timeZone", "UTC")
        assert zones == ["UTC", "Asia/Tokyo"]
    capture.proven(after)
