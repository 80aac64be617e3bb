"""One person through a graph that is given: who is where, before and after the key is gone."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lineage_graph.cli.program import Session, app
from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, part
from lineage_graph.membership import Keyring, write
from lineage_graph.membership.files import ENTRY, MAGIC, path_of
from lineage_graph.records.privacy import MembershipIndex, SemanticLabel
from tests.integration.given import record
from tests.integration.test_privacy_cases import CASES, iri

CASE = CASES / "S16-one-person"
IMPACT = json.loads((CASE / "impact.json").read_text())
PERSON = {"cpf": IMPACT["cpf"]}


def index(
    graph: Graph,
    same: Mapping[str, str] = MappingProxyType({}),
    row_of: Callable[[int], int] = lambda number: number,
) -> None:
    """Index the versions that have members, as Spark would.

    Args:
        graph: Where they are recorded.
        same: Further versions, each with the members of another.
        row_of: Gives what stands for a row.
    """
    folder = graph.folders.membership
    key = Keyring(folder).make()
    cpf = graph._privacy.types.named("cpf")
    members: dict[str, list[int]] = {}
    with (CASE / "members.csv").open() as file:
        for row in csv.DictReader(file):
            hashed = key.hashed(cpf.name, cpf.canonical(row["cpf"]))
            members.setdefault(row["version"], []).append(hashed)
    members |= {name: members[other] for name, other in same.items()}
    records = []
    for name, hashes in members.items():
        entries = np.array([(hashed, row_of(n)) for n, hashed in enumerate(sorted(hashes))], ENTRY)
        version = iri(name)
        records.append(
            MembershipIndex(
                id=fresh("membership-index"),
                about=version,
                identifier_column=part(version, "cpf"),
                semantic_type=cpf.iri,
                membership_key=key.id,
                sha256=write(folder, key.id, len(entries), [entries]),
                row_count=len(entries),
                generated_at=datetime.now(UTC),
            )
        )
    graph._writer.recorder.append(records)


def bare(path: str) -> str:
    return path.replace("@1", "")


def verdicts(found: Any) -> dict[str, list[str]]:
    return {v: sorted(bare(row.name) for row in found.rows(v)) for v in found.counts}


@pytest.mark.parametrize("address", ["memory:", None])
def test_a_person_is_followed_from_their_rows_to_models_and_predictions(
    address: str | None, tmp_path: Path
) -> None:
    record(tmp_path, CASE / "given.ttl")
    with Graph(opened(tmp_path, address)) as graph:
        nobody_indexed = graph.subject_impact(PERSON)
        assert set(verdicts(nobody_indexed)["not affected"]) == {"N"}
        index(graph)
        found = graph.subject_impact(PERSON)
        rows = {bare(row.name): row for row in found.rows()}
        assert verdicts(found) == IMPACT["verdicts"], {n: r.why for n, r in rows.items()}
        assert {name: rows[name].rows for name in IMPACT["rows"]} == IMPACT["rows"]
        assert [list(map(bare, step)) for step in found.plan()] == IMPACT["plan"]
        assert {n: bare(rows[n].path) for n in IMPACT["paths"]} == IMPACT["paths"]
        for name, why in IMPACT["why"].items():
            assert why in bare(rows[name].why), rows[name].why
        assert all(row.duty and row.sources for row in rows.values())
        assert "GDPR Art. 17(1)" in rows["D1"].sources and "LGPD art. 18, VI" in rows["D1"].sources
        shown = [str(found), found.to_html(), json.dumps(found.to_dict())]
        shown += [str(vars(found)), *found._repr_mimebundle_().values()]
        for value in (IMPACT["cpf"], "".join(filter(str.isdigit, IMPACT["cpf"]))):
            assert not [text for text in shown if value in text]

        absent = graph.subject_impact({"CPF": IMPACT["absent"]})
        assert set(absent.counts) == {"not affected", "cannot be excluded"}
        assert verdicts(absent)["cannot be excluded"] == ["D4", "M4"]
        assert absent.plan() == []


def test_a_sample_in_which_a_column_was_not_recognised_excludes_nobody(tmp_path: Path) -> None:
    record(tmp_path, CASE / "given.ttl")
    with Graph(opened(tmp_path, "memory:")) as graph:
        for name, status, recogniser, excluded in (
            (None, "unknown", "0a", False),
            ("free_text", "accepted", "0b", False),
            ("amount", "accepted", "0c", True),
        ):
            label = SemanticLabel(
                id=fresh("semantic-label"),
                about=part(iri("N"), "total"),
                semantic_type=graph._privacy.types.named(name).iri if name else None,
                label_status=status,
                generated_at=datetime.now(UTC),
                attributed_to="urn:lineage-graph:agent:lineage-graph",
                recogniser=recogniser * 32,
            )
            graph._writer.recorder.append([label])
            assert graph.privacy("N").status == "NonPersonal"
            rows = {bare(row.name): row for row in graph.subject_impact(PERSON).rows()}
            assert (rows["N"].verdict == "not affected") is excluded, name
            assert ("not every column was recognised" in rows["N"].why) is not excluded


def test_an_index_of_an_earlier_form_is_made_again_and_then_forgotten(tmp_path: Path) -> None:
    record(tmp_path, CASE / "given.ttl")
    with Graph(opened(tmp_path, "memory:")) as graph:
        folder = graph.folders.membership
        index(graph)
        key = Keyring(folder).make()
        for digest in {row["digest"] for row in graph.query("privacy/indexes")}:
            path = path_of(folder, digest)
            path.chmod(0o600)
            path.write_bytes(path.read_bytes().replace(MAGIC + b"\2", MAGIC + b"\1"))
        why = {bare(row.name): row.why for row in graph.subject_impact(PERSON).rows()}
        assert "it is no index of this version" in why["D1"]
        rows = iter(range(10**9, 2 * 10**9))
        index(graph, row_of=lambda number: key.row(next(rows)))
        assert verdicts(graph.subject_impact(PERSON)) == IMPACT["verdicts"]


def add(folder: Path, turtle: str) -> None:
    """Record more about a given graph, in its prefixes, as a bundle of its own."""
    given = (CASE / "given.ttl").read_text()
    more = folder / "more.ttl"
    head = [line for line in given.splitlines() if line.startswith("@prefix")]
    more.write_text("\n".join([*head, turtle]))
    record(folder, more)


def test_a_column_that_nobody_examined_excludes_nobody(tmp_path: Path) -> None:
    record(tmp_path, CASE / "given.ttl")
    add(tmp_path, """version:D3 csvw:column <urn:lineage-graph:version:D3#note> .
