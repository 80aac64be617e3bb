"""What GraphQL refuses: what costs too much, what one may not, what is malformed, and quietly."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lineage_graph.access.tokens import Tokens
from lineage_graph.declarations import bundled
from lineage_graph.graph.declared import Declared
from lineage_graph.server.graphql.permissions import permission_of
from lineage_graph.server.graphql.schema import schema
from tests.integration.asked import JSON, RESPONSE, Client, asking, small_store

CPF = "529.982.247-25"
IMPACT = "query ($who: [Identity!]!) { subjectImpact(identities: $who) { askedBy } }"
CONFIRM = """
mutation ($dataset: String!, $column: String!, $type: String!) {
  confirmType(dataset: $dataset, column: $column, type: $type) {
    dataset { name latest { columns { name semanticType { type status } } } }
    label errors { code message }
  }
}
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_store(tmp_path_factory.mktemp("graphql") / "store")


@pytest.fixture(scope="module")
def client(store: Path) -> Iterator[Client]:
    with asking(store) as client:
        yield client


LARGE = """{ datasets(first: 100) { edges { node {
  versions(first: 100) { edges { node { iri } } } } } } }"""


def chain(hops: int) -> str:
    """Return a question that goes from a version to what made it and back, some times."""
    opened = "generatedBy { used { entity { ... on DatasetVersion { "
    return opened * hops + "name" + " } } } }" * hops


def test_a_small_document_that_would_resolve_thousands_of_fields_is_refused(client: Client) -> None:
    page = "versions(first: 3) { edges { node { "
    inner = "generatedBy { used { entity { ... on DatasetVersion { sameContent { name } } } } }"
    ways = " ".join(
        f'a{n}: dataset(name: "joined") {{ {page} {inner} }} }} }} }}' for n in range(14)
    )
    assert "may cost" in client.refused(f"{{ {ways} }}")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (f'{{ datasetVersion(name: "joined") {{ {chain(3)} }} }}', "10 levels deep"),
        ("{ " + " ".join(f"a{n}: ledger {{ head }}" for n in range(16)) + " }", "16 aliases"),
        ("{ ledger { " + "head " * 1_000 + "} }", "more than 1000 tokens"),
        ("{ ledger { head " + "@include(if: true) " * 11 + "} }", "directive"),
        (LARGE, "may cost"),
        (
            "{ verify { holds } a: verify { holds } b: verify { holds } c: verify { holds }"
            " d: verify { holds } }",
            "may cost",
        ),
        ("{ __schema { types { name } } }", "introspection"),
        ("{ datasets { edges { node { nam } } } }", "Cannot query field 'nam' on type 'Dataset'."),
        ("subscription { x }", ""),
        ("{", "Syntax Error"),
        ("query a { ledger { head } } query b { ledger { head } }", "operationName"),
        ("fragment a on Query { ...b } fragment b on Query { ...a } { ...a }", "Cannot spread"),
    ],
)
def test_what_costs_too_much_or_is_wrong_is_refused(
    client: Client, query: str, reason: str
) -> None:
    said = client.refused(query)
    assert reason in said and "Did you mean" not in said


def test_fragments_that_multiply_are_counted_once_and_refused_quickly(client: Client) -> None:
    doubled = " ".join(
        f"fragment f{n} on Query {{ ...f{n + 1} ... on Query {{ ...f{n + 1} }} }}"
        for n in range(60)
    )
    query = f"{{ ...f0 }} {doubled} fragment f60 on Query {{ ledger {{ head }} }}"
    assert "may cost" in client.refused(query)


def test_what_is_needed_is_declared_for_every_field_of_a_root() -> None:
    found = {
        (name, field.python_name): permission_of(field)
        for name in ("Query", "Mutation", "Subscription")
        for field in schema().get_type_by_name(name).fields  # type: ignore[union-attr]
    }
    assert {key for key, permission in found.items() if permission is None} == set()
    assert {key[1]: p for key, p in found.items() if p != "read"} == {
        "subject_impact": "subjects",
        "subject_report": "subjects",
        "verify": "audit",
        "confirm_type": "decide",
        "reject_type": "decide",
        "state_license": "decide",
        "declare_process": "decide",
        "visibility": "label",
        "request_rebuild": "replay",
        "cancel_rebuild": "replay",
        "label_visibility": "label",
        "withdraw_visibility": "label",
        "declassify": "label",
    }


