"""The graph for clients that ask over HTTP: questions as text, answers as typed values."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Response

from lineage_graph.access.principals import Principal
from lineage_graph.declarations import is_absolute_iri
from lineage_graph.errors import DeclarationError, InvalidRecord, NotFound
from lineage_graph.graph import Graph
from lineage_graph.query import Queries
from lineage_graph.remote.protocol import BUNDLE_TYPE, value_written
from lineage_graph.sandbox import Checkpoint
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.bodies import BY_SETTING, BundleBody, JsonBody
from lineage_graph.server.ledger import end_of
from lineage_graph.server.served import Here, Served
from lineage_graph.server.views import require_unchanged, steadily
from lineage_graph.stores import Rows
from lineage_graph.stores.free import table_rows
from lineage_graph.strict_json import read_json

router = APIRouter(prefix="/api", tags=["store"])


_FORMS: Final = {"select": "SELECT", "ask": "ASK", "construct": "CONSTRUCT"}


@router.post(
    "/store/dump",
    openapi_extra=needs("read"),
    response_class=Response,
    responses={200: {"content": {BUNDLE_TYPE: {}}}},
)
async def dump(here: Here, caller: Caller, bundle: JsonBody) -> Response:
    """Return all bundles that the caller may see, or one of them, as N-Quads."""
    if bundle is not None and not (isinstance(bundle, str) and is_absolute_iri(bundle)):
        raise InvalidRecord("Send the IRI of a bundle as a JSON string, or null for all.")
    found = await here.views.ask(caller, lambda graph: graph.queries.dump(bundle))
    return Response(found, media_type=BUNDLE_TYPE)


@router.post("/store/{form}", openapi_extra=needs("read"), max_body_size=BY_SETTING)
async def answer(here: Here, caller: Caller, form: str, body: BundleBody) -> dict[str, Any]:
    """Answer a question that came as SPARQL, over what the caller may see.

    Raises:
        NotFound: There is no such form of a question.
        DeclarationError: It does not parse, or is of another form.
        PolicyRefused: It is more than a question.
    """
    if form not in _FORMS:
        raise NotFound(f"Questions are of the forms {', '.join(_FORMS)}, not {form[:100]!r}.")
    sparql = read_json(body)
    if not isinstance(sparql, str):
        raise InvalidRecord("Send the text of a SPARQL query as a JSON string.")
    if here.declared.has(sparql):
        return await here.views.ask(caller, lambda graph: _declared(graph, caller, form, sparql))
    free = partial(steadily, partial(_free, here, caller, form, sparql))
    return await here.typed.take(caller, free)


def _declared(graph: Graph, caller: Principal, form: str, sparql: str) -> dict[str, Any]:
    """Answer a question that is ours."""
    return _answered(graph.queries, form, sparql) | _end_of(graph, caller)


def _end_of(graph: Graph, caller: Principal) -> dict[str, Any]:
    return end_of(graph.opened.ledger, graph.folders, caller)


def _answered(queries: Queries, form: str, sparql: str) -> dict[str, Any]:
    if form == "select":
        return _rows(queries.select(sparql))
    if form == "ask":
        return {"answer": queries.ask(sparql)}
    return {"answer": queries.construct(sparql).decode()}


def _free(here: Served, caller: Principal, form: str, sparql: str) -> dict[str, Any]:
    """Answer a question that somebody wrote, in a process that can be killed."""
    ends: list[dict[str, Any]] = []
    asked: list[Graph] = []

    def checkpoint() -> Checkpoint:
        with here.views.borrow(caller) as graph:
            asked.append(graph)
            ends.append(_end_of(graph, caller))
            return graph.checkpoint()

    found = here.sandbox.query(checkpoint, sparql, "json", "ntriples")
    require_unchanged(asked[-1])
    if found.form != _FORMS[form] or found.body is None:
        raise DeclarationError(f"the query is not a {_FORMS[form]}")
    return _written(form, found.body) | ends[-1]


def _written(form: str, body: bytes) -> dict[str, Any]:
    if form == "select":
        return _rows(table_rows(body))
    if form == "ask":
        return {"answer": read_json(body)["boolean"]}
    return {"answer": b"".join(sorted(set(body.splitlines(keepends=True)))).decode()}


def _rows(found: Rows) -> dict[str, Any]:
    rows = [[value_written(row[name]) for name in found.columns] for row in found]
    return {"columns": found.columns, "rows": rows}


@router.post("/verify", openapi_extra=needs("audit"))
async def verify(here: Here, caller: Caller) -> dict[str, Any]:
    """Check the ledger's chain, the projection, artifacts and data, and tell how much."""
    return await here.views.ask(caller, lambda graph: graph.verify())


@router.post("/subjects/rows", openapi_extra=needs("subjects"))
async def rows(here: Here, caller: Caller, identities: JsonBody) -> dict[str, Any]:
    """Tell in which rows of which versions a person is; the identifiers are kept nowhere."""
    if not isinstance(identities, dict):
        raise InvalidRecord('Send a JSON object, such as {"cpf": "..."}.')
    found = await here.views.ask(caller, lambda graph: graph.subject_rows(identities))
    return {version: [one.rows, one.by, one.gap] for version, one in found.items()}
