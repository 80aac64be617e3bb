"""One person from files over a join to models and predictions, and no trace of them beside data."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lineage_graph.identity import NAMESPACE

if TYPE_CHECKING:
    from lineage_graph.graph import Graph

pytestmark = pytest.mark.spark
PEOPLE = (
    ("529.982.247-25", "ana.planted@example.org", "Ana Plantada Souza"),
    ("111.444.777-35", "bruno.planted@example.org", "Bruno Plantado Lima"),
    ("123.456.789-09", "carla.planted@example.org", "Carla Plantada Dias"),
    ("987.654.321-00", "davi.planted@example.org", "Davi Plantado Reis"),
    ("935.411.347-80", "eva.planted@example.org", "Eva Plantada Melo"),
    ("295.379.955-93", "fabio.planted@example.org", "Fabio Plantado Cruz"),
)
ANA = PEOPLE[0]


def planted() -> list[bytes]:
    digits = [cpf.replace(".", "").replace("-", "") for cpf, _, _ in PEOPLE]
    return [value.encode() for value in [*digits, *(v for person in PEOPLE for v in person)]]


def data_of(graph: Graph) -> Iterator[Path]:
    """Yield the files that are data, by the record: copies of sources and what was uploaded."""
    versions = [str(row["version"]) for row in graph.query("records/version_of")]
    for version in versions:
        for pin in graph._record.pins(version):
            if f"{NAMESPACE}model-version:" in version:
                continue
            if pin.place.format == "local":
                yield from map(graph._artifacts.path, pin.place.paths)
            elif pin.snapshot == "copy" and pin.manifest is not None:
                manifest = json.loads(graph._artifacts.get(pin.manifest))
                text = json.dumps(manifest)
                yield from (p for p in artifacts(graph) if p.name in text)


def artifacts(graph: Graph) -> list[Path]:
    return [graph._artifacts.path(digest) for digest in graph._artifacts.all()]


def holding(paths: list[Path]) -> set[Path]:
    wanted = planted()
    return {path for path in paths if any(value in path.read_bytes() for value in wanted)}


def sources(folder: Path) -> dict[str, str]:
    folder.mkdir()
    rows = {
        "people": [f"{c};{e};{n};{i}" for i, (c, e, n) in enumerate(PEOPLE[:4])],
        "orders": [f"{c.replace('.', '').replace('-', '')};{i * 1.5};{i % 2}"
                   for i, (c, _, _) in enumerate(PEOPLE[:4])],
        "others": [f"{c};{i * 2.5};{i % 2}" for i, (c, _, _) in enumerate(PEOPLE[4:])],
    }  # fmt: skip
    heads = {"people": "cpf;email;nome_completo;score", "orders": "cpf;total;paid"}
    for name, lines in rows.items():
        head = heads.get(name, heads["orders"])
        (folder / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
    return {name: str(folder / f"{name}.csv") for name in rows}


def test_a_person_is_found_in_data_models_and_predictions_and_nowhere_else(
    recorded: Graph, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from pyspark.sql import functions as F
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    caplog.set_level(logging.DEBUG)
    graph = recorded
    spark = graph.spark()
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    files = sources(tmp_path / "sources")
    for name, path in files.items():
        graph.dataset(name, path, header=True, sep=";", inferSchema=name != "orders")
    people, orders = graph.read("people"), graph.read("orders")
    tidy = F.regexp_replace("cpf", "[^0-9]", "")
    joined = people.withColumn("cpf", tidy).join(orders, "cpf")
    doubles = [F.col(name).cast("double") for name in ("score", "total")]
    graph.save(joined.select(F.col("cpf"), F.col("email"), *doubles, F.col("paid")), "joined")
    others = graph.read("others").select(F.col("total").cast("double"), "paid")
    graph.save(others, "others features")
    features = ["score", "total"]
    graph.fit(SVC(), "joined", name="keeper", label="paid", features=features)
    graph.fit(LogisticRegression(), "joined", name="learner", label="paid", features=features)
    graph.fit(LogisticRegression(), "others features", name="stranger", label="paid")
    graph.predict("learner", "joined", name="answers", keep=["cpf"])
    joined.groupBy("paid").agg(F.avg("score").alias("mean")).write.parquet(str(tmp_path / "means"))
    assert graph.problems == []

    made = {(row.version, row.column): row.state for row in graph.index_subjects()}
    for version in ("people@1", "orders@1", "others@1", "joined@1", "answers@1"):
        assert made[version, "cpf"] == "known", made
    found = graph.subject_impact({"cpf": ANA[0], "email": ANA[1].upper()})
    verdicts = {row.name.rpartition("/")[2]: row.verdict for row in found.rows()}
    assert verdicts["people@1"] == verdicts["orders@1"] == verdicts["joined@1"] == "contains"
    assert verdicts["keeper@1"] == "contains"
    assert verdicts["learner@1"] == "trained on"
    assert verdicts["answers@1"] == "inferred about"
    assert verdicts["others@1"] == verdicts["others features@1"] == "not affected"
    assert verdicts["stranger@1"] == "not affected"
    assert verdicts["means@1"] == "cannot be excluded"
    assert found.plan() == [["joined@1"], ["keeper@1", "learner@1"], ["answers@1"]]

    # Files of the store may be compressed; its content is asked for in full as well.
    said = [caplog.text, json.dumps(found.to_dict()), str(found), found.to_html()]
    said.append(graph.export(format="trig").decode())
    data = set(data_of(graph))
    graph.close()
    root = graph.folders.root
    every = [path for path in root.rglob("*") if path.is_file()]
    assert holding(list(data)), "the copies of the sources are where the values are"
    aside = (root / "data", root / "pinned")
    left = [p for p in every if p not in data and not any(map(p.is_relative_to, aside))]
    assert {"ledger.db", "key"} <= {path.name for path in left}
    assert holding(left) == set()
    assert not [value for value in planted() if any(value.decode() in text for text in said)]


def test_without_the_key_no_row_of_an_index_can_be_told(recorded: Graph) -> None:
    from lineage_graph.executors.spark.fingerprint import row_hashes

    frame = recorded.spark().createDataFrame([(PEOPLE[0][0], 1.5)], "cpf string, score double")
    recorded.save(frame, "one row")
    (row,) = frame.toDF("c0", "c1").select(row_hashes(frame.schema)[0]).collect()
    plain = row[0].to_bytes(8, "little", signed=True)
    folder = recorded.folders.membership
    first = {path: path.read_bytes() for path in folder.glob("*.members")}
    assert first and not [path for path, body in first.items() if plain in body]

    recorded.destroy_subject_key()
    made = {(one.version, one.state) for one in recorded.index_subjects()}
    assert ("one row@1", "indexed") in made
    later = {path: path.read_bytes() for path in folder.glob("*.members") if path not in first}
    ends = {body[-8:] for body in first.values()}
    assert later and not [path for path, body in later.items() if body[-8:] in ends]
    found = {row.name for row in recorded.subject_impact({"cpf": PEOPLE[0][0]}).rows("contains")}
    assert "one row@1" in found


def test_a_row_without_a_real_address_is_not_covered(recorded: Graph) -> None:
    rows = [(email, float(n)) for n, (_, email, _) in enumerate(PEOPLE[:5])]
    for name, more in (("members", []), ("visitors", [("N/A", 8.0), ("-", 9.0)])):
        frame = recorded.spark().createDataFrame([*rows, *more], "email string, score double")
        recorded.save(frame, name)
    assert recorded.problems == []
    absent = recorded.subject_impact({"email": PEOPLE[5][1]})
    why = {row.name: row.why for row in absent.rows("cannot be excluded")}
    assert "visitors@1" in why
    assert any("not every row has an identifier in email" in said for said in why.values())
    assert "members@1" in {row.name for row in absent.rows("not affected")}


def test_a_row_without_a_real_identifier_is_not_covered(recorded: Graph) -> None:
    rows = [(cpf, float(n)) for n, (cpf, _, _) in enumerate(PEOPLE[:5])]
    frame = recorded.spark().createDataFrame([*rows, ("N/A", 9.0)], "cpf string, score double")
    recorded.save(frame, "guests")
    assert recorded.problems == []
    found = recorded.subject_impact({"cpf": PEOPLE[0][0]}).rows("contains")
    assert "guests@1" in {row.name for row in found}
    absent = recorded.subject_impact({"cpf": PEOPLE[5][0]}).rows("cannot be excluded")
    why = {row.name: row.why for row in absent}
    assert "guests@1" in why
    assert any("not every row has an identifier in cpf" in said for said in why.values())
