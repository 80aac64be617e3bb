"""GraphQL as a client meets it: what is answered, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_required_argument,
)

from lineage_graph.server.graphql.schema import executable, sdl
from lineage_graph.server.settings import QueryLimits
from tests.integration.asked import Client, asking, small_store

ROOT = Path(__file__).parents[2]
ARGUMENTS: dict[str, str] = {
    "node": 'id: "bm9kZTp1cm46bGluZWFnZS1ncmFwaDphY3Rpdml0eTowMQ"',
    "nodes": 'ids: ["bm9kZTp1cm46bGluZWFnZS1ncmFwaDphY3Rpdml0eTowMQ", "nothing"]',
    "dataset": 'name: "members"',
    "datasetVersion": 'name: "members@1"',
    "model": 'name: "delays"',
    "modelVersion": 'name: "delays@1"',
    "compareVersions": 'a: "delays@1", b: "delays@2"',
    "lineage": 'of: "late"',
    "licenseTerms": 'of: "joined"',
    "licenseImpact": 'license: "CC-BY-4.0"',
    "attribution": 'of: "joined"',
    "personalData": 'of: "joined"',
    "subjectImpact": "identities: $who",
    "subjectReport": 'name: "subject-request", identities: $who',
    "report": 'name: "ropa"',
    "replays": 'of: "joined"',
    "visibility": 'of: "joined"',
    "rebuildRequest": "id: $id",
}
WHO = [{"type": "cpf", "value": "529.982.247-25"}]
DEEPEST = 7


PROCESS = "processes:\n- name: Billing\n  purpose: send invoices\n  datasets: [members]\n"
WIDE = QueryLimits(depth=40, tokens=100_000, cost=10**12)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with asking(small_store(tmp_path_factory.mktemp("graphql") / "store")) as client:
        yield client


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    store = small_store(tmp_path_factory.mktemp("graphql") / "store")
    with asking(store, graphql=WIDE) as client:
        declared = client.ask(DECLARE, yaml=PROCESS)["declareProcess"]
        assert declared["errors"] == []
        labelled = client.ask(LABEL)["labelVisibility"]
        assert [one["source"] for one in labelled["labels"]] == ["members@2"]
        asked = client.ask('mutation { requestRebuild(of: "joined") { errors { code } } }')
        assert asked["requestRebuild"]["errors"] == []
        yield client


LABEL = """
mutation {
  labelVisibility(of: "members", labels: ["hr"], because: "staff") {
    labels { label source } recorded errors { code message }
  }
}
"""
DECLARE = """
mutation ($yaml: String!, $dry: Boolean = false) {
  declareProcess(yaml: $yaml, dryRun: $dry) {
    difference { changes { change kind name field old new } notes unchanged kept seq }
    errors { code message }
  }
}
"""


def selection(type_: Any, depth: int = 0, seen: tuple[str, ...] = ()) -> str:
    """Return a selection of every field of a type, and of theirs, each type once on a way."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    if named.name in seen or depth > DEEPEST:
        return "{ __typename }"
    chosen = [
        f"{name} {selection(field.type, depth + 1, (*seen, named.name))}"
        for name, field in named.fields.items()
        if not any(map(is_required_argument, field.args.values()))
    ]
    if isinstance(named, GraphQLInterfaceType):
        for one in executable().get_possible_types(named):
            if depth < 2:
                chosen.append(f"... on {one.name} {{ id }}")
    return f"{{ __typename {' '.join(chosen)} }}"


def names_of_roots() -> list[str]:
    query = executable().query_type
    assert query is not None
    return sorted(query.fields)


