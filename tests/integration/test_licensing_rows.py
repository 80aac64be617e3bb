"""What each declared licence means at each level, against a table that no program computes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.declarations import Declarations
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named, part
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.licensing import USES, Impact, LicenseTerms
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Dataset, DatasetVersion, Derivation, Record

ROOT = Path(__file__).parents[2]
ROWS = ROOT / "tests" / "conformance" / "licensing" / "rows"
LICENSES = sorted(path.stem for path in (ROOT / "ontology" / "licenses").glob("*.ttl"))
MADE = {
    "Copy": ("copy", "source", "Identity"),
    "Adapted": ("cleaned", "source", "Transform"),
    "Tuned": ("tuned", "source", "FineTune"),
    "Results": ("said", "tuned", "Inference"),
}
"""What each level is shown by; an answer of a tuned model is a result for every family."""


def version(license_: str, name: str) -> str:
    return named("version", f"{license_} {name}")


def records(license_: str) -> list[Record]:
    found: list[Record] = []
    for name, source, kind in (("source", None, ""), *MADE.values()):
        iri, dataset = version(license_, name), named("dataset", f"{license_} {name}")
        way = part(iri, "derivation")
        found.append(Dataset(id=dataset, title=f"{license_} {name}"))
        ways = (way,) if source else ()
        found.append(
            DatasetVersion(
                id=iri,
                version_of=dataset,
                generated_at=datetime.now(UTC),
                qualified_derivation=ways,
            )
        )
        if source:
            entity, activity = version(license_, source), fresh("activity")
            found.append(Derivation(id=way, entity=entity, had_activity=activity, kinds=(kind,)))
    return found


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """A graph with the same derivations from one source under each licence."""
    store = tmp_path_factory.mktemp("rows")
    with Graph(opened(store, "memory:")) as graph, LedgerFile(store / "ledger.db") as ledger:
        bundles = Bundles(ledger, Declarations(), "urn:lineage-graph:agent:tester")
        for license_ in LICENSES:
            bundles.append(records(license_))
            graph.state_license(f"{license_} source", license_)
        yield graph


def observed(graph: Graph, license_: str) -> dict[str, Any]:
    impact = graph.license_impact(f"{license_} source")
    return {
        level: at_level(graph.license_terms(version(license_, MADE[level][0])), level, impact)
        for level in ("Copy", "Adapted", "Results")
    }


def at_level(terms: LicenseTerms, level: str, impact: Impact) -> dict[str, Any]:
    assert {terms.level(bound) for bound in terms.judgement.bound} == {level}
    (row,) = [row for row in impact.rows() if row.version == terms.version]
    assert row.level == level
    said: dict[str, list[str]] = {"duty": [], "prohibition": []}
    for term in terms.terms:
        said[term.modality].append(term.action.rpartition(":")[2])
    credits = terms.attributions
    return {
        **{use: terms.verdicts[use] for use in USES},
        "duties": sorted(said["duty"]),
        "prohibitions": sorted(said["prohibition"]),
        "attribution": "owed" if credits.owed else "custom" if credits.recommended else "none",
        "say_changes": any(one.changed for one in credits.owed),
        "outbound": terms.outbound,
        "offer": sorted(database.name.split()[-1].removesuffix("@1") for database in terms.offered),
        "when_it_ends": row.remedy,
    }


@pytest.mark.parametrize("license_", LICENSES)
def test_a_licence_means_what_its_row_says(shelf: Graph, license_: str) -> None:
    expected = json.loads((ROWS / f"{license_}.json").read_text(encoding="utf-8"))
    assert observed(shelf, license_) == expected


def test_every_licence_has_a_row_and_every_row_a_licence() -> None:
    assert sorted(path.stem for path in ROWS.iterdir()) == LICENSES
