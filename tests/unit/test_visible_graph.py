"""A graph over what somebody may see does not contain the rest, whatever is asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineage_graph.errors import ArtifactBroken, NotFound, PolicyRefused, VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.graph.viewing import Viewing, visible
from lineage_graph.identity import named
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.stores.oxigraph import FolderStore
from tests.guarded import Recorded

SECRET = "salários 2026"
"""Name of what is hidden; what is recorded of it has the name in it, also within URLs."""
PLANTED = (SECRET, "sal%C3%A1rios", "sal\\u00e1rios", "raises", "hr", "nobody else")


class Company(Recorded):
    """A store in which something is hidden, and graphs of those who see less."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.viewing = Viewing(LedgerFile(folder / "ledger.db"), opened(folder).folders)
        self.open: list[Graph] = []
        self.sales = self.made("sales")
        self.salaries = self.made(SECRET, content="pay")
        self.both = self.made("raises", self.sales, self.salaries)
        self.averages = self.made("averages", self.sales, self.both)
        self.chart = self.made("chart", self.averages)

    def hide(self) -> None:
        self.graph.state_license(SECRET, "CC-BY-NC-4.0", said_by="raises and others")
        self.graph.state_license("sales", "MIT")
        self.graph.label_visibility(SECRET, ["hr"], because="pay is nobody else's")
        self.graph.declassify("averages", ["hr"], because="no group of hr is below 50")

    def seen(self, *clearances: str) -> Graph:
        parts = visible(opened(self.folder), frozenset(clearances), self.viewing)
        graph = Graph(parts, quiet=True)
        self.open.append(graph)
        return graph

    def close(self) -> None:
        for graph in self.open:
            graph.close()
        super().close()


@pytest.fixture
def company(store: Path) -> Iterator[Company]:
    made = Company(store)
    yield made
    made.close()


def names(graph: Graph) -> set[str]:
    return {row["name"] for row in graph.datasets()}


def test_everything_is_seen_with_the_clearance_and_without_labels(company: Company) -> None:
    every = {"sales", SECRET, "raises", "averages", "chart"}
    assert names(company.seen()) == every
    company.hide()
    assert names(company.seen("hr")) == every
    assert names(company.seen()) == {"sales", "averages", "chart"}
    assert company.seen("hr").folders.graph == company.graph.folders.graph


def test_nothing_of_what_is_hidden_is_in_the_projection_or_the_ledger(company: Company) -> None:
    company.hide()
    graph = company.seen("board")
    entries = list(graph._ledger.entries())
    whole = graph.export(format="nquads") + b"".join(entry.body for entry in entries)
    assert b"sales" in whole
    for planted in (*PLANTED, company.salaries, company.both):
        assert planted.encode() not in whole, planted
    assert [entry.chain for entry in entries] == [e.chain for e in company.ledger.entries()]


ASKED: dict[str, Callable[[Graph], object]] = {
    "datasets": lambda graph: graph.datasets(),
    "models": lambda graph: graph.models(),
    "versions": lambda graph: [graph.versions(n) for n in ("sales", "averages", "chart")],
    "describe": lambda graph: [graph.describe(n) for n in ("sales", "averages", "chart")],
    "up": lambda graph: graph.lineage("chart").to_dict(),
    "down": lambda graph: graph.lineage("sales", "down").to_dict(),
    "columns": lambda graph: graph.lineage("chart", columns=True).to_dict(),
    "svg": lambda graph: graph.lineage("chart").to_svg(),
    "query": lambda graph: graph.query("SELECT * WHERE { GRAPH ?g { ?s ?p ?o } }"),
    "trig": lambda graph: graph.export().decode(),
    "history": lambda graph: graph.export("chart", "json-ld").decode(),
    "reports": lambda graph: graph.reports(),
    "ropa": lambda graph: json.dumps(graph.report("ropa").to_dict(), default=str),
    "terms": lambda graph: [str(graph.license_terms(n)) for n in ("sales", "averages", "chart")],
    "statements": lambda graph: graph.license_statements("sales"),
    "impact": lambda graph: graph.license_impact("MIT").to_dict(),
    "privacy": lambda graph: [str(graph.privacy(n)) for n in ("sales", "averages", "chart")],
    "statuses": lambda graph: [str(one) for one in graph.statuses()],
    "types": lambda graph: graph.semantic_types("sales"),
    "processes": lambda graph: graph.processes(),
    "visibility": lambda graph: [graph.visibility(n) for n in ("sales", "averages")],
    "validate": lambda graph: graph.validate(),
}