NEEDING: dict[str, tuple[str, dict[str, Any]]] = {
    "read": ("{ ledger { head } }", {}),
    "subjects": (IMPACT, {"who": [{"type": "cpf", "value": CPF}]}),
    "audit": ("{ verify { holds } }", {}),
    "replay": ('mutation { requestRebuild(of: "joined") { request { state } } }', {}),
    "label": ('{ visibility(of: "joined") { label } }', {}),
    "decide": (CONFIRM, {"dataset": "members", "column": "cpf", "type": "cpf"}),
}


def roles() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in Declared(bundled()).rows("access/roles"):
        found.setdefault(row["role"], set()).add(row["permission"])
    return found


@pytest.mark.parametrize("role", sorted(roles()))
def test_a_role_may_what_it_is_declared_to_and_nothing_else(role: str, tmp_path: Path) -> None:
    store = small_store(tmp_path / "store")
    with asking(store) as local:
        tokens = Tokens(store / "access")
        secret = tokens.create("test", roles=[role])
        client = Client(local.address, secret[0] if isinstance(secret, tuple) else secret)
        for permission, (query, variables) in NEEDING.items():
            answer = client.post(query, **variables)
            if "read" not in roles()[role]:
                assert answer.status_code == 403
            elif permission in roles()[role]:
                assert "errors" not in answer.json(), (role, permission)
            else:
                body = answer.json()
                assert body["errors"][0]["extensions"]["code"] == "policy-refused"
                assert permission in body["errors"][0]["message"]
        tokens.close()