@pytest.mark.parametrize("name", names_of_roots())
def test_every_field_answers(name: str, unlimited: Client) -> None:
    query = executable().query_type
    assert query is not None
    given = f"({ARGUMENTS[name]})" if name in ARGUMENTS else ""
    asked = f"{name}{given} {selection(query.fields[name].type)}"
    if "$who" in given:
        answer = unlimited.ask(f"query ($who: [Identity!]!) {{ {asked} }}", who=WHO)
    elif "$id" in given:
        known = unlimited.ask("{ rebuildRequests { id } }")["rebuildRequests"][0]["id"]
        answer = unlimited.ask(f"query ($id: ID!) {{ {asked} }}", id=known)
    else:
        answer = unlimited.ask(f"{{ {asked} }}")
    assert answer[name] not in (None, [])


def test_the_schema_is_the_one_in_the_docs() -> None:
    page = ROOT / "docs" / "schema.graphql"
    assert page.read_text() == sdl(), "run: python docs/generate.py"


def test_whatever_is_in_the_schema_is_described() -> None:
    silent = []
    for name, type_ in executable().type_map.items():
        if name.startswith("__"):
            continue
        silent += [name] if not type_.description else []
        if isinstance(type_, GraphQLEnumType):
            silent += [f"{name}.{v}" for v, one in type_.values.items() if not one.description]
        for field, one in getattr(type_, "fields", {}).items():
            silent += [f"{name}.{field}"] if not one.description else []
            arguments = getattr(one, "args", {}).items()
            silent += [f"{name}.{field}({a})" for a, said in arguments if not said.description]
    assert silent == []


def test_a_version_says_what_is_in_it(client: Client) -> None:
    found = client.ask(
        """{ datasetVersion(name: "members@1") {
          number license profile { rows byteSize fingerprint } distribution { location format }
          columns { name semanticType { type categories holds } }
          sameContent { name } generatedBy { label } licenseStatements { expression saidBy } } }"""
    )["datasetVersion"]
    assert found == {
        "number": 1,
        "license": "CC-BY-4.0",
        "profile": {"rows": 4_000_000_000, "byteSize": 5_000_000_000, "fingerprint": "aa"},
        "distribution": {"location": "/data/members", "format": "csv"},
        "columns": [
            {
                "name": "cpf",
                "semanticType": {
                    "type": "cpf",
                    "categories": found["columns"][0]["semanticType"]["categories"],
                    "holds": True,
                },
            },
            {"name": "city", "semanticType": None},
        ],
        "sameContent": [{"name": "members@2"}],
        "generatedBy": None,
        "licenseStatements": [{"expression": "CC-BY-4.0", "saidBy": "README"}],
    }
    assert found["columns"][0]["semanticType"]["categories"]


def test_an_activity_says_what_happened(client: Client) -> None:
    found = client.ask(
        """{ datasetVersion(name: "joined") { generatedBy {
          label agent { name } plan { executor cautions steps { order operator precededBy } }
          environment { facts { name value } } used { slot entity { name } } } replays { verdict
          activity { informedBy { label } } } } }"""
    )["datasetVersion"]
    assert found["replays"] == [
        {"verdict": "identical", "activity": {"informedBy": [{"label": "save joined"}]}}
    ]
    assert found["generatedBy"] == {
        "label": "save joined",
        "agent": {"name": "0198"},
        "plan": {
            "executor": "spark",
            "cautions": ["order"],
            "steps": [
                {"order": 0, "operator": "read", "precededBy": []},
                {"order": 1, "operator": "join", "precededBy": [0]},
            ],
        },
        "environment": {
            "facts": [{"name": "cores", "value": "2"}, {"name": "spark", "value": "4.3.0"}]
        },
        "used": [
            {"slot": None, "entity": {"name": "routes@1"}},
            {"slot": "input:0", "entity": {"name": "members@1"}},
        ],
    }


def test_two_versions_of_a_model_are_compared(client: Client) -> None:
    found = client.ask(
        """{ compareVersions(a: "delays@1", b: "delays@2") { sameContent
          parameters { name a b differs } metrics { name a b } features { name a b }
          trainingData { name a b differs } } }"""
    )["compareVersions"]
    assert found == {
        "sameContent": False,
        "parameters": [{"name": "C", "a": "1.0", "b": None, "differs": True}],
        "metrics": [{"name": "r2", "a": "0.5", "b": None}],
        "features": [{"name": "km", "a": "yes", "b": None}],
        "trainingData": [{"name": "joined@1", "a": "yes", "b": "yes", "differs": False}],
    }