@pytest.mark.parametrize("asked", sorted(ASKED))
def test_no_answer_names_what_is_hidden(company: Company, asked: str) -> None:
    company.hide()
    answer = json.dumps(ASKED[asked](company.seen()), default=str, ensure_ascii=False)
    found = [p for p in (*PLANTED[:4], PLANTED[5], company.salaries, company.both) if p in answer]
    assert found == []


@pytest.mark.parametrize(
    "name", [SECRET, "salarios 2026", "raise", f"{SECRET}@1", named("dataset", SECRET)]
)
def test_what_is_hidden_is_answered_as_what_never_was(company: Company, name: str) -> None:
    company.hide()
    graph = company.seen()
    for ask in (graph.describe, graph.versions, graph.lineage, graph.visibility):
        with pytest.raises(NotFound) as refused:
            ask(name)
        said = str(refused.value).replace(name, "").replace(name.partition("@")[0], "")
        assert SECRET not in said and "raises" not in said
    with pytest.raises(NotFound, match="Nothing is recorded under"):
        graph.describe(company.salaries)


def test_a_label_removes_what_a_view_had_already(company: Company) -> None:
    graph = company.seen("board")
    assert SECRET in names(graph)
    company.graph.label_visibility(SECRET, ["hr"])
    with pytest.raises(VisibilityChanged, match="Open it again"):
        graph.datasets()
    graph = company.seen("board")
    assert names(graph) == {"sales"}
    company.graph.declassify("averages", ["hr"], because="no group is below 50")
    with pytest.raises(VisibilityChanged):
        graph.lineage("sales", "down")
    assert names(company.seen("board")) == {"sales", "averages", "chart"}
    assert b"raises" not in company.seen("board").export()


def test_a_view_goes_on_while_hidden_things_are_recorded(company: Company) -> None:
    company.hide()
    graph = company.seen()
    assert names(graph) == {"sales", "averages", "chart"}
    folder = graph.folders.graph
    company.made("bonuses", company.made(SECRET))
    company.made("orders", company.sales)
    assert names(graph) == {"sales", "averages", "chart", "orders"}
    assert {node.name for node in graph.lineage("sales", "down").nodes} == {
        *("sales@1", "averages@1", "chart@1", "orders@1")
    }
    assert b"bonuses" not in graph.export()
    again = Viewing(LedgerFile(company.folder / "ledger.db"), opened(company.folder).folders)
    later = Graph(visible(opened(company.folder), frozenset(), again), quiet=True)
    company.open.append(later)
    assert later.folders.graph == folder
    assert names(later) == names(graph)


def test_a_view_is_made_anew_when_something_was_labelled_while_it_was_closed(
    company: Company,
) -> None:
    company.hide()
    folder = company.seen().folders.graph
    assert "chart" in names(company.seen())
    company.graph.label_visibility("chart", ["board"])
    again = Viewing(LedgerFile(company.folder / "ledger.db"), opened(company.folder).folders)
    later = Graph(visible(opened(company.folder), frozenset(), again), quiet=True)
    company.open.append(later)
    assert later.folders.graph != folder
    assert names(later) == {"sales", "averages"}


def test_the_edges_between_what_is_seen_stay(company: Company) -> None:
    company.hide()
    lineage = company.seen().lineage("chart")
    assert {node.name for node in lineage.nodes} == {"chart@1", "averages@1", "sales@1"}
    assert len(lineage.edges) == 2


def test_nothing_tells_the_name_of_a_bundle_or_activity_of_which_nothing_is_seen(
    company: Company,
) -> None:
    company.hide()
    hidden = {
        entry.bundle: entry
        for entry in company.ledger.entries()
        if f"<{company.salaries}> <http://www.w3.org/1999" in entry.body.decode()
    }
    (bundle,) = hidden
    company.graph.invalidate(bundle, because="it was wrong")
    ledger = company.seen()._ledger
    told = [text for e in ledger.entries() for text in (e.bundle, e.body.decode())]
    told += ledger.iris_of(range(1000)).values()
    activity = f"{hidden[bundle].body.decode().partition('>')[0][1:]}".partition("#")[0]
    assert ":activity:" in activity
    assert not [text for text in told if bundle in text or activity in text]