@pytest.mark.parametrize(
    ("query", "who"),
    [
        (IMPACT, [{"type": CPF, "value": "cpf"}]),
        (IMPACT, [{"type": "cpf", "value": f"{CPF}0"}]),
        (IMPACT, [{"type": "cpf", "value": {"secret": CPF}}]),
        (IMPACT, [{"type": "cpf", "val": CPF}]),
        (IMPACT, CPF),
        (f'{{ subjectImpact(identities: [{{type: "cpf", value: "{CPF}"}}]) {{ askedBy }} }}', None),
        (f'{{ subjectImpact(identities: "{CPF}") {{ askedBy }} }}', None),
        (
            f'query ($w: [Identity!]! = [{{type: "cpf", value: "{CPF}"}}])'
            " { subjectImpact(identities: $w) { askedBy } }",
            None,
        ),
        (f'{{ subjectImpact(identities: "{CPF}" "{CPF}" }}', None),
        (f'{{ datasets(first: "{CPF}") {{ edges {{ cursor }} }} }}', None),
    ],
)
def test_an_identifier_is_never_repeated(
    client: Client, query: str, who: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = client.post(query, who=who)
    assert answer.json()["errors"]
    assert CPF not in answer.text and CPF not in caplog.text


def test_what_nobody_expected_is_told_by_a_number_only(
    store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from lineage_graph.graph.many import Many

    def broken(*_: object) -> tuple[int, str]:
        raise RuntimeError(f"about {CPF}")

    monkeypatch.setattr(Many, "ledger", broken)
    with asking(store) as client:
        error = client.failed("{ ledger { head } }")
    assert error["message"] == "internal error" and error["extensions"]["code"] == "internal"
    assert error["extensions"]["request"] in caplog.text
    assert "RuntimeError" in caplog.text and CPF not in caplog.text


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("dataset(name: $text) { name }", {"text": "membres"}, "not-found"),
        ("dataset(name: $text) { name }", {"text": "x" * 4096}, "not-found"),
        ("dataset(name: $text) { name }", {"text": "model:delays"}, "not-found"),
        ("dataset(name: $text) { name }", {"text": "urn:lineage-graph:model:delays"}, "not-found"),
        (
            "datasetVersion(name: $text) { name }",
            {"text": "members@999999999999999999"},
            "not-found",
        ),
        (
            "modelVersion(name: $text) { name }",
            {"text": "urn:lineage-graph:version:m1"},
            "not-found",
        ),
        ("dataset(name: $text) { name }", {"text": ""}, "not-found"),
        ("datasets(after: $text) { edges { cursor } }", {"text": "no cursor"}, "invalid-record"),
        ("datasets(first: $n) { edges { cursor } }", {"n": 101}, "invalid-record"),
        ("datasets(first: $n) { edges { cursor } }", {"n": -1}, "invalid-record"),
        ('lineage(of: "late", depth: $n) { limited }', {"n": -1}, "invalid-record"),
        ('lineage(of: "late", asOf: $n) { limited }', {"n": 2}, "invalid-record"),
        ('lineage(of: "late", limit: $n) { limited }', {"n": 0}, "invalid-record"),
        ('licenseTerms(of: "late", asOf: $n) { name }', {"n": 0}, "invalid-record"),
        ("licenseImpact { of }", {}, "invalid-record"),
        ("licenseImpact(license: $text) { of }", {"text": "members"}, "not-found"),
        ("entities(semanticType: $text) { edges { cursor } }", {"text": "x"}, "not-found"),
        ("entities(personalStatus: $text) { edges { cursor } }", {"text": "x"}, "not-found"),
        ("report(name: $text) { name }", {"text": "x"}, "not-found"),
        ('report(name: "ropa", asOf: $text) { name }', {"text": "x"}, "invalid-record"),
        (
            'report(name: "ropa", parameters: [{name: "subject", value: "x"}]) { name }',
            {},
            "invalid-record",
        ),
    ],
)
def test_what_cannot_be_answered_says_why(
    client: Client, query: str, variables: dict[str, Any], code: str
) -> None:
    kinds = {"text": "String!", "n": "Int!"}
    head = ", ".join(f"${name}: {kinds[name]}" for name in variables)
    error = client.failed(f"query {f'({head})' if head else ''} {{ {query} }}", **variables)
    assert error["extensions"] == {"code": code}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query ($n: Int) { datasets(first: $n) { edges { cursor } } }", {"n": 2**40}),
        ("query ($n: Int) { datasets(first: $n) { edges { cursor } } }", {"n": "1"}),
        ("query ($n: Int) { datasets(first: $n) { edges { cursor } } }", {"n": 1.5}),
        ("query ($t: String!) { dataset(name: $t) { name } }", {"t": None}),
        ("query ($t: String!) { dataset(name: $t) { name } }", {}),
        ("query ($t: String!) { dataset(name: $t) { name } }", {"t": ["members"]}),
        ("query ($t: DateTime!) { entities(from: $t) { edges { cursor } } }", {"t": "tomorrow"}),
        ("query ($k: [EntityKind!]) { entities(kinds: $k) { edges { cursor } } }", {"k": ["X"]}),
    ],
)
def test_a_variable_of_another_type_is_refused(
    client: Client, query: str, variables: dict[str, Any]
) -> None:
    assert client.refused(query, **variables)


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b'[{"query": "{ ledger { head } }"}]', JSON, 400),
        (b"{}", JSON, 400),
        (b'{"query": 1}', JSON, 400),
        (b'{"query": "{ ledger { head } }", "variables": []}', JSON, 400),
        (b'{"query": "{ ledger { head } }", "operationName": 1}', JSON, 400),
        (b'{"query": "{ ledger { head } }", "extensions": 1}', JSON, 400),
        (b'{"query": "{ ledger { head } }", "query": "{ a }"}', JSON, 400),
        (b'{"query": "{ ledger { \\u0000head } }"}', JSON, 400),
        (b'{"query": "\\ud800"}', JSON, 400),
        (b'{"query": "{ ledger { head } }", "variables": {"a": NaN}}', JSON, 400),
        (b'{"query": "{ a }", "variables": ' + b'{"a":' * 100 + b"1" + b"}" * 101, JSON, 400),
        (b"query={ledger{head}}", "application/x-www-form-urlencoded", 415),
        (b"{ ledger { head } }", "application/graphql", 415),
        (b'{"query": "{ ledger { head } }"}', "text/plain", 415),
        (b'{"query": "' + b" " * 2_000_000 + b'"}', JSON, 413),
    ],
)
def test_a_request_that_is_malformed_is_refused(
    client: Client, body: bytes, media: str, status: int
) -> None:
    headers = {"Content-Type": media, "Accept": RESPONSE}
    answer = httpx2.post(f"{client.address}/graphql", content=body, headers=headers)
    assert answer.status_code == status and b'"data":' not in answer.content


def test_by_get_nothing_is_changed(client: Client) -> None:
    def got(**given: str) -> httpx2.Response:
        return httpx2.get(f"{client.address}/graphql", params=given)

    asked = got(
        query="query ($n: Int) { datasets(first: $n) { edges { node { name } } } }",
        variables=json.dumps({"n": 1}),
    )
    assert asked.json()["data"]["datasets"]["edges"] == [{"node": {"name": "joined"}}]
    declared = got(query='mutation { declareProcess(yaml: "x") { errors { code } } }')
    assert declared.status_code == 405 and "POST" in declared.headers["allow"]
    assert got(query="{ ledger { head } }", variables="[").status_code == 400
    assert got().status_code == 400


