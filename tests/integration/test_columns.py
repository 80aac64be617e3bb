"""Column lineage against Spark itself: exact where it says so, never too little."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pyspark.sql.connect.proto as pb2
import pytest
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.window import Window as W

from lineage_graph.declarations import bundled
from lineage_graph.executors import ColumnPath, InputPath, Place
from lineage_graph.executors.spark.columns import PlanLineage, derivations
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.plans import canonicalise, expand, lift
from lineage_graph.executors.spark.relations import Relations
from lineage_graph.executors.spark.resolution import SessionNames
from lineage_graph.graph.declared import Declared
from lineage_graph.identity import sha256

pytestmark = pytest.mark.spark
DECLARED = Declared(bundled()).operators()

Row = tuple[Any, ...]
FLIGHTS = "k int, v int, s string, arr array<int>"
FLIGHT_ROWS: list[Row] = [
    (1, 10, "x", [1, 2]),
    (2, 20, "y", [3]),
    (2, 25, "x", []),
    (3, None, "y", [4, 5, 6]),
    (4, 40, None, [7]),
    (5, 50, "z", [1]),
]
PLACES = "k int, w int, p string"
PLACE_ROWS: list[Row] = [(1, 100, "a"), (2, 200, "b"), (3, 300, "a"), (3, 35, "c"), (9, 900, "d")]


class Lineage:
    """Makes lineage of DataFrames, as the recorder does: closed, canonical, lifted."""

    def __init__(self, spark: Any, folder: Path) -> None:
        self.spark = spark
        self.operators = Operators.from_rows(DECLARED)
        self.asked = 0
        self._folder = folder

    def lifted(self, df: Any) -> tuple[Any, dict[str, Place]]:
        plan = expand(df._plan.to_proto(self.spark.client))
        SessionNames().close(plan)
        canonicalise(plan)
        sources = lift(plan, self._keep)
        return plan.root, {s.slot: s.place for s in sources}

    def _keep(self, data: bytes) -> str:
        digest = sha256(data)
        (self._folder / digest).write_bytes(data)
        return digest

    def of(self, df: Any) -> PlanLineage:
        relation, places = self.lifted(df)
        names = Relations(self.spark, lambda digest: self._folder / digest).schema_names(places)

        def schema_of(part: Any) -> list[str]:
            self.asked += 1
            return names(part)

        self.asked = 0
        return derivations(relation, schema_of, self.operators)


@pytest.fixture(scope="module")
def lineage(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lineage]:
    # Tables of six rows: more partitions than one only cost time.
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    yield Lineage(spark, tmp_path_factory.mktemp("uploaded"))
    spark.conf.set("spark.sql.shuffle.partitions", before)


@pytest.fixture(scope="module")
def flights(spark: Any) -> Any:
    return spark.createDataFrame(FLIGHT_ROWS, FLIGHTS)


@pytest.fixture(scope="module")
def places(spark: Any) -> Any:
    return spark.createDataFrame(PLACE_ROWS, PLACES)


def columns(found: PlanLineage) -> dict[str, set[tuple[str, tuple[str, ...]]]]:
    answer: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for path in found.columns:
        assert not path.approximate, path
        answer.setdefault(path.column, set()).add((f"{path.slot}.{path.source}", path.kinds))
    return answer


def paths(found: PlanLineage) -> list[tuple[str, tuple[str, ...]]]:
    return [(p.slot, p.kinds) for p in found.inputs]


def influences(found: PlanLineage) -> set[str]:
    return {f"{s.slot}.{s.column}" for s in found.influences}


def user_function(column: str) -> Any:
    function: Any = F.udf(lambda value: value, "int")
    return function(column)


IDENTITY = ("Identity",)


def test_an_unchanged_input_is_an_identity(lineage: Lineage, flights: Any) -> None:
    found = lineage.of(flights.select("*"))
    assert paths(found) == [("input:0", IDENTITY)]
    assert columns(found)["v"] == {("input:0.v", IDENTITY)}
    assert influences(found) == set()


def test_a_rename_is_an_identity_and_a_computation_a_transform(
    lineage: Lineage, flights: Any
) -> None:
    df = flights.withColumn("v", F.col("v") * 2).withColumnRenamed("s", "t").drop("arr")
    found = lineage.of(df)
    assert columns(found) == {
        "k": {("input:0.k", IDENTITY)},
        "v": {("input:0.v", ("Transform",))},
        "t": {("input:0.s", IDENTITY)},
    }
    assert paths(found) == [("input:0", ("Projection", "Transform"))]


def test_filter_join_and_aggregate_are_one_path_per_input(
    lineage: Lineage, flights: Any, places: Any
) -> None:
    df = (
        flights.join(places, "k")
        .filter("w > 1")
        .groupBy("p")
        .agg(F.count("*").alias("n"), F.avg("v").alias("mean"))
    )
    found = lineage.of(df)
    kinds = ("Aggregate", "Combine", "Filter")
    assert paths(found) == [("input:0", kinds), ("input:1", kinds)]
    assert columns(found) == {
        "p": {("input:1.p", IDENTITY)},
        "mean": {("input:0.v", ("Aggregate",))},
        "n": {("input:1.p", ("Aggregate", "Count"))},
    }
    assert found.group_sizes == ("n",)
    assert influences(found) == {"input:0.k", "input:1.k", "input:1.w", "input:1.p"}


def test_columns_of_one_name_are_told_apart_by_their_table(
    lineage: Lineage, flights: Any, places: Any
) -> None:
    df = flights.join(places, (flights.k == places.k) & (flights.v > 1), "left").select(
        flights.k.alias("left"), places.k.alias("right")
    )
    found = lineage.of(df)
    assert columns(found) == {
        "left": {("input:0.k", IDENTITY)},
        "right": {("input:1.k", IDENTITY)},
    }
    assert influences(found) == {"input:0.k", "input:0.v", "input:1.k"}


def test_a_semi_join_only_looks_the_other_side_up(
    lineage: Lineage, flights: Any, places: Any
) -> None:
    found = lineage.of(flights.join(places, "k", "left_semi"))
    assert paths(found) == [("input:0", ("Filter",)), ("input:1", ("Lookup",))]
    assert {c.slot for c in found.columns} == {"input:0"}


def test_a_self_join_has_one_path_when_both_sides_are_alike(lineage: Lineage, flights: Any) -> None:
    other = flights.where("v > 1").alias("r")
    df = flights.alias("l").join(other, F.col("l.k") == F.col("r.k")).select("l.v", "r.s")
    found = lineage.of(df)
    assert paths(found) == [
        ("input:0", ("Combine", "Filter", "Projection")),
        ("input:0", ("Combine", "Projection")),
    ]
    assert columns(found) == {"v": {("input:0.v", IDENTITY)}, "s": {("input:0.s", IDENTITY)}}


def test_a_union_combines_by_position_or_by_name(
    lineage: Lineage, flights: Any, places: Any
) -> None:
    by_position = lineage.of(flights.select("k", "v").union(places.select("w", "k")))
    combined = ("Combine",)
    assert columns(by_position) == {
        "k": {("input:0.k", combined), ("input:1.w", combined)},
        "v": {("input:0.v", combined), ("input:1.k", combined)},
    }
    by_name = lineage.of(
        flights.select("v", "k").unionByName(places.select("k", "w"), allowMissingColumns=True)
    )
    assert columns(by_name) == {
        "v": {("input:0.v", combined)},
        "k": {("input:0.k", combined), ("input:1.k", combined)},
        "w": {("input:1.w", combined)},
    }


def test_a_window_aggregate_keeps_the_rows_so_the_table_is_no_aggregate(
    lineage: Lineage, flights: Any
) -> None:
    total = F.sum("v").over(W.partitionBy("s"))
    found = lineage.of(flights.select("k", total.alias("total")))
    assert paths(found) == [("input:0", ("Projection", "Transform"))]
    assert columns(found)["total"] == {
        ("input:0.v", ("Aggregate",)),
        ("input:0.s", ("Transform",)),
    }


def test_values_handed_on_by_a_grouping_are_no_aggregate(lineage: Lineage, flights: Any) -> None:
    found = lineage.of(flights.groupBy("s").agg(F.collect_list("v").alias("all")))
    assert paths(found) == [("input:0", ("Combine",))]
    found = lineage.of(flights.groupBy("s").agg(F.first("v"), F.sum("v")))
    assert paths(found) == [("input:0", ("Filter",))]
    found = lineage.of(flights.select(F.sum("v").alias("t")))
    assert paths(found) == [("input:0", ("Aggregate",))]


def test_the_order_of_rows_only_matters_to_what_counts_them(lineage: Lineage, flights: Any) -> None:
    assert influences(lineage.of(flights.orderBy("v").select("k"))) == set()
    assert influences(lineage.of(flights.orderBy("v").limit(2).select("k"))) == {"input:0.v"}
    everything = {"input:0.k", "input:0.v", "input:0.s"}
    halves = flights.select("k", "v", "s").randomSplit([0.5, 0.5], 1)
    assert influences(lineage.of(halves[0])) == everything


def test_sql_is_as_exact_as_the_api(
    spark: Any, lineage: Lineage, flights: Any, places: Any
) -> None:
    text = """
      WITH q AS (SELECT k, v * 2 AS v2 FROM {f} WHERE v > :low)
      SELECT q.k, sum(v2) AS total, max(b.w) AS most
      FROM q JOIN {p} b USING (k)
      WHERE EXISTS (SELECT 1 FROM {p} z WHERE z.p > 'a' AND z.k = q.k)
      GROUP BY q.k ORDER BY 2 LIMIT 3
    """
    found = lineage.of(spark.sql(text, {"low": 1}, f=flights, p=places))
    assert columns(found) == {
        "k": {("input:0.k", IDENTITY)},
        "total": {("input:0.v", ("Aggregate", "Transform"))},
        "most": {("input:1.w", ("Aggregate",))},
    }
    kinds = ("Aggregate", "Combine", "Filter", "Projection", "Transform")
    assert ("input:0", kinds) in paths(found)
    assert any("Lookup" in p.kinds for p in found.inputs if p.slot == "input:1")
    assert influences(found) == {"input:0.k", "input:0.v", "input:1.k", "input:1.p"}


def test_sql_stars_windows_unions_and_lateral_views_are_exact(
    spark: Any, lineage: Lineage, flights: Any, places: Any
) -> None:
    window = (
        "SELECT *, row_number() OVER w AS r FROM {f} t WINDOW w AS (PARTITION BY t.s ORDER BY v)"
    )
    found = columns(lineage.of(spark.sql(window, f=flights)))
    assert found["r"] == {("input:0.s", ("Transform",)), ("input:0.v", ("Transform",))}
    assert found["arr"] == {("input:0.arr", IDENTITY)}
    united = "SELECT k, v FROM {f} UNION SELECT k, w FROM {p}"
    found = columns(lineage.of(spark.sql(united, f=flights, p=places)))
    assert found["v"] == {("input:0.v", ("Combine",)), ("input:1.w", ("Combine",))}
    view = "SELECT t.k, e FROM {f} t LATERAL VIEW explode(arr) x AS e"
    found = columns(lineage.of(spark.sql(view, f=flights)))
    assert found == {"k": {("input:0.k", IDENTITY)}, "e": {("input:0.arr", ("Transform",))}}


def test_a_user_function_is_exact_to_its_arguments_and_a_batch_function_to_its_input(
    lineage: Lineage, flights: Any
) -> None:
    found = lineage.of(flights.select(user_function("v").alias("u"), "s"))
    assert columns(found)["u"] == {("input:0.v", ("Transform",))}
    found = lineage.of(flights.mapInPandas(lambda batches: batches, "k int"))
    assert {(c.source, c.approximate) for c in found.columns} == {
        ("k", True), ("v", True), ("s", True), ("arr", True),
    }  # fmt: skip
    assert all(p == InputPath("input:0", ("Transform",), True) for p in found.inputs)


def test_what_cannot_be_read_comes_from_everywhere_under_sparks_names(
    spark: Any, lineage: Lineage, flights: Any
) -> None:
    text = "SELECT * FROM {f} PIVOT (sum(v) AS v FOR s IN ('x', 'y'))"
    found = lineage.of(spark.sql(text, f=flights))
    assert {c.column for c in found.columns} == {"k", "arr", "x", "y"}
    assert all(c.approximate for c in found.columns)
    assert ColumnPath("x", "input:0", "v", ("Transform",), True) in found.columns


def test_three_hundred_chained_columns_ask_spark_three_times_at_most(
    lineage: Lineage, flights: Any
) -> None:
    relation, _ = lineage.lifted(flights)
    for number in range(300):
        above = pb2.Relation()
        above.common.plan_id = 1000 + number
        alias = above.with_columns.aliases.add()
        alias.name.append("v")
        call = alias.expr.unresolved_function
        call.function_name = "+"
        call.arguments.add().unresolved_attribute.unparsed_identifier = "v"
        call.arguments.add().unresolved_attribute.unparsed_identifier = "k"
        above.with_columns.input.CopyFrom(relation)
        relation = above
    asked = []

    def schema_of(part: Any) -> list[str]:
        asked.append(part)
        return ["k", "v", "s", "arr"]

    found = derivations(relation, schema_of, lineage.operators)
    assert {p.source for p in found.columns if p.column == "v"} == {"k", "v"}
    assert len(asked) <= 3


def test_names_are_derived_here_where_that_is_certain(lineage: Lineage, flights: Any) -> None:
    lineage.of(flights.select("k", (F.col("v") + 1).alias("w")).groupBy("k").count())
    assert lineage.asked == 2  # the source, and the whole


def test_every_name_is_the_one_that_spark_gives(lineage: Lineage, flights: Any) -> None:
    frames = [
        flights.select("K", F.upper("s"), F.explode("arr")),
        flights.selectExpr("*", "k + 1", "v as V2"),
        flights.withColumnsRenamed({"k": "j", "v": "u"}),
        flights.rollup("k", "s").agg(F.sum("v"), F.max("k").alias("m")),
        flights.select(F.posexplode("arr"), "k"),
        flights.unpivot(["k"], ["v"], "name", "value"),
        flights.toDF("a", "b", "c", "d"),
    ]
    for df in frames:
        found = {path.column for path in lineage.of(df).columns}
        assert found <= set(df.columns), (found, df.columns)


# Soundness: change one source column, and see what changes.

Query = Callable[[Any, Any, Any], Any]


def _text(text: str) -> Query:
    return lambda spark, f, p: spark.sql(text, f=f, p=p)


QUERIES: dict[str, Query] = {
    "select": lambda _, f, p: f.select("k", (F.col("v") + 1).alias("w"), F.upper("s")),
    "filter": lambda _, f, p: f.where((F.col("v") > 15) & F.col("s").isNotNull()).select("k"),
    "join": lambda _, f, p: f.join(p, "k", "left").groupBy("s").agg(F.sum("w"), F.count("*")),
    "outer": lambda _, f, p: f.join(p, "k", "full").select("k", "v", "p"),
    "right": lambda _, f, p: f.join(p, f.k == p.k, "right").select(f.k, p.k.alias("j"), "w"),
    "anti": lambda _, f, p: f.join(p, "k", "anti").select("k", "v"),
    "union": lambda _, f, p: f.select("k", "s").union(p.select("w", "p")).distinct(),
    "window": lambda _, f, p: f.select(
        "k",
        F.rank().over(W.partitionBy("s").orderBy("v")),
        F.lag("k").over(W.partitionBy("s").orderBy("v", "k")),
    ),
    "top": lambda _, f, p: f.orderBy("v").limit(2).select("k", "s"),
    "hidden": lambda _, f, p: f.select("k").where("v > 15").orderBy(f.s, f.k).limit(2),
    "explode": lambda _, f, p: f.select("k", F.explode("arr").alias("e")),
    "pivot": lambda _, f, p: f.groupBy("k").pivot("s", ["x", "y"]).agg(F.sum("v")),
    "dedup": lambda _, f, p: f.select("s", F.lit(1)).dropDuplicates(["s"]),
    "fill": lambda _, f, p: f.fillna(7, ["v"]).dropna(subset=["s"]).replace("x", "q", "s"),
    "unpivot": lambda _, f, p: f.unpivot(["s"], ["k", "v"], "name", "value"),
    "rollup": lambda _, f, p: f.rollup("s").agg(F.sum("v"), F.max("k")),
    "nested": lambda _, f, p: f.select(F.struct("k", "s").alias("t"), "v").select("t.s", "v"),
    "chain": lambda _, f, p: (
        f.withColumn("v", F.col("v") + F.col("k")).withColumn("k", F.col("v") * 2).where("k > 60")
    ),
    "except": lambda _, f, p: f.select("k").exceptAll(p.select("k")),
    "exists": lambda _, f, p: (
        f.alias("f")
        .where(
            p.alias("p").where((F.col("w") > 50) & (F.col("p.k") == F.col("f.k").outer())).exists()
        )
        .select("v")
    ),
    "scalar": lambda _, f, p: f.select("v", p.select(F.max("w")).scalar().alias("most")),
    "lateral": lambda spark, f, p: f.lateralJoin(
        spark.tvf.explode(F.col("arr").outer()).toDF("e")
    ).select("k", "e"),
    "split": lambda _, f, p: f.select("k", "v").randomSplit([0.5, 0.5], 3)[0],
    "sql join": _text(
        "SELECT f.k, coalesce(w, v) AS c, count(*) OVER (PARTITION BY s) AS n "
        "FROM {f} f LEFT JOIN {p} p ON f.k = p.k AND p.w > 50"
    ),
    "sql group": _text(
        "SELECT s AS g, sum(v) t, max(get(arr, 0)) FROM {f} "
        "WHERE k IN (SELECT k FROM {p} WHERE w > 50) "
        "GROUP BY g HAVING count(k) > 0 ORDER BY t DESC LIMIT 2"
    ),
    "sql lateral alias": _text("SELECT k + 1 AS a, a * v AS b FROM {f} WHERE s = 'x'"),
    "sql scalar": _text(
        "SELECT k, (SELECT max(w) FROM {p} p WHERE p.k = f.k) m FROM {f} f WHERE EXISTS "
        "(SELECT 1 FROM {p} z WHERE z.k = f.k AND p <> 'c')"
    ),
    "sql cte": _text(
        "WITH a AS (SELECT k, v FROM {f}), b (k, u) AS (SELECT k, w FROM {p}) "
        "SELECT * FROM a NATURAL JOIN b UNION ALL SELECT k, u, k FROM b"
    ),
}


def changed_table(rows: list[Row], at: int) -> list[Row]:
    """Turn one column round and put a new value in front."""
    values = [row[at] for row in reversed(rows)]
    sample = next(v for v in values if v is not None)
    values[0] = {int: 77, str: "new", list: [8, 9]}[type(sample)]
    return [(*r[:at], v, *r[at + 1 :]) for r, v in zip(rows, values, strict=True)]


def contents(variants: list[Any]) -> list[list[Counter[str]]]:
    """Return, for each of some DataFrames, what each column holds; in one job."""
    width = len(variants[0].columns)
    names = [f"c{i}" for i in range(width)]
    tagged = [df.toDF(*names).withColumn("variant", F.lit(i)) for i, df in enumerate(variants)]
    found = [[Counter[str]() for _ in names] for _ in variants]
    for row in reduce(lambda a, b: a.unionAll(b), tagged).collect():
        for index in range(width):
            found[row[width]][index][repr(row[index])] += 1
    return found


def perturbed(spark: Any) -> Iterator[tuple[str, str, Any, Any]]:
    for at, name in enumerate(("k", "v", "s", "arr")):
        changed = spark.createDataFrame(changed_table(FLIGHT_ROWS, at), FLIGHTS)
        yield "flights", name, changed, spark.createDataFrame(PLACE_ROWS, PLACES)
    for at, name in enumerate(("k", "w", "p")):
        changed = spark.createDataFrame(changed_table(PLACE_ROWS, at), PLACES)
        yield "places", name, spark.createDataFrame(FLIGHT_ROWS, FLIGHTS), changed


@pytest.mark.parametrize("name", QUERIES)
def test_only_what_claims_a_column_changes_with_it(
    spark: Any, lineage: Lineage, flights: Any, places: Any, name: str
) -> None:
    query = QUERIES[name]
    df = query(spark, flights, places)
    found = lineage.of(df)
    tables = tables_of(lineage, df)
    deciding = {(tables[s.slot], s.column) for s in found.influences}
    variants = [v for v in perturbed(spark) if v[:2] not in deciding]
    before, *after = contents([df, *(query(spark, f, p) for _, _, f, p in variants)])
    for (table, column, _, _), then in zip(variants, after, strict=True):
        pairs = zip(df.columns, before, then, strict=True)
        different = {name for name, old, new in pairs if old != new}
        claimed = {c.column for c in found.columns if (tables[c.slot], c.source) == (table, column)}
        assert different <= claimed, f"{table}.{column} changes {different - claimed}"


def tables_of(lineage: Lineage, df: Any) -> dict[str, str]:
    _, places = lineage.lifted(df)
    return {
        slot: "flights" if '"arr"' in (place.schema or "") else "places"
        for slot, place in places.items()
    }


def test_the_python_that_runs_is_the_one_that_cautions_name(lineage: Lineage, flights: Any) -> None:
    df = flights.select(user_function("v").alias("u"))
    relation, _ = lineage.lifted(df)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert any(f"Python {version}" in c for c in lineage.operators.cautions(relation))


def test_every_declared_function_is_one_that_spark_has(spark: Any) -> None:
    functions = {row["name"].partition("(")[0] for row in DECLARED if "(" in row["name"]}
    known = {row[0] for row in spark.sql("SHOW FUNCTIONS").collect()}
    # product is an aggregate that only the DataFrame API has.
    assert functions - known == {"product"}
