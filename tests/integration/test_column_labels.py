"""What columns mean is told as versions are recorded, and people have the last word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F

from lineage_graph.errors import NotFound
from lineage_graph.identity import part

if TYPE_CHECKING:
    from lineage_graph.executors.spark.engine import Engine
    from lineage_graph.graph import Graph

CPFS = ["529.982.247-25", "111.444.777-35", "390.533.447-05", "153.509.460-56"]
KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def graph(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    from lineage_graph.graph import connect

    folder = tmp_path_factory.mktemp("labels")
    with connect(folder / "store", quiet=True) as graph:
        spark = graph.spark(f"{engine.url}/;token={engine.token}")
        spark.conf.set("spark.sql.shuffle.partitions", "1")
        path = folder / "clientes.csv"
        lines = [f"{CPFS[i % 4]};p{i}@example.com;{'SP' if i % 3 else 'RJ'}" for i in range(40)]
        path.write_bytes("\n".join(["cpf;e-mail;região", *lines, ""]).encode("latin-1"))
        graph.dataset("clientes", path, sep=";", header=True, encoding="iso-8859-1")
        _made(graph)
        yield graph


def _made(graph: Graph) -> None:
    people = graph.read("clientes")
    effects = people.select(
        F.sha2("cpf", 256).alias("hashed"),
        F.hmac(F.lit(KEY).cast("binary"), F.col("cpf").cast("binary")).alias("keyed"),
        F.substring("cpf", 1, 3).alias("start"),
        F.substring("cpf", 1, 14).alias("whole"),
        F.regexp_replace("cpf", "[0-9]", "*").alias("masked"),
        F.regexp_replace("cpf", "[^0-9]", "").alias("plain"),
        F.when(F.col("região") == "SP", "south-east").otherwise("else").alias("area"),
    )
    graph.save(effects, "effects")
    graph.save(people.groupBy("região").agg(F.count("*").alias("n")), "groups")
    people.createOrReplaceTempView("people")
    counted = "SELECT `região` AS r, count(1) AS n, max(cpf) AS m FROM people GROUP BY `região`"
    graph.save(graph.spark().sql(f"SELECT * FROM ({counted}) WHERE n > 13"), "sql groups")
    graph.save(people.limit(0), "nothing")
    odd = people.select(
        F.lit(None).cast("string").alias("empty"),
        F.array("cpf").alias("list"),
        F.lit(b"x").alias("b"),
    )
    graph.save(odd, "odd")


def kinds(graph: Graph, name: str, column: str) -> set[frozenset[str]]:
    derived = part(graph.resolve(name), column)
    edges = graph.lineage(name, depth=1, columns=True).edges
    return {frozenset(edge.kinds) for edge in edges if edge.derived == derived}


def local(label: Any) -> str:
    return (label.semantic_type or "").rpartition("/")[2]


def test_a_source_is_labelled_when_it_is_first_read_and_its_values_are_nowhere(
    graph: Graph,
) -> None:
    labels = {one.column: one for one in graph.semantic_types("clientes")}
    assert list(labels) == ["cpf", "e-mail", "região"]
    assert (local(labels["cpf"]), labels["cpf"].status) == ("CPF", "accepted")
    assert labels["cpf"].seed is not None and labels["cpf"].sample_size == 40
    assert local(labels["e-mail"]).lower() == "email"
    assert graph.problems == []
    stored = b"".join(p.read_bytes() for p in graph.folders.ledger.parent.glob("ledger*"))
    assert b"529.982.247-25" not in stored and b"p7@example.com" not in stored
    assert graph.semantic_types("nothing")[0].status == "unknown"
    assert {one.column: one.status for one in graph.semantic_types("odd")} == {"empty": "unknown"}


def test_effects_on_privacy_are_said_of_columns_and_never_of_tables(graph: Graph) -> None:
    assert kinds(graph, "effects", "hashed") == {frozenset({"Transform", "Hash"})}
    assert kinds(graph, "effects", "keyed") == {frozenset({"Transform", "KeyedHash"})}
    assert kinds(graph, "effects", "start") == {frozenset({"Transform", "Mask"})}
    assert kinds(graph, "effects", "whole") == {frozenset({"Transform"})}
    assert kinds(graph, "effects", "masked") == {frozenset({"Transform", "Mask"})}
    assert kinds(graph, "effects", "plain") == {frozenset({"Transform"})}
    assert kinds(graph, "effects", "area") == {frozenset({"Transform", "Generalise"})}
    whole = graph.lineage(graph.resolve("effects"), depth=1).edges
    assert not {"Hash", "Mask", "Generalise"} & {kind for edge in whole for kind in edge.kinds}


def test_a_count_of_rows_comes_from_its_groups_and_its_least_value_is_on_record(
    graph: Graph,
) -> None:
    assert kinds(graph, "groups", "n") == {frozenset({"Aggregate", "Count"})}
    least = {str(r["column"]): r["least"] for r in graph.query("privacy/least_counts")}
    assert least[f"{graph.resolve('groups')}#n"] == 14
    assert least[f"{graph.resolve('sql groups')}#n"] == 14
    assert len(least) == 2


def test_a_person_has_the_last_word_in_all_versions(graph: Graph) -> None:
    graph.confirm_type("clientes", "região", "cpf", because="a test")
    said = {one.column: one for one in graph.semantic_types("clientes")}["região"]
    assert (local(said), said.status, said.because) == ("CPF", "confirmed", "a test")
    graph.reject_type("clientes", "região")
    said = {one.column: one for one in graph.semantic_types("clientes")}["região"]
    assert (local(said), said.status) == ("Region", "accepted")
    graph.reject_type("clientes", "região")
    assert not {one.column: one for one in graph.semantic_types("clientes")}["região"].holds
    with pytest.raises(NotFound, match="Did you mean 'cpf'"):
        graph.confirm_type("clientes", "cpff", "cpf")
    with pytest.raises(NotFound, match="cpf"):
        graph.confirm_type("clientes", "cpf", "cpff")
    with pytest.raises(NotFound, match="Name the type to reject"):
        graph.reject_type("odd", "empty")


def test_the_same_rules_give_nothing_new_and_changed_rules_stand_beside_the_old(
    graph: Graph, tmp_path: Path
) -> None:
    assert graph.retype("clientes") == [{"name": "clientes@1", "outcome": "unchanged"}]
    assert graph.type_changes("clientes") == []
    assert json.dumps([one.to_dict() for one in graph.semantic_types("effects")])