def test_a_model_says_what_it_predicted(client: Client) -> None:
    found = client.ask('{ modelVersion(name: "delays@1") { predictions { name } algorithm } }')
    assert found["modelVersion"] == {"predictions": [{"name": "late@1"}], "algorithm": "Tree"}


LINEAGE = """
query ($of: String!, $direction: Direction!, $depth: Int, $limit: Int!, $columns: Boolean = false) {
  lineage(of: $of, direction: $direction, depth: $depth, limit: $limit, columns: $columns) {
    limited hiddenNodes hiddenEdges
    nodes { name kind depth } edges { source derived kinds activity evidence }
  }
}
"""


def test_lineage_is_flat_and_says_how_it_is_known(client: Client) -> None:
    found = client.ask(LINEAGE, of="late", direction="UP", limit=100)["lineage"]
    assert [(n["name"], n["depth"]) for n in found["nodes"]] == [
        ("late@1", 0),
        ("delays@1", 1),
        ("joined@1", 2),
        ("members@1", 3),
        ("routes@1", 3),
    ]
    graded = {tuple(e["kinds"]): e["evidence"] for e in found["edges"]}
    assert graded == {
        ("Inference",): "INFERRED",
        ("Training",): "DECLARED",
        ("Combine",): "EXECUTED",
    }
    assert not found["limited"]


def test_lineage_counts_what_it_leaves_out(client: Client) -> None:
    found = client.ask(LINEAGE, of="late", direction="UP", limit=3)["lineage"]
    assert (found["limited"], found["hiddenNodes"], found["hiddenEdges"]) == (True, 2, 2)
    assert len(found["nodes"]) == 3 and len(found["edges"]) == 2
    found = client.ask(LINEAGE, of="members@1", direction="DOWN", limit=9, depth=1)["lineage"]
    assert [n["name"] for n in found["nodes"]] == ["members@1", "joined@1"] and found["limited"]


def test_lineage_goes_between_columns(client: Client) -> None:
    found = client.ask(LINEAGE, of="joined", direction="UP", limit=9, columns=True)["lineage"]
    assert [(n["name"], n["kind"]) for n in found["nodes"]] == [
        ("joined@1.km", "column"),
        ("routes@1.km", "column"),
    ]


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        ("kinds: [MODEL]", {"delays"}),
        ('text: "WHO JOINED", kinds: [DATASET]', {"members"}),
        ('license: "cc-by-4.0"', {"members", "members@1", "members@2"}),
        ('semanticType: "cpf"', {"members", "members@1"}),
        ('semanticType: "cpf", kinds: [DATASET_VERSION]', {"members@1"}),
        ('personalStatus: "Identified", kinds: [DATASET]', {"members"}),
        (
            'from: "2026-01-06T00:00:00Z", to: "2026-02-01T00:00:00Z"',
            {"delays", "delays@2", "late", "late@1"},
        ),
        ('text: "nothing of that name"', set()),
    ],
)
def test_entities_are_found(client: Client, sought: str, expected: set[str]) -> None:
    found = client.ask(f"{{ entities({sought}) {{ edges {{ node {{ name }} }} }} }}")
    assert {edge["node"]["name"] for edge in found["entities"]["edges"]} == expected


def test_a_node_is_found_by_its_id_and_nothing_else(client: Client) -> None:
    id_ = client.ask('{ dataset(name: "members") { id } }')["dataset"]["id"]
    found = client.ask(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
        ids=[id_, "", "x", "bm9kZTpodHRw", "é" * 4096],
    )
    assert found["nodes"] == [{"__typename": "Dataset", "id": id_}, None, None, None, None]
