"""What people stated of a dataset follows it when an event gives it another name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import httpx2
import pytest

import lineage_graph
from lineage_graph.errors import NotFound
from lineage_graph.graph import Graph
from lineage_graph.openlineage.names import Name, dataset_iri, declared_version, outside_version
from lineage_graph.server.graphql.nodes import node_id
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.producers import DATABASE, Event, dataset, facet, run, schema, static, symlink

TABLE = f"{DATABASE} people"
"""The name that goes before the place."""
FILE = "file /w/people"
NAMES = {FILE: Name("file", "/w/people"), TABLE: Name(DATABASE, "people")}
RESTRICTED = "CC-BY-NC-4.0"

Step = Callable[[Graph], Any]


def take(*events: Event) -> Step:
    def sent(graph: Graph) -> None:
        for event in events:
            graph.take_openlineage(json.dumps(event).encode())

    return sent


def read(run_id: str, name: str, into: str, at: str = "12:00:00", **facets: Event) -> Event:
    """Return a run that reads a dataset and writes another one."""
    source = NAMES[name]
    lineage = facet(
        fields={
            "id": {
                "inputFields": [
                    {"namespace": source.namespace, "name": source.name, "field": "cpf"}
                ]
            }
        }
    )
    one = dataset(source.name, source.namespace, schema=schema("cpf"), **facets)
    return run(run_id, at=at, inputs=[one], outputs=[dataset(into, columnLineage=lineage)])


def written(run_id: str, name: str, at: str = "10:00:00", **facets: Event) -> Event:
    one = NAMES[name]
    return run(
        run_id, at=at, outputs=[dataset(one.name, one.namespace, schema=schema("cpf"), **facets)]
    )


def linked(name: str = FILE) -> Event:
    """Return the event that says that both names are of one dataset."""
    one, (other,) = NAMES[name], [NAMES[n] for n in NAMES if n != name]
    kind = "TABLE" if name == FILE else "LOCATION"
    facets = {"symlinks": symlink(other.name, other.namespace, kind)}
    return static(dataset=dataset(one.name, one.namespace, **facets))


def stated(name: str) -> Step:
    def say(graph: Graph) -> None:
        graph.state_license(name, RESTRICTED)
        graph.confirm_type(name, "cpf", "cpf")

    return say


def bound(graph: Graph, name: str) -> list[tuple[str, Any]]:
    return sorted((one.license.id, one.level) for one in graph.license_terms(name).judgement.bound)


def answers(graph: Graph, ends: Sequence[str]) -> dict[str, Any]:
    """Return what is said of the dataset by both names, and of what was made from it."""
    found: dict[str, Any] = {}
    for name in (FILE, TABLE, *ends):
        found[name] = (
            bound(graph, name),
            graph.privacy(name).status,
            [(label.column, label.semantic_type) for label in graph.semantic_types(name)],
        )
    impact = graph.license_impact(RESTRICTED)
    found["impact"] = sorted({(row.artifact, row.level) for row in impact.rows()})
    found["statuses"] = [(one.name, one.status) for one in graph.statuses()]
    found["listed"] = [(one["name"], one["license"]) for one in graph.datasets()]
    return found


def told(folder: Path, steps: Sequence[Step], ends: Sequence[str]) -> dict[str, Any] | None:
    """Take steps in their order; None when one speaks of a dataset that nobody knows yet."""
    with closing(lineage_graph.connect(folder)) as graph:
        for step in steps:
            try:
                step(graph)
            except NotFound:
                return None
        return answers(graph, ends)


STORIES = {
    "read": [take(read("r1", FILE, "b")), take(read("r2", TABLE, "c"))],
    "written": [take(written("w", FILE)), take(read("r2", TABLE, "c"))],
    "written by the other name": [take(written("w", TABLE)), take(read("r2", FILE, "c"))],
    "named": [
        take(written("w", FILE, version=facet(datasetVersion="7"))),
        take(read("r2", TABLE, "c", version=facet(datasetVersion="7"))),
    ],
}


@pytest.mark.parametrize("name", [FILE, TABLE])
@pytest.mark.parametrize("story", STORIES)
def test_what_was_stated_holds_by_every_name_in_every_order(
    tmp_path: Path, story: str, name: str
) -> None:
    steps = [*STORIES[story], take(linked()), stated(name)]
    ends = [f"{DATABASE} {one}" for one in ("b", "c")][0 if story == "read" else 1 :]
    orders = list(permutations(steps))
    found = {
        str(number): answer
        for number, order in enumerate(orders)
        if (answer := told(tmp_path / str(number), order, ends)) is not None
    }
    first = next(iter(found.values()))
    assert first[FILE] == first[TABLE]
    assert RESTRICTED in {license_ for license_, _ in first[ends[-1]][0]}
    assert first[ends[-1]][1] == "Identified"
    assert [answer for answer in found.values() if answer != first] == []


DECLARED = """
organisations:
  - {{name: Ana Ltda, contact: dpo@ana.example}}