<urn:lineage-graph:version:D3#note> a prov:Entity , csvw:Column ; csvw:name "note" ; lg:order 1 .
""")  # fmt: skip
    with Graph(opened(tmp_path, "memory:")) as graph:
        index(graph)
        assert graph.privacy("D3").unexamined == ("note",)
        rows = {bare(row.name): row for row in graph.subject_impact(PERSON).rows()}
        assert rows["D3"].verdict == "cannot be excluded"
        assert "nobody examined note" in rows["D3"].why
        assert rows["Q"].verdict == rows["M3"].verdict == "cannot be excluded"
        assert rows["D1"].verdict == "contains"


def test_a_join_can_put_values_of_a_person_into_rows_of_another(tmp_path: Path) -> None:
    record(tmp_path, CASE / "given.ttl")
    add(tmp_path, """dataset:H a prov:Entity , dcat:Dataset ; dcterms:title "H" .
version:H a prov:Entity , dcat:Dataset , lg:DatasetVersion ; dcat:isVersionOf dataset:H ;
  csvw:column <urn:lineage-graph:version:H#cpf> ; prov:specializationOf content:D3 ;
  prov:qualifiedDerivation <urn:lineage-graph:version:H#derivation/0>,
    <urn:lineage-graph:version:H#derivation/1> .
<urn:lineage-graph:version:H#derivation/0> a prov:Derivation , lg:Combine ;
  prov:entity version:D3 ; prov:hadActivity activity:H .
<urn:lineage-graph:version:H#derivation/1> a prov:Derivation , lg:Combine ;
  prov:entity version:D1 ; prov:hadActivity activity:H .
<urn:lineage-graph:version:H#cpf> a prov:Entity , csvw:Column ; csvw:name "cpf" ; lg:order 0 ;
  prov:qualifiedDerivation <urn:lineage-graph:version:H#cpf/derivation/0> .
<urn:lineage-graph:version:H#cpf/derivation/0> a prov:Derivation , lg:Identity ;
  prov:entity <urn:lineage-graph:version:D3#cpf> ; prov:hadActivity activity:H .
said:h1 a prov:Entity , lg:SemanticLabel ; lg:about <urn:lineage-graph:version:H#cpf> ;
  lg:semanticType semantic-type:CPF ; lg:labelStatus "accepted" ;
  prov:generatedAtTime "2026-01-01T00:00:00Z"^^xsd:dateTime ;
  prov:wasAttributedTo agent:lineage-graph .
