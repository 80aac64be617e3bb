"""The licence scenarios as files: a given graph and what follows from it, on every store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.licensing import LicenseTerms
from tests.integration.given import record

CASES = Path(__file__).parents[1] / "conformance" / "licensing"
POLICIES = ("permissive", "balanced", "conservative")


def scenarios() -> list[str]:
    return sorted(path.parent.name for path in CASES.glob("*/given.ttl"))


@pytest.fixture(params=["memory", "folder", "union-server", "plain-server"])
def address(request: pytest.FixtureRequest, union_server: str, plain_server: str) -> str | None:
    servers = {"union-server": union_server, "plain-server": plain_server}
    return {"memory": "memory:", "folder": None, **servers}[request.param]


def iri(name: str) -> str:
    kind = "model-version" if name[0] in "MG" else "version"
    return f"urn:lineage-graph:{kind}:{name}"


def bare(name: str) -> str:
    return name.removesuffix("@1")


def observed(terms: LicenseTerms) -> dict[str, Any]:
    """Return an answer in the words of the expectations."""
    levels = {bare(terms.named(b.source)): terms.level(b) for b in terms.judgement.bound}
    said: dict[str, dict[str, set[str]]] = {"duty": {}, "prohibition": {}}
    for term in terms.terms:
        said[term.modality].setdefault(bare(term.source), set()).add(
            term.action.partition(":")[2] or term.action
        )
    credits = terms.attributions
    return {
        **{use: verdict for use, verdict in terms.verdicts.items()},
        "levels": levels,
        "duties": {source: sorted(actions) for source, actions in said["duty"].items()},
        "prohibitions": {s: sorted(actions) for s, actions in said["prohibition"].items()},
        "outbound": terms.outbound,
        "declared_allowed": terms.declared_allowed,
        "gaps": terms.gaps,
        "notes": terms.notes,
        "owed": sorted(bare(one.source) for one in credits.owed),
        "recommended": sorted(bare(one.source) for one in credits.recommended),
        "changed": sorted(bare(one.source) for one in credits.owed if one.changed),
        "credited": {bare(one.source): one.who for one in credits.owed if one.who},
        "offered": sorted(bare(database.name) for database in terms.offered),
        "because": {
            use: sorted(
                {
                    bare(source["name"])
                    for reason in terms.reasons(use)
                    if reason["verdict"] == terms.verdicts[use]
                    for source in reason["sources"]
                }
            )
            for use in ("share", "commercial")
        },
        "paths": {
            bare(term.source): [str(step).replace("@1", "") for step in term.path]
            for term in terms.terms
        },
    }


def differing(found: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an expectation is not found; it may say less than is found."""
    return {k: (found[k], wanted) for k, wanted in expected.items() if found[k] != wanted}


@pytest.mark.parametrize("name", scenarios())
def test_what_follows_from_a_given_graph(name: str, address: str | None, tmp_path: Path) -> None:
    record(tmp_path, CASES / name / "given.ttl")
    expected = json.loads((CASES / name / "expected.json").read_text())
    with Graph(opened(tmp_path, address)) as graph:
        impacts = expected.pop("impact", {})
        for artifact, said in expected.items():
            for policy in POLICIES:
                terms = graph.license_terms(iri(artifact), policy)
                wrong = differing(observed(terms), said.get(policy, {}))
                assert not wrong, (artifact, policy)
            if "settled" in said:
                settled = [use for use in ("share", "commercial") if terms.settled(use)]
                assert sorted(settled) == sorted(said["settled"]), artifact
            rows = {u: [r.label for r in terms.depends_on[u]] for u in ("share", "commercial")}
            assert not differing(rows, said.get("depends_on", {})), artifact
        for what, policies in impacts.items():
            ended = what if what.startswith("LicenseRef") else iri(what)
            for policy, said in policies.items():
                impact = graph.license_impact(ended, policy=policy)
                reached = {bare(row.artifact): row.level for row in impact.rows()}
                assert reached == said["affected"]
                assert sorted(map(bare, impact.unaffected())) == said["not_affected"]


def test_every_scenario_of_the_design_is_there() -> None:
    numbers = {name[:3] for name in scenarios() if name[0] == "S"}
    assert numbers == {f"S{number:02}" for number in range(1, 12)}