processes:
  - name: billing
    controller: Ana Ltda
    purpose: payment
    legal_basis: GDPR 6(1)(b)
    data_subjects: customer
    datasets: "{name}"
    retention: {{period: P5Y, for: "{name}"}}
datasets:
  - {{name: "{name}", located_in: US}}
"""


def reported(folder: Path, steps: Sequence[Step]) -> list[Any]:
    with closing(lineage_graph.connect(folder)) as graph:
        for step in steps:
            step(graph)
        report = graph.report("ropa").to_dict()
        return [
            (answer["field"], [cell["value"] for cell in answer["cells"]])
            for section in report["sections"]
            for entry in section["entries"]
            for answer in entry["answers"]
        ]


@pytest.mark.parametrize("name", [FILE, TABLE])
def test_reports_find_what_was_declared_of_a_dataset_by_any_name(tmp_path: Path, name: str) -> None:
    known = take(written("w", FILE), read("r", FILE, "c"))
    found = [
        reported(tmp_path / str(number), [known, *order])
        for number, order in enumerate(
            permutations(
                [
                    take(linked()),
                    lambda graph: graph.declare(DECLARED.format(name=name)),
                    lambda graph: graph.confirm_type(FILE, "cpf", "cpf"),
                ]
            )
        )
    ]
    values = [value for _, values in found[0] for value in values]
    assert {"2 / 2", "1 / 2", "official identifier"} <= set(values)
    assert [one for one in found if one != found[0]] == []


@pytest.fixture
def graph(tmp_path: Path) -> Iterator[Graph]:
    with closing(lineage_graph.connect(tmp_path / "store")) as graph:
        yield graph


def test_licences_stated_by_two_names_both_bind(graph: Graph) -> None:
    take(read("r1", FILE, "b"), read("r2", TABLE, "c"))(graph)
    graph.state_license(FILE, RESTRICTED)
    graph.state_license(TABLE, "CC-BY-4.0")
    take(linked())(graph)
    for end in ("b", "c"):
        assert {one for one, _ in bound(graph, f"{DATABASE} {end}")} == {RESTRICTED, "CC-BY-4.0"}
    (taken, _) = sorted(graph.license_statements(TABLE), key=lambda one: one["expression"])
    graph.invalidate(taken["iri"], because="a test")
    assert {one for one, _ in bound(graph, f"{DATABASE} b")} == {RESTRICTED}


def test_what_was_stated_of_what_is_there_no_longer_holds_of_what_there_is(graph: Graph) -> None:
    take(read("r", TABLE, "c"))(graph)
    graph.state_license(TABLE, RESTRICTED)
    take(written("w", FILE), linked())(graph)
    assert bound(graph, f"{DATABASE} c") == [(RESTRICTED, 2)]
    take(written("w2", TABLE, at="11:00:00"), read("r3", TABLE, "d", at="12:30:00"))(graph)
    assert bound(graph, f"{DATABASE} d") == [(RESTRICTED, 2)]


def test_a_late_writer_takes_no_licence_away(graph: Graph) -> None:
    take(read("r", TABLE, "c"))(graph)
    graph.state_license(TABLE, RESTRICTED)
    take(written("w", TABLE))(graph)
    assert bound(graph, f"{DATABASE} c") == [(RESTRICTED, 2)]


def test_versions_keep_their_numbers_and_what_was_said_of_an_earlier_one(graph: Graph) -> None:
    take(read("r1", TABLE, "b", at="09:00:00"))(graph)
    graph.state_license(TABLE, RESTRICTED)
    for number in range(5):
        take(written(f"w{number}", TABLE, at=f"1{number}:00:00"))(graph)
    before = [one["generated_at"] for one in graph.versions(TABLE)]
    place = symlink("people", "hive://m")
    take(static(dataset=dataset("people", DATABASE, symlinks=place)))(graph)
    assert [one["generated_at"] for one in graph.versions("hive://m people")] == before
    assert all(bound(graph, f"{TABLE}@{n}")[0][0] == RESTRICTED for n in range(1, 7))


def test_a_third_name_changes_nothing_of_what_was_said_by_the_first(graph: Graph) -> None:
    version = facet(datasetVersion="7")
    take(read("r1", FILE, "b"), read("r2", TABLE, "c", version=version))(graph)
    graph.state_license(FILE, RESTRICTED)
    graph.confirm_type(FILE, "cpf", "cpf")
    take(linked())(graph)
    graph.state_license(TABLE, "CC-BY-4.0")
    better = symlink("customers", "hive://a")
    take(static(dataset=dataset("people", DATABASE, symlinks=better)))(graph)
    for name in (FILE, TABLE, "hive://a customers"):
        assert graph.privacy(name).status == "Identified"
        assert graph.thing(name) == dataset_iri(Name("hive://a", "customers"))
    assert RESTRICTED in {one for one, _ in bound(graph, f"{DATABASE} b")}


def test_as_of_an_earlier_entry_the_old_answer_stands(graph: Graph) -> None:
    take(read("r1", FILE, "b"))(graph)
    graph.state_license(FILE, RESTRICTED)
    graph.confirm_type(FILE, "cpf", "cpf")
    status = graph.privacy(f"{DATABASE} b").status
    then = graph._ledger.head
    take(read("r2", TABLE, "c"), linked())(graph)
    graph.state_license(TABLE, "CC-BY-4.0")
    terms = graph.license_terms(f"{DATABASE} b", as_of=then)
    assert [one.license.id for one in terms.judgement.bound] == [RESTRICTED]
    assert graph.privacy(f"{DATABASE} b", as_of=then).status == status == "Identified"


def test_as_of_an_earlier_entry_names_that_were_not_joined_yet_are_two(graph: Graph) -> None:
    take(read("r1", FILE, "x"))(graph)
    graph.state_license(FILE, RESTRICTED)
    take(read("r2", TABLE, "b"))(graph)
    before = graph.license_terms(f"{DATABASE} b").to_dict()
    then = graph._ledger.head
    take(linked())(graph)
    assert graph.license_terms(f"{DATABASE} b").to_dict() != before
    bound = graph.license_terms(f"{DATABASE} b", as_of=then).judgement.bound
    assert RESTRICTED not in [one.license.id for one in bound if one.license]
    joined = graph._ledger.head
    take(read("r3", TABLE, "c", at="13:00:00"))(graph)
    terms = graph.license_terms(f"{DATABASE} b", as_of=joined)
    assert [one.license.id for one in terms.judgement.bound] == [RESTRICTED]


def test_a_version_is_found_by_the_iri_it_had(graph: Graph) -> None:
    version = facet(datasetVersion="7")
    take(read("r1", FILE, "b"), read("r2", FILE, "c", version=version), linked())(graph)
    for made in (outside_version, lambda name: declared_version(name, "7")):
        assert graph.resolve(made(NAMES[FILE])) == made(NAMES[TABLE])
    assert graph.thing(dataset_iri(NAMES[FILE])) == dataset_iri(NAMES[TABLE])
    with pytest.raises(NotFound):
        graph.thing("file /w/other")


def test_pages_and_nodes_are_found_by_an_old_name(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with closing(lineage_graph.connect(store)) as graph:
        take(read("r1", FILE, "b"), linked())(graph)
    with serving(Settings(store, port=0)) as address:
        for old in (dataset_iri(NAMES[FILE]), outside_version(NAMES[FILE])):
            page = httpx2.get(f"{address}/id", params={"iri": old}, headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert TABLE in page.text
            question = f'{{ node(id: "{node_id(old)}") {{ ... on Entity {{ name }} }} }}'
            said = httpx2.post(f"{address}/graphql", json={"query": question}).json()
            assert said["data"]["node"]["name"].startswith(TABLE)
