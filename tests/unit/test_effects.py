"""When a call has the effect on privacy that is declared for its function."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql.connect import functions as F
from sqlglot import parse_one

from lineage_graph.declarations import bundled
from lineage_graph.executors.spark.column_expressions import constant_of
from lineage_graph.executors.spark.effects import CONDITIONS
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.sql_values import constants_of, effect_name, spark_name
from lineage_graph.graph.declared import Declared

ROWS = Declared(bundled()).operators()
OPERATORS = Operators.from_rows(ROWS)

C = F.col("c")
CASES: list[tuple[Any, str, set[str]]] = [
    (F.sha2(C, 256), "sha2(c, 256)", {"Hash"}),
    (F.md5(C), "md5(c)", {"Hash"}),
    (F.sha1(C), "sha1(c)", {"Hash"}),
    (F.xxhash64(C), "xxhash64(c)", {"Hash"}),
    (F.hmac(F.col("k"), C), "hmac(k, c)", {"KeyedHash"}),
    (F.aes_encrypt(C, F.col("k")), "aes_encrypt(c, k)", {"Encrypt"}),
    (F.aes_decrypt(C, F.col("k")), "aes_decrypt(c, k)", {"Decrypt"}),
    (F.mask(C), "mask(c)", {"Mask"}),
    (F.mask(C, F.lit("X"), F.lit("x"), F.lit(None)), "mask(c, 'X', 'x', NULL)", set()),
    (F.substring(C, 1, 3), "substring(c, 1, 3)", {"Mask"}),
    (F.substring(C, 1, 11), "substring(c, 1, 11)", set()),
    (F.substr(C, F.lit(-4)), "substr(c, -4)", {"Mask"}),
    (F.substr(C, F.lit(2)), "substr(c, 2)", set()),
    (F.left(C, F.lit(3)), "left(c, 3)", {"Mask"}),
    (F.left(C, F.col("n")), "left(c, n)", set()),
    (F.regexp_replace(C, "[0-9]", "*"), "regexp_replace(c, '[0-9]', '*')", {"Mask"}),
    (F.regexp_replace(C, "[^0-9]", ""), "regexp_replace(c, '[^0-9]', '')", set()),
    (F.year(C), "year(c)", {"Generalise"}),
    (F.date_trunc("month", C), "date_trunc('month', c)", {"Generalise"}),
    (F.date_trunc("day", C), "date_trunc('day', c)", set()),
    (F.trunc(C, "year"), "trunc(c, 'year')", {"Generalise"}),
    (F.floor(C / 10), "floor(c / 10)", {"Generalise"}),
    (F.floor(C), "floor(c)", set()),
    (F.round(C, -2), "round(c, -2)", {"Generalise"}),
    (F.round(C, 2), "round(c, 2)", set()),
    (
        F.when(C > 1, "a").otherwise("b"),
        "CASE WHEN c > 1 THEN 'a' ELSE 'b' END",
        {"Generalise"},
    ),
    (F.when(C > 1, C).otherwise("b"), "CASE WHEN c > 1 THEN c ELSE 'b' END", set()),
    (F.count(C), "count(c)", {"Count"}),
    (F.upper(C), "upper(c)", set()),
]


@pytest.mark.parametrize(("column", "sql", "effects"), CASES, ids=[case[1] for case in CASES])
def test_an_effect_is_said_where_the_arguments_leave_no_doubt(
    column: Any, sql: str, effects: set[str]
) -> None:
    call = column._expr.to_plan(None).unresolved_function
    found = OPERATORS.effects(call.function_name, [constant_of(a) for a in call.arguments])
    assert found == effects
    node: Any = parse_one(sql, dialect="spark")
    name = effect_name(node, spark_name(node))
    assert OPERATORS.effects(name, constants_of(node)) == effects


def test_every_declared_condition_is_one_that_is_known_and_used() -> None:
    assert {row["where"] for row in ROWS if row["where"]} == CONDITIONS


def test_a_condition_nobody_knows_never_holds() -> None:
    odd = {**next(r for r in ROWS if r["name"] == "sha2()"), "where": "the moon is full"}
    assert Operators.from_rows([odd]).effects("sha2", []) == frozenset()
