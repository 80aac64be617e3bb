"""The privacy scenarios as files: a given graph and what columns, datasets and models are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rdflib

from lineage_graph import cli
from lineage_graph.declarations import bundled
from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.privacy import Status
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Invalidated
from lineage_graph.records.privacy import SemanticLabel
from tests.integration.given import record

CASES = Path(__file__).parents[1] / "conformance" / "privacy"
EVERYWHERE = "S14-groups-of-enough"
"""The case that is asked of servers too; the queries of all cases are the same."""


def scenarios() -> list[str]:
    return sorted(path.parent.name for path in CASES.glob("*/given.ttl"))


def iri(name: str) -> str:
    return f"urn:lineage-graph:{'model-version' if name[0] == 'M' else 'version'}:{name}"


def local(iri: str | None) -> str | None:
    return iri and iri.replace("#", "/").rpartition("/")[2]


def observed(status: Status) -> dict[str, Any]:
    """Return an answer in the words of the expectations."""
    return {
        "status": status.status,
        "rule": local(status.rule),
        "path": status.path,
        "min_group": status.min_group,
        "holdings": {
            held.column: {
                **held.to_dict(),
                "rule": local(held.rule),
                "categories": [local(one) for one in held.categories],
            }
            for held in status.holdings
        },
    }


def differing(found: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an expectation is not found; of a column it may say less than is found."""
    wrong = {}
    for key, wanted in expected.items():
        if key == "holdings":
            held = found[key]
            some = {c: {k: held.get(c, {}).get(k) for k in said} for c, said in wanted.items()}
            if some != wanted or held.keys() != wanted.keys():
                wrong[key] = held, wanted
        elif key != "why" and found[key] != wanted:
            wrong[key] = found[key], wanted
    return wrong


def check(graph: Graph, name: str) -> None:
    expected = json.loads((CASES / name / "expected.json").read_text())
    statuses = graph._privacy.statuses()
    for artifact, said in expected.items():
        status = statuses[iri(artifact)]
        assert not differing(observed(status), said), (artifact, status.why)
        assert [part for part in said.get("why", ()) if part not in status.why] == [], status.why
        assert graph.privacy(iri(artifact)) == status
        assert status.name in str(status) and status.label in str(status)


@pytest.mark.parametrize("name", scenarios())
def test_what_follows_from_a_given_graph(name: str, tmp_path: Path) -> None:
    record(tmp_path, CASES / name / "given.ttl")
    with Graph(opened(tmp_path, "memory:")) as graph:
        check(graph, name)


@pytest.mark.parametrize("kind", ["folder", "union-server", "plain-server"])
def test_every_store_gives_the_same_answer(
    kind: str, union_server: str, plain_server: str, tmp_path: Path
) -> None:
    servers = {"folder": None, "union-server": union_server, "plain-server": plain_server}
    record(tmp_path, CASES / EVERYWHERE / "given.ttl")
    with Graph(opened(tmp_path, servers[kind])) as graph:
        check(graph, EVERYWHERE)


def test_what_is_asked_of_nothing_is_refused(tmp_path: Path) -> None:
    with Graph(opened(tmp_path, "memory:")) as graph:
        assert graph._privacy.statuses() == {}
        with pytest.raises(NotFound):
            graph.privacy("nobody")
        with pytest.raises(NotFound):
            graph._privacy.status("urn:lineage-graph:version:nobody")
        with pytest.raises(InvalidRecord):
            graph._privacy.statuses(as_of=0)


def test_the_shell_says_what_something_is_and_lists_the_newest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, CASES / "models" / "given.ttl")

    def asked(*arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            cli.main(["--store", str(tmp_path), *arguments])
        assert not end.value.code
        return capsys.readouterr().out

    said = json.loads(asked("privacy", "Mclassifier", "--json"))
    assert said["status"] == "MayContainPersonalData" and said["personal"]
    assert said["holdings"][0]["column"] == "race" and "Not legal advice" in said["disclaimer"]
    text = asked("privacy", "Mclassifier")
    assert "may contain personal data" in text and "D@1.cpf -> Mclassifier@1" in text
    listed = asked("privacy")
    assert "identified" in listed and "not examined" in listed
    rows = json.loads(asked("privacy", "--json"))
    assert {row["name"]: row["status"] for row in rows}["Mbought@1"] == "NotExamined"
    with Graph(opened(tmp_path, "memory:")) as graph:
        shown = graph.privacy("Mclassifier")._repr_mimebundle_()
        assert "<table" in shown["text/html"] and "not legal advice" in shown["text/plain"].lower()
        assert [one.name for one in graph.statuses()] == [row["name"] for row in rows]


@pytest.mark.parametrize(
    ("name", "later", "seen"),
    [
        ("S14-groups-of-enough", r" ; lg:leastCount \d+", "G"),
        ("not-traced", r" ; lg:approximate true", "X"),
        ("predictions", r"  lg:labelColumn <[^>]+> ;\n", "B"),
        ("models", r"(?<=a prov:Entity) , lg:FittedStep", "Mvalues"),
    ],
)
@pytest.mark.parametrize("again", [True, False], ids=["said again", "said beside"])
def test_what_was_recorded_later_is_not_in_an_earlier_answer(
    name: str, later: str, seen: str, again: bool, tmp_path: Path
) -> None:
    whole = (CASES / name / "given.ttl").read_text()
    first, second = tmp_path / "first.ttl", tmp_path / "second.ttl"
    first.write_text(re.sub(later, "", whole))
    if not again:
        missing = set(rdflib.Graph().parse(data=whole)) - set(rdflib.Graph().parse(first))
        assert missing
        second.write_text("".join(f"{s.n3()} {p.n3()} {o.n3()} .\n" for s, p, o in missing))
    record(tmp_path, first)
    with Graph(opened(tmp_path, "memory:")) as graph:
        before = graph._privacy.statuses()
        record(tmp_path, CASES / name / "given.ttl" if again else second)
        assert graph._privacy.statuses(as_of=1) == before
        assert graph.privacy(iri(seen)) != before[iri(seen)]
        check(graph, name)


def test_what_was_said_later_is_not_in_an_earlier_answer(tmp_path: Path) -> None:
    record(tmp_path, CASES / "S13-pseudonymised-features" / "given.ttl")
    with Graph(opened(tmp_path, "memory:")) as graph:
        before = graph.privacy("D")
        with LedgerFile(tmp_path / "ledger.db") as ledger:
            bundles = Bundles(ledger, bundled(), named("agent", "ana"))
            word = SemanticLabel(
                id=fresh("semantic-label"),
                about=part(named("dataset", "D"), "cpf"),
                semantic_type=bundled().iri("semantic-type:CPF"),
                label_status="rejected",
                generated_at=datetime(2026, 2, 1, tzinfo=UTC),
                attributed_to=named("agent", "ana"),
            )
            bundles.append([word])
            assert {h.column for h in graph.privacy("E").holdings} == {"cep", "dt_nasc", "renda"}
            assert graph.privacy("E").status == "IndirectlyIdentifiable"
            assert graph.privacy("E", as_of=1).status == "Pseudonymised"
            assert graph.privacy("D", as_of=1) == before
            label = {one.column: one for one in graph._privacy.labels(iri("D"))}["cpf"]
            assert (label.status, label.author) == ("rejected", named("agent", "ana"))
            assert {one.column for one in graph._privacy.labels(iri("D"))} >= {"cep", "renda"}
            bundles.append([Invalidated(id=word.id, invalidated_by=fresh("activity"))])
        assert graph.privacy("E").status == "Pseudonymised"
        assert graph._privacy.labels(iri("D"))[0].status == "accepted"
