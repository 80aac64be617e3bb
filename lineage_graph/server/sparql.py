"""The SPARQL 1.1 Protocol, to read.

A query is put to the projection of what its sender may see, now or as it was, by a worker
that can be killed. An answer is whole or an error; it is never cut off.

Sources: SPARQL 1.1 Protocol, section 2.1; SPARQL 1.1 Service Description.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from lineage_graph.declarations import is_absolute_iri
from lineage_graph.errors import PolicyRefused
from lineage_graph.graph import Graph
from lineage_graph.sandbox import Answer, Checkpoint
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.bodies import unpacked
from lineage_graph.server.formats import GRAPHS, TABLES, accepted, media_type, named
from lineage_graph.server.served import Here
from lineage_graph.server.views import require_unchanged, steadily

router = APIRouter(tags=["sparql"])

AS_OF: Final = "Lineage-As-Of"
_FORM: Final = "application/x-www-form-urlencoded"
_QUERY: Final = "application/sparql-query"
_UPDATE: Final = "application/sparql-update"
_DESCRIPTION: Final = Path(__file__).with_name("service.ttl")
_VARY: Final = {"Vary": f"Accept, {AS_OF}"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {types[0]: {} for types in (*TABLES.values(), *GRAPHS.values())}}
}
_TEXT: Final = {"type": "string", "minLength": 1}
_FIELD: Final = {"name": "query", "in": "query", "schema": _TEXT, "description": "SPARQL 1.1."}
_FIELDS: Final = {"type": "object", "required": ["query"], "properties": {"query": _TEXT}}
_BODY: Final = {
    "required": True,
    "content": {_FORM: {"schema": _FIELDS}, _QUERY: {"schema": _TEXT}},
}


@dataclass(frozen=True)
class Asked:
    """A request in the terms of the protocol.

    Attributes:
        query: The query; None when there is none.
        default: Values of ``default-graph-uri``.
        named: Values of ``named-graph-uri``.
        as_of: Seq of an entry, or a day; None for now.
        table: Format for rows, and for yes or no; None when none is accepted.
        graph: Format for statements; None when none is accepted.
    """

    query: str | None
    default: tuple[str, ...]
    named: tuple[str, ...]
    as_of: str | None
    table: str | None
    graph: str | None


async def _asked(request: Request) -> Asked:
    """Read a request, whichever way it came.

    Raises:
        HTTPException: It is not a request of the protocol.
        PolicyRefused: It is an update.
    """
    fields = _pairs(request.url.query)
    if request.method == "POST":
        fields += await _posted(request)
    if any(name == "update" for name, _ in fields):
        raise _is_an_update()
    return Asked(
        _single(_values(fields, "query"), "query"),
        _values(fields, "default-graph-uri"),
        _values(fields, "named-graph-uri"),
        _single({*_values(fields, "as-of"), *request.headers.getlist(AS_OF)}, "as-of"),
        *_formats(fields, request.headers.get("accept", "")),
    )


async def _posted(request: Request) -> list[tuple[str, str]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _UPDATE:
        raise _is_an_update()
    if kind not in (_FORM, _QUERY):
        raise HTTPException(415, f"Send the query as {_QUERY} or as {_FORM}.")
    body = unpacked(await request.body(), request.headers.get("content-encoding"))
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        raise HTTPException(400, f"The query is not UTF-8: {problem}") from problem
    return [("query", text)] if kind == _QUERY else _pairs(text)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as problem:
        raise HTTPException(400, f"The parameters cannot be read: {problem}") from problem


def _values(fields: Sequence[tuple[str, str]], *names: str) -> tuple[str, ...]:
    return tuple(value for name, value in fields if name in names)


def _single(values: Sequence[str] | set[str], name: str) -> str | None:
    if len(values) > 1:
        raise HTTPException(400, f"{name} is given {len(values)} times. Give it once.")
    return next(iter(values), None)


def _formats(fields: Sequence[tuple[str, str]], accept: str) -> tuple[str | None, str | None]:
    """Return the formats for rows and for statements.

    A parameter goes before the header. It may name what only one of both has: clients
    send it before they know what a query answers with.
    """
    said = _values(fields, "format", "output", "results")
    names = [one.strip() for value in said for one in value.lower().split(",") if one.strip()]
    table, graph = named(names, TABLES), named(names, GRAPHS)
    if names and table is None and graph is None:
        raise HTTPException(406, f"format={names[0]} is not known. {_offered()}")
    return table or accepted(accept, TABLES), graph or accepted(accept, GRAPHS)


def _offered() -> str:
    return (
        f"There are {', '.join(TABLES)} for SELECT and ASK, and {', '.join(GRAPHS)} for"
        " CONSTRUCT and DESCRIBE."
    )


def _is_an_update() -> PolicyRefused:
    return PolicyRefused(
        "An update changes the graph; here it is only read. What is recorded is only ever"
        " added to, through the ledger."
    )


Question = Annotated[Asked, Depends(_asked)]


@router.get(
    "/sparql",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={**needs("read"), "parameters": [_FIELD]},
)
async def query(request: Request, here: Here, principal: Caller, asked: Question) -> Response:
    """Answer a query in the parameter ``query``; without one, describe the service."""
    if asked.query is None:
        return _description(request, asked)
    return await _answer(here, principal, asked, asked.query)


@router.post(
    "/sparql",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={**needs("read"), "requestBody": _BODY},
)
async def query_posted(here: Here, principal: Caller, asked: Question) -> Response:
    """Answer a query in a form, or in the body as ``application/sparql-query``.

    Raises:
        HTTPException: 400 without a query, 406 for an answer in no accepted format.
    """
    if asked.query is None:
        raise HTTPException(400, "There is no query. Send one in the field 'query'.")
    return await _answer(here, principal, asked, asked.query)


async def _answer(here: Here, principal: Caller, asked: Asked, text: str) -> Response:
    found = partial(steadily, partial(_found, here, principal, asked, text))
    answer = await here.typed.take(principal, found)
    format = asked.graph if answer.form == "CONSTRUCT" else asked.table
    if answer.body is None or format is None:
        raise HTTPException(406, f"The answer to {answer.form} is not accepted. {_offered()}")
    return Response(answer.body, media_type=media_type(format), headers=_VARY)


def _found(here: Here, principal: Caller, asked: Asked, text: str) -> Answer:
    graphs: list[Graph] = []

    def checkpoint() -> Checkpoint:
        # Given back at once: a slow query must not keep a graph from other questions.
        with here.views.borrow(principal) as graph:
            graphs.append(graph)
            return graph.checkpoint(asked.as_of)

    answer = here.sandbox.query(
        checkpoint, text, asked.table, asked.graph, asked.default, asked.named
    )
    require_unchanged(graphs[-1])
    return answer


def _description(request: Request, asked: Asked) -> Response:
    from lineage_graph.stores.rdf import convert

    if asked.graph is None:
        raise HTTPException(406, f"The description of the service is RDF. {_offered()}")
    address = str(request.url.replace(query="", fragment=""))
    if not is_absolute_iri(address):
        raise HTTPException(400, "The Host header is no host.")
    text = _DESCRIPTION.read_bytes()
    body = convert(text, "turtle", asked.graph, base=address)  # type: ignore[arg-type]
    return Response(body, media_type=media_type(asked.graph), headers=_VARY)