""")  # fmt: skip
    with Graph(opened(tmp_path, "memory:")) as graph:
        index(graph, same={"H": "D3"})
        rows = {bare(row.name): row for row in graph.subject_impact(PERSON).rows()}
        assert rows["H"].verdict == "cannot be excluded", rows["H"].why
        assert bare(rows["H"].path) == "D1 -> H" and "Combine of D1" in bare(rows["H"].why)
        absent = graph.subject_impact({"cpf": IMPACT["absent"]}).rows("not affected")
        assert "H" in {bare(row.name) for row in absent}


def test_a_report_about_a_person_is_about_now(tmp_path: Path) -> None:
    record(tmp_path, CASE / "given.ttl")
    with Graph(opened(tmp_path, "memory:")) as graph:
        index(graph)
        assert graph.report("subject-request", subject=PERSON).sections
        with pytest.raises(InvalidRecord, match="Leave out as_of"):
            graph.report("subject-request", as_of=1, subject=PERSON)


def test_without_the_key_nobody_can_be_excluded(tmp_path: Path) -> None:
    record(tmp_path, CASE / "given.ttl")
    with Graph(opened(tmp_path, "memory:")) as graph:
        index(graph)
        key = Keyring(graph.folders.membership).make().id
        damaged = sorted(graph.folders.membership.glob("*.members"))
        assert graph.destroy_subject_key() == key
        assert graph.destroy_subject_key() is None
        found = graph.subject_impact(PERSON)
        assert verdicts(found)["not affected"] == ["N"]
        assert set(found.counts) == {"not affected", "cannot be excluded"}
        unknown = found.rows("cannot be excluded")
        assert any("the key of the index of cpf was destroyed" in row.why for row in unknown)

        index(graph)
        assert verdicts(graph.subject_impact(PERSON)) == IMPACT["verdicts"]
        for file in set(graph.folders.membership.glob("*.members")) - set(damaged):
            file.unlink()
        why = {row.name: row.why for row in graph.subject_impact(PERSON).rows()}
        assert "is missing" in why["D1@1"]


def test_an_identifier_that_is_none_is_refused_without_being_repeated(tmp_path: Path) -> None:
    with Graph(opened(tmp_path, "memory:")) as graph:
        for wrong in ({"cpf": "123.456.789-01"}, {"cpf": ""}, {"cpf": "ana"}, {}):
            with pytest.raises(InvalidRecord) as refused:
                graph.subject_impact(wrong)
            assert "456" not in str(refused.value) and "ana" not in str(refused.value)
        with pytest.raises(NotFound, match="Did you mean 'cpf'"):
            graph.subject_impact({"cfp": IMPACT["cpf"]})
        with pytest.raises(NotFound) as unknown:
            graph.subject_impact({IMPACT["cpf"]: "cpf"})
        assert IMPACT["cpf"] not in str(unknown.value)
        with pytest.raises(NotFound) as turned:
            graph.subject_impact({"Plantada": "cpf"})
        assert "Plantada" not in str(turned.value) and turned.value.__context__ is None
        with pytest.raises(InvalidRecord, match="Nobody is looked up by"):
            graph.subject_impact({"full_name": "Ana"})


def test_the_command_line_takes_a_person_from_a_file_stdin_or_a_hidden_prompt(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    record(store, CASE / "given.ttl")
    with Graph(opened(store, "memory:")) as graph:
        index(graph)
    who = tmp_path / "who"
    line = f"cpf={IMPACT['cpf']}\n"
    who.write_text(line)
    run = CliRunner()

    def asked(*options: str, given: str | None = None) -> Any:
        arguments = ["subject", *options, "--store", str(store)]
        return run.invoke(app, arguments, obj=Session(), input=given)

    for options, given in (
        (("--id-file", str(who)), None),
        (("--id-file", "-"), line),
        ((), line),
        (("--id", line.strip()), None),
    ):
        result = asked("impact", *options, given=given)
        assert result.exit_code == 0, result.output
        assert "4 contains" in result.output
        assert IMPACT["cpf"] not in result.output
    said = json.loads(asked("impact", "--id-file", str(who), "--json").stdout)
    assert [list(map(bare, step)) for step in said["plan"]] == IMPACT["plan"]
    assert "elimine" in said["duties"]["contains (model)"]["pt-BR"]
    assert asked("impact", "--id", IMPACT["cpf"]).exit_code == 2
    assert IMPACT["cpf"] not in asked("impact", "--id", IMPACT["cpf"]).output
    who.write_text(f"{line}CPF={IMPACT['absent']}\n")
    twice = asked("impact", "--id-file", str(who))
    assert isinstance(twice.exception, InvalidRecord) and "same type" in str(twice.exception)
    assert IMPACT["absent"] not in str(twice.exception)
    who.write_text(line)
    assert asked("destroy-key").exit_code == 2
    assert asked("destroy-key", "--yes").exit_code == 0
    after = json.loads(asked("impact", "--id-file", str(who), "--json").stdout)
    assert set(after["counts"]) == {"not affected", "cannot be excluded"}
