"""The operator table, the steps of a plan as text, what may not repeat, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyspark.sql.connect.proto as pb2
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.window import Window as W

from lineage_graph.declarations import bundled
from lineage_graph.executors.spark.columns import derivations
from lineage_graph.executors.spark.expressions import render, render_literal
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.refusals import forbidden
from lineage_graph.graph.declared import Declared

ROOT = Path(__file__).parents[2]
TABLE = rdflib.Graph().parse(ROOT / "ontology" / "operators.ttl")
RELATIONS = [f.name for f in pb2.Relation.DESCRIPTOR.oneofs_by_name["rel_type"].fields]


ROWS = Declared(bundled()).operators()
OPERATORS = Operators.from_rows(ROWS)


RELATION = pb2.Relation.DESCRIPTOR


def expression(column: Any) -> Any:
    return column._expr.to_plan(None)


def relation(kind: str, number: int, *inputs: Any) -> tuple[Any, Any]:
    made = pb2.Relation()
    made.common.plan_id = number
    message = getattr(made, kind)
    message.SetInParent()
    names = ("input",) if len(inputs) == 1 else ("left", "right")
    for name, value in zip(names, inputs, strict=False):
        getattr(message, name).CopyFrom(value)
    return made, message


def scan(slot: int = 0) -> Any:
    made, read = relation("read", 100 + slot)
    read.data_source.format = "parquet"
    read.data_source.paths.append(f"input:{slot}")
    return made


def project(below: Any, *columns: Any, number: int = 1) -> Any:
    made, message = relation("project", number, below)
    message.expressions.extend(expression(c) for c in columns)
    return made


def filtered(below: Any, condition: Any, number: int = 2) -> Any:
    made, message = relation("filter", number, below)
    message.condition.CopyFrom(expression(condition))
    return made


def grouped(below: Any, number: int = 3) -> Any:
    made, message = relation("aggregate", number, below)
    message.group_type = pb2.Aggregate.GROUP_TYPE_GROUPBY
    message.grouping_expressions.append(expression(F.col("dest")))
    message.aggregate_expressions.append(expression(F.count("*").alias("n")))
    return made


def sql(text: str, *views: str) -> Any:
    made, message = relation("with_relations", 50)
    message.root.common.plan_id = 51
    message.root.sql.query = text
    for number, view in enumerate(views):
        reference = message.references.add()
        reference.common.plan_id = 60 + number
        reference.subquery_alias.alias = view
        reference.subquery_alias.input.CopyFrom(scan(number))
    return made


# The table


@pytest.mark.parametrize("name", RELATIONS)
def test_every_relation_of_spark_connect_is_in_the_table(name: str) -> None:
    assert OPERATORS.relation(name).name == name


def test_every_relation_in_the_table_is_one_of_spark_connect() -> None:
    assert {r["name"] for r in ROWS if "(" not in r["name"]} == set(RELATIONS)


def test_every_operator_is_labelled_in_both_languages_and_says_why_it_may_differ() -> None:
    for operator in set(TABLE.subjects()):
        found = TABLE.objects(operator, rdflib.RDFS.label)
        languages = {o.language for o in found if isinstance(o, rdflib.Literal)}
        assert languages == {"en", "pt-BR"}, operator
    assert [r["name"] for r in ROWS if r["deterministic"] != "always" and not r["comment"]] == []
    assert {r["deterministic"] for r in ROWS} == {"always", "by-order", "never"}


def test_names_are_declared_once() -> None:
    assert len({r["name"] for r in ROWS}) == len({r["iri"] for r in ROWS}) == len(ROWS)


def test_a_function_is_never_taken_for_the_relation_of_its_name() -> None:
    assert OPERATORS.kind_of_function("filter", 2) == "Transform"
    assert OPERATORS.kind_of_function("SUM", 1) == "Aggregate"


def test_a_relation_nobody_declared_is_the_unknown_one() -> None:
    assert OPERATORS.relation("invented").name == "unknown"


# Text


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ((F.col("dest") == "JFK") & (F.col("dep_delay") > 15), "dest = 'JFK' AND dep_delay > 15"),
        (~((F.col("a") > 1) | F.col("b").isNull()), "NOT (a > 1 OR b IS NULL)"),
        ((F.col("a") - (F.col("b") - F.col("c"))) * 2, "(a - (b - c)) * 2"),
        ((F.col("a") > 1) == F.col("b"), "(a > 1) = b"),
        (F.count("*").alias("n"), "count(*) AS n"),
        (F.countDistinct("x"), "count(DISTINCT x)"),
        (F.col("a").cast("int"), "CAST(a AS int)"),
        (F.col("a").isin(1, 2), "a IN (1, 2)"),
        (F.col("s")["f"], "s['f']"),
        (
            F.when(F.col("a") > 1, "it's").otherwise(None),
            "CASE WHEN a > 1 THEN 'it''s' ELSE NULL END",
        ),
        (F.expr("a   +  1"), "a + 1"),
        (F.posexplode("m").alias("k", "v"), "posexplode(m) AS (k, v)"),
        (
            F.sum("v").over(W.partitionBy("k").orderBy(F.col("t").desc()).rowsBetween(-2, 0)),
            "sum(v) OVER (PARTITION BY k ORDER BY t DESC ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
        ),
    ],
)
def test_an_expression_reads_like_sql(column: Any, text: str) -> None:
    assert render(expression(column)) == text


@given(st.text())
def test_a_text_literal_can_be_told_from_what_is_around_it(text: str) -> None:
    literal = pb2.Expression.Literal(string=text)
    assert render_literal(literal)[1:-1].replace("''", "'") == text


def test_a_thousand_conditions_are_rendered_without_a_deep_stack() -> None:
    deep = expression(F.col("a") > 0)
    for _ in range(1000):
        above = pb2.Expression()
        above.unresolved_function.function_name = "and"
        above.unresolved_function.arguments.add().CopyFrom(deep)
        above.unresolved_function.arguments.add().unresolved_attribute.unparsed_identifier = "b"
        deep = above
    assert render(deep).count(" AND ") == 1000


def test_steps_stand_in_order_with_their_arguments() -> None:
    join, message = relation("join", 9, filtered(scan(0), F.col("dest") == "JFK"), scan(1))
    message.join_type = pb2.Join.JOIN_TYPE_INNER
    message.using_columns.extend(["origin", "time_hour"])
    steps = OPERATORS.steps(grouped(join))
    assert [(s.order, s.name, s.inputs, s.parameters) for s in steps] == [
        (0, "read", (), "parquet input:0"),
        (1, "filter", (0,), "dest = 'JFK'"),
        (2, "read", (), "parquet input:1"),
        (3, "join", (1, 2), "inner join on origin, time_hour"),
        (4, "aggregate", (3,), "count(*) AS n GROUP BY dest"),
    ]
    assert steps[1].operator == OPERATORS.relation("filter").iri


def test_a_shared_part_of_a_plan_is_one_step() -> None:
    below = filtered(scan(), F.col("v") > 1)
    join, message = relation("join", 9, below, below)
    message.join_type = pb2.Join.JOIN_TYPE_CROSS
    assert [s.inputs for s in OPERATORS.steps(join)] == [(), (0,), (1,)]


def test_a_statement_reads_from_the_views_it_names() -> None:
    steps = OPERATORS.steps(sql("SELECT *\n FROM a JOIN b USING (k)", "a", "b"))
    assert [s.name for s in steps] == ["read", "subquery_alias", "read", "subquery_alias", "sql"]
    assert steps[-1].inputs == (1, 3)
    assert steps[-1].parameters == "SELECT * FROM a JOIN b USING (k)"


@pytest.mark.parametrize("name", RELATIONS)
def test_every_relation_can_be_described_even_when_it_is_empty(name: str) -> None:
    if name == "with_relations":
        return
    if name == "extension":
        made = pb2.Relation()
        made.extension.SetInParent()
    else:
        made, _ = relation(name, 1)
    (*_, step) = OPERATORS.steps(made)
    assert step.name == name
    OPERATORS.cautions(made)
    OPERATORS.forbidden(made)


@pytest.mark.parametrize("name", RELATIONS)
def test_every_input_of_every_relation_reaches_its_output(name: str) -> None:
    if name in ("extension", "with_relations"):
        return
    made, message = relation(name, 1)
    tables = [f.name for f in message.DESCRIPTOR.fields if f.message_type is RELATION]
    for slot, field in enumerate(tables):
        getattr(message, field).CopyFrom(scan(slot))
    found = derivations(made, lambda _: ["a", "b"], OPERATORS)
    assert {p.slot for p in found.inputs} == {f"input:{slot}" for slot in range(len(tables))}
    assert all(p.kinds for p in found.inputs)


# What may not give the same again


def determinism(plan: Any) -> str:
    return OPERATORS.steps(plan)[-1].deterministic


def seeded() -> Any:
    return F.rand(7)


def test_a_seeded_generator_over_a_scan_always_gives_the_same() -> None:
    plan = project(scan(), seeded(), F.monotonically_increasing_id())
    assert determinism(plan) == "always"
    assert OPERATORS.cautions(plan) == ()


def test_a_seeded_generator_after_a_shuffle_depends_on_the_order_of_rows() -> None:
    plan = project(grouped(scan()), seeded())
    assert determinism(plan) == "by-order"
    assert OPERATORS.cautions(plan)[0].startswith("rand(7): ")


@pytest.mark.parametrize("call", ["rand()", "uuid()", "shuffle(arr)", "current_timestamp()"])
def test_a_generator_without_a_seed_and_the_clock_never_give_the_same(call: str) -> None:
    for plan in (
        project(scan(), F.expr(call)),
        sql(f"SELECT {call} AS x FROM a", "a"),
    ):
        assert determinism(plan) == "never"
        assert any(c.startswith(f"{call}: ") for c in OPERATORS.cautions(plan))


def test_a_clock_without_brackets_is_still_a_clock_unless_it_is_quoted() -> None:
    assert determinism(sql("SELECT current_date FROM a", "a")) == "never"
    assert determinism(sql("SELECT `current_date`, 'now()' FROM a", "a")) == "always"
    assert determinism(sql("SELECT unix_timestamp(s) FROM a", "a")) == "always"


def test_a_limit_is_safe_above_a_sort_only() -> None:
    plain, message = relation("limit", 8, scan())
    message.limit = 3
    assert determinism(plain) == "by-order"
    ordered, sort = relation("sort", 7, scan())
    sort.is_global = True
    sort.order.add().child.CopyFrom(expression(F.col("v")))
    above, message = relation("limit", 8, project(ordered, F.col("v")))
    message.limit = 3
    assert determinism(above) == "always"


def test_which_duplicate_stays_depends_on_order_only_for_some_columns() -> None:
    some, message = relation("deduplicate", 8, scan())
    message.column_names.append("k")
    assert determinism(some) == "by-order"
    every, message = relation("deduplicate", 8, scan())
    message.all_columns_as_keys = True
    assert determinism(every) == "always"


def test_a_window_says_what_it_is_ordered_by() -> None:
    number = F.row_number().over(W.partitionBy("g").orderBy("cat"))
    (caution,) = OPERATORS.cautions(project(scan(), number))
    assert caution.startswith("row_number() OVER (PARTITION BY g ORDER BY cat ASC): ")


def test_a_sum_warns_of_floating_point_alone() -> None:
    made = grouped(scan())
    made.aggregate.aggregate_expressions.append(expression(F.sum("v")))
    (caution,) = OPERATORS.cautions(made)
    assert caution.startswith("sum(v): floating-point")


def test_a_user_function_needs_its_python_and_may_say_it_is_nondeterministic() -> None:
    plan = project(scan())
    udf = plan.project.expressions.add().common_inline_user_defined_function
    udf.function_name = "score"
    udf.python_udf.python_ver = "3.11"
    udf.deterministic = True
    assert determinism(plan) == "always"
    assert OPERATORS.cautions(plan) == ("score(): it is Python code and needs Python 3.11",)
    udf.deterministic = False
    assert determinism(plan) == "never"


# What a replay refuses


@pytest.mark.parametrize(
    "text",
    [
        "SELECT TRANSFORM(a) USING 'cat' FROM t",
        'SELECT TRANSFORM(a) USING "cat" AS (b) FROM t',
        "SELECT * FROM text.`/etc/hostname`",
        "SELECT * FROM text.passwd",
        "SELECT * FROM `parquet`.`/p`",
        "SELECT a FROM t WHERE a IN (SELECT b FROM json.`/p`)",
        "SELECT reflect('java.lang.System', 'exit')",
        "SELECT `java_method`('a', 'b')",
        "SELECT system.builtin.try_reflect('a', 'b')",
        "SELECT * FROM IDENTIFIER('text.`/p`')",
        "SELECT /* /*+ */ reflect('a', 'b') -- */",
        "SELECT 1 -- \\\n '\n , reflect('a', 'b') -- '",
        "ADD JAR '/x.jar'",
        "ADD FILE '/x'",
        "SET a = b",
        "RESET",
        "INSERT INTO t SELECT 1",
        "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
        "FROM t INSERT INTO u SELECT *",
        "SELECT 1; SELECT 2",
        "CREATE TABLE t USING parquet AS SELECT 1",
        "",
    ],
)
def test_what_is_no_plain_query_of_its_inputs_is_refused(text: str) -> None:
    assert forbidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT transform(arr, x -> x + 1) FROM t",
        "SELECT a FROM x JOIN y USING (k)",
        "SELECT text.a, 'reflect(1)' AS b FROM t AS text -- reflect(",
        "WITH q AS (SELECT 1 AS a) SELECT * FROM q;",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT insert('abc', 1, 1, 'x'), replace(s, 'a', 'b') FROM t",
    ],
)
def test_a_plain_query_is_not_refused(text: str) -> None:
    assert forbidden(text) == ()


def test_a_lifted_plan_reads_its_slots_and_nothing_else() -> None:
    assert forbidden(grouped(scan())) == ()
    for change in (
        lambda source: source.paths.append("/etc"),
        lambda source: source.options.update(path="/etc"),
        lambda source: setattr(source, "format", "jdbc"),
    ):
        plan = scan()
        change(plan.read.data_source)
        assert forbidden(plan)
    named, read = relation("read", 1)
    read.named_table.unparsed_identifier = "text.`/etc/hostname`"
    assert forbidden(named)


def test_a_statement_reads_only_the_views_of_its_plan() -> None:
    assert forbidden(sql("SELECT * FROM a JOIN b USING (k)", "a", "b")) == ()
    assert forbidden(sql("SELECT * FROM a, secrets", "a")) == ("reads the table secrets by name",)


def test_java_is_refused_wherever_it_is_called_from() -> None:
    assert forbidden(project(scan(), F.call_function("reflect", F.lit("a"))))
    assert forbidden(project(scan(), F.reflect(F.lit("a"), F.lit("b"))))
    assert forbidden(filtered(scan(), F.expr("java_method('a', 'b') = 'x'")))


def test_code_of_the_server_and_python_sources_are_refused() -> None:
    for kind in ("common_inline_user_defined_data_source", "catalog"):
        made, _ = relation(kind, 1)
        assert forbidden(made)
    made = pb2.Relation()
    made.extension.type_url = "x"
    assert forbidden(made)
