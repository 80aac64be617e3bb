"""Plans as data: one canonical form, closed, lifted, and never a secret in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyspark.sql.connect.proto as pb2
import pytest

from lineage_graph.declarations import bundled
from lineage_graph.executors import Place, Program
from lineage_graph.executors.spark.columns import derivations
from lineage_graph.executors.spark.operators import Operators
from lineage_graph.executors.spark.plans import bind, canonicalise, decode, encode, lift, slots
from lineage_graph.executors.spark.resolution import SessionNames, isolate, shorten, tables_in
from lineage_graph.executors.spark.secrets import redact
from lineage_graph.graph.declared import Declared
from lineage_graph.identity import SECRET, without_credentials, without_secrets

RECORDED = Path(__file__).parents[1] / "conformance" / "plans"
EXPECTED: dict[str, dict[str, Any]] = json.loads((RECORDED / "expected.json").read_text())
OPERATORS = Operators.from_rows(Declared(bundled()).operators())


def no_schema(relation: Any) -> Sequence[str]:
    raise LookupError("no Spark here")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_plan_recorded_earlier_still_decodes_and_is_still_described(name: str) -> None:
    body = (RECORDED / f"{name}.plan").read_bytes()
    expected = EXPECTED[name]
    plan, functions = decode(body)
    relation = plan.command.write_operation.input if plan.HasField("command") else plan.root
    steps = [f"{s.name} {s.parameters}".strip() for s in OPERATORS.steps(relation)]
    lineage = derivations(relation, no_schema, OPERATORS)

    assert encode(plan, functions) == body
    assert Program("spark", body).digest == expected["plan"]
    assert steps == expected["steps"]
    assert {slot for _, slot in slots(plan)} == set(expected["inputs"])
    assert {path.slot for path in lineage.inputs} == set(expected["inputs"])
    assert (OPERATORS.forbidden(relation) == ()) is expected["replayable"]


def test_every_recorded_plan_is_expected() -> None:
    assert {path.stem for path in RECORDED.glob("*.plan")} == set(EXPECTED)


def query(text: str) -> Any:
    plan = pb2.Plan()
    plan.root.sql.query = text
    return plan


def scan(path: str, **options: str) -> Any:
    plan = pb2.Plan()
    plan.root.read.data_source.format = "parquet"
    plan.root.read.data_source.paths.append(path)
    plan.root.read.data_source.options.update(options)
    return plan


def kept(data: bytes) -> str:
    return "0" * 64


def test_numbers_of_a_client_do_not_tell_programs_apart() -> None:
    bodies = set()
    for first in (3, 40):
        plan = pb2.Plan()
        plan.root.common.plan_id = first + 1
        plan.root.filter.input.CopyFrom(scan("/a").root)
        plan.root.filter.input.common.plan_id = first
        plan.root.filter.condition.unresolved_attribute.unparsed_identifier = "b"
        plan.root.filter.condition.unresolved_attribute.plan_id = first
        canonicalise(plan)
        bodies.add(encode(plan))
    assert len(bodies) == 1


@pytest.mark.parametrize("path", ["/data/k=1", "/other/k=1"])
def test_where_files_lie_is_no_part_of_a_program(path: str) -> None:
    plan = scan(path, basePath=path.rpartition("/")[0], mergeSchema="true")
    (source,) = lift(plan, kept)
    assert source.place.paths == (path,)
    assert dict(plan.root.read.data_source.options) == {"mergeSchema": "true"}
    assert list(plan.root.read.data_source.paths) == ["input:0"]


def test_a_folder_of_partitions_is_given_back_with_its_place() -> None:
    plan = scan("/data/k=1", basePath="/data")
    (source,) = lift(plan, kept)
    bind(plan, {"input:0": source.place}, lambda place: pytest.fail("nothing to upload"))
    assert plan == scan("/data/k=1", basePath="/data")
    lift(plan, kept)
    bind(plan, {"input:0": Place(("/new",), "parquet")}, lambda place: pytest.fail("nothing"))
    assert plan == scan("/new")


def test_a_query_that_is_executed_uses_no_name_of_the_session() -> None:
    for text in ("SELECT * FROM t", "/* why */ WITH b AS (SELECT 1) SELECT * FROM t", "FROM t"):
        plan = query(text)
        SessionNames().close(plan)
        isolate(plan)
        (reference,) = plan.root.with_relations.references
        own = reference.subquery_alias.alias
        assert own.startswith("lineage_graph_")
        assert tables_in(plan.root.with_relations.root.sql.query) == {own}


@pytest.mark.parametrize(
    ("text", "shortened"),
    [
        ("SELECT a.x FROM global_temp.a JOIN b", {"a": ("global_temp", "a")}),
        ("SELECT * FROM csv.`/x y.csv` c", {"csv_0": ("csv", "/x y.csv")}),
        ("SELECT * FROM `my db`.a, `my db`.`a` z", {"a": ("my db", "a")}),
        ("SELECT * FROM d.`a.b`", {}),
        ("SELECT d.a.x FROM d.a", {}),
        ("SELECT * FROM d.a JOIN e.a", {}),
        ("WITH a AS (SELECT * FROM d.a) SELECT * FROM a", {}),
        ("not SQL ((", {}),
    ],
)
def test_qualified_tables_get_names_a_reference_can_have(
    text: str, shortened: dict[str, tuple[str, ...]]
) -> None:
    rewritten, found = shorten(text)
    assert found == shortened
    assert shorten(rewritten) == (rewritten, {})
    assert found or rewritten == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("s3a://id:key@bucket/a", "s3a://bucket/a"),
        ("https://token@host/a", "https://host/a"),
        ("jdbc:x://h/d?user=u&password=p&ssl=1", f"jdbc:x://h/d?user=u&password={SECRET}&ssl=1"),
        ("jdbc:derby:d;password=p;create=true", f"jdbc:derby:d;password={SECRET};create=true"),
        ("jdbc:oracle:thin:scott/tiger@//h:1/s", "jdbc:oracle:thin:@//h:1/s"),
        ("abfss://container@account.dfs.core.windows.net/a", None),
        ("/data/k=1/a@b:c.parquet", None),
        ("SELECT a FROM t WHERE token = 'x'", None),
    ],
)
def test_who_may_open_a_place_is_left_out(text: str, left: str | None) -> None:
    assert without_credentials(text) == (text if left is None else left)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True), ("fs.s3a.secret.key", True), ("sasToken", True), ("apiKey", True),
        ("fs.azure.account.key.x", True), ("pwd", True), ("header", False), ("sep", False),
        ("mergeSchema", False), ("quote", False), ("keyspace", False), ("bypass", False),
    ],
)  # fmt: skip
def test_options_that_are_secret_are_known_by_their_names(name: str, secret: bool) -> None:
    assert without_secrets({name: "v"}) == {name: SECRET if secret else "v"}


def test_a_plan_whose_secret_was_taken_out_says_so() -> None:
    plan = scan("/a", password="p", header="true")
    assert list(redact(plan)) == ["its reader option password holds a secret, which is not kept"]
    assert dict(plan.root.read.data_source.options) == {"password": SECRET, "header": "true"}
    assert list(redact(query("SELECT 'https://u:p@h/'"))) == [
        "its SQL holds credentials, which are not kept"
    ]