def test_what_was_asked_of_the_past_is_not_shared_with_who_sees_less(company: Company) -> None:
    company.hide()
    whole, part = (graph.checkpoint(3).folder for graph in (company.graph, company.seen()))
    assert whole != part
    assert SECRET.encode() in FolderStore(whole).dump()
    assert SECRET.encode() not in FolderStore(part).dump()


def test_a_failed_run_with_a_hidden_name_is_not_seen(company: Company) -> None:
    company.hide()
    kept = [r for r in company.records("urn:lineage-graph:version:x", SECRET, (), "y")]
    company.bundles.append(
        [
            r
            for r in kept
            if type(r).__name__ in ("Activity", "Association", "Agent", "Plan", "Step")
        ]
    )
    assert SECRET.encode() not in company.seen().export()


def test_artifacts_are_there_as_far_as_something_seen_names_them(
    company: Company, tmp_path: Path
) -> None:
    for name in ("sales", SECRET):
        evidence = tmp_path / "LICENSE"
        evidence.write_text(f"The licence of {name}")
        company.graph.state_license(name, "MIT", evidence=evidence)
    company.hide()
    digests = list(company.graph._artifacts.all())
    artifacts = company.seen()._artifacts
    assert len(digests) == 2
    assert [artifacts.get(digest) for digest in artifacts.all()] == [b"The licence of sales"]
    hidden = next(digest for digest in digests if not artifacts.holds(digest))
    for read in (artifacts.get, artifacts.path, artifacts.verify):
        with pytest.raises(ArtifactBroken, match="is missing"):
            read(hidden)
    assert artifacts.get(artifacts.put_bytes(b"new")) == b"new"


def test_what_is_recorded_through_a_view_reaches_the_ledger(company: Company) -> None:
    company.hide()
    graph = company.seen()
    graph.label_visibility("sales", ["board"])
    assert graph.outdated and not company.graph.outdated
    assert [one.label for one in company.graph.visibility("sales")] == ["board"]
    assert names(company.seen()) == set()
    assert names(company.seen("board")) == {"sales", "averages", "chart"}


def test_terms_of_what_came_from_something_hidden_are_not_settled(company: Company) -> None:
    company.hide()
    whole, part = (graph.license_terms("chart") for graph in (company.graph, company.seen()))
    assert whole.verdicts["commercial"] == "prohibited"
    assert set(part.verdicts.values()) == {"unknown"}
    assert not any(part.settled(use) for use in ("share", "commercial"))
    assert "not visible to you; ask a steward" in str(part)
    assert part.to_dict()["gaps"][-1].startswith("part of what this came from is not visible")
    assert company.seen().license_terms("sales").settled("share")
    with pytest.raises(PolicyRefused, match="not visible to you"):
        company.seen().state_license("chart", "MIT")


def test_the_status_of_what_came_from_something_hidden_is_not_settled(company: Company) -> None:
    company.hide()
    status = company.seen().privacy("chart")
    assert (status.status, status.settled) == ("NotExamined", False)
    assert "not visible to you; ask a steward" in status.why
    assert company.seen().privacy("sales").settled
    assert company.graph.privacy("chart").settled


def test_nobody_is_excluded_from_what_came_from_something_hidden(company: Company) -> None:
    company.made("totals", company.salaries)
    company.hide()
    company.graph.declassify("totals", ["hr"], because="it is one number")
    rows = company.seen().subject_impact({"cpf": "529.982.247-25"}).rows()
    said = {row.name: (row.verdict, row.why) for row in rows}
    assert said["totals@1"][0] == "cannot be excluded"
    assert "something that is not visible to you" in said["totals@1"][1]


def test_a_version_of_something_hidden_uncovers_nothing(company: Company) -> None:
    company.hide()
    assert "raises" not in {row["name"] for row in company.seen().datasets()}
    company.made("raises", company.sales)
    assert {row["name"] for row in company.seen().datasets()} == {"sales", "averages", "chart"}


def test_a_version_made_from_something_hidden_covers_nothing_else(company: Company) -> None:
    company.hide()
    company.made("sales", company.salaries)
    seen = company.seen()
    assert [row["versions"] for row in seen.datasets() if row["name"] == "sales"] == [1]