def test_the_answer_has_the_media_type_that_is_accepted(client: Client) -> None:
    for accept, media, status in (
        (RESPONSE, RESPONSE, 400),
        (JSON, JSON, 200),
        ("*/*", JSON, 200),
        (f"text/html, {RESPONSE};q=0.9, {JSON}", JSON, 200),
        (f"{RESPONSE}, {JSON}, */*;q=0.1", RESPONSE, 400),
        (f"{JSON}, {RESPONSE}", JSON, 200),
        (f"{JSON};q=0, application/*", RESPONSE, 400),
    ):
        answer = client.post("{ unknown }", accept=accept)
        assert (answer.headers["content-type"], answer.status_code) == (
            f"{media}; charset=utf-8",
            status,
        )
    assert client.post("{ ledger { head } }", accept="text/html").status_code == 406


def test_the_schema_is_shown_while_one_develops(store: Path) -> None:
    with asking(store, dev=True) as client:
        assert client.ask("{ __schema { queryType { name } } }")
        page = httpx2.get(f"{client.address}/graphql")
        assert "type Query" in page.text and "<script" not in page.text
        assert "Did you mean" in client.refused("{ ledger { hea } }")


def test_a_decision_is_recorded_as_the_word_of_who_decides(tmp_path: Path) -> None:
    with asking(small_store(tmp_path / "store")) as client:
        found = client.ask(CONFIRM, dataset="members@1", column="city", type="cpf")["confirmType"]
        assert found["errors"] == []
        assert found["label"].startswith("urn:lineage-graph:semantic-label:")
        rejected = client.ask(
            'mutation { rejectType(dataset: "members@1", column: "city") { errors { code } } }'
        )
        assert rejected["rejectType"]["errors"] == []
        stated = client.ask(
            'mutation ($e: String) { stateLicense(of: "routes", license: "MIT", evidence: $e) '
            "{ entity { name license licenseStatements { evidence author } } errors { code } } }",
            e="MIT License, as it is",
        )["stateLicense"]
        assert stated["errors"] == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"dataset": "nothing", "column": "a", "type": "cpf"}, "not-found"),
        ({"dataset": "members", "column": "a", "type": "cpf"}, "not-found"),
        ({"dataset": "members@1", "column": "cpf", "type": "nothing"}, "not-found"),
    ],
)
def test_what_cannot_be_decided_is_part_of_the_answer(
    client: Client, given: dict[str, str], code: str
) -> None:
    found = client.ask(CONFIRM, **given)["confirmType"]
    assert (found["label"], found["errors"][0]["code"]) == (None, code)


def test_who_may_see_something_is_decided(tmp_path: Path) -> None:
    payload = "{ labels { label source } recorded errors { code } }"

    def decided(client: Client, verb: str, of: str) -> Any:
        given = f'of: "{of}", labels: ["hr"], because: "x"'
        return client.ask(f"mutation {{ {verb}({given}) {payload} }}")[verb]

    with asking(small_store(tmp_path / "store")) as client:
        assert decided(client, "labelVisibility", "members")["errors"] == []
        inherited = client.ask('{ visibility(of: "late") { label source } }')["visibility"]
        assert inherited == [{"label": "hr", "source": "members@1"}]
        assert decided(client, "declassify", "late")["labels"] == []
        assert decided(client, "declassify", "routes")["errors"] == [{"code": "invalid-record"}]
        withdrawn = decided(client, "withdrawVisibility", "members")
        assert withdrawn["labels"] == [] and len(withdrawn["recorded"]) == 1


def test_a_rebuild_is_asked_for_and_taken_back(tmp_path: Path) -> None:
    payload = "{ request { id state target } errors { code } }"
    with asking(small_store(tmp_path / "store")) as client:
        asked = client.ask(f'mutation {{ requestRebuild(of: "joined") {payload} }}')
        request = asked["requestRebuild"]["request"]
        assert request["state"] == "QUEUED" and request["target"].endswith("version:j1")
        taken_back = f"mutation ($id: ID!) {{ cancelRebuild(id: $id) {payload} }}"
        found = client.ask(taken_back, id=request["id"])["cancelRebuild"]
        assert found["request"] == {**request, "state": "CANCELLED"}
        nothing = client.ask(taken_back, id="x")["cancelRebuild"]
        assert nothing == {"request": None, "errors": [{"code": "not-found"}]}


def test_a_text_at_fault_declares_nothing(client: Client) -> None:
    fields = "{ difference { seq } errors { code } }"
    query = f"mutation ($y: String!) {{ declareProcess(yaml: $y) {fields} }}"
    for text in ("", "a: [", "processes: {}", "a: &a [*a]"):
        found = client.ask(query, y=text)["declareProcess"]
        assert found == {"difference": None, "errors": [{"code": "declaration"}]}
