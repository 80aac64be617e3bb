"""GraphQL over HTTP: which requests are read, and in which words they are answered.

Source: GraphQL over HTTP, stage 2 draft.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response

from lineage_graph.access.principals import Principal
from lineage_graph.errors import InvalidRecord
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.graphql.operations import NotByGet, Request
from lineage_graph.server.graphql.trying import page
from lineage_graph.server.negotiation import media_type
from lineage_graph.server.problems import MEDIA_TYPE
from lineage_graph.server.served import Here, Served
from lineage_graph.strict_json import read_json

RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"

router = APIRouter(tags=["graphql"])

_OBJECT: Final = {"type": ["object", "null"]}
_BODY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["query"],
    "properties": {
        "query": {"type": "string"},
        "operationName": {"type": ["string", "null"]},
        "variables": _OBJECT,
        "extensions": _OBJECT,
    },
}
_FIELDS: Final = [
    {"name": name, "in": "query", "schema": {"type": "string"}} for name in _BODY["properties"]
]
_BOTH: Final[dict[str, Any]] = {RESPONSE: {}, JSON: {}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {**_BOTH, "text/html": {}}},
    400: {"description": "It is no request of GraphQL.", "content": {**_BOTH, MEDIA_TYPE: {}}},
}


@router.post(
    "/graphql",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={
        **needs("read"),
        "requestBody": {"required": True, "content": {JSON: {"schema": _BODY}}},
    },
)
async def post(request: HttpRequest, here: Here, caller: Caller) -> Response:
    """Answer an operation."""
    media = _wanted(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise HTTPException(415, f"Send the request as {JSON}.", {"Accept-Post": JSON})
    try:
        wanted = asked(read_json(await request.body()))
    except InvalidRecord as fault:
        return _faulty(str(fault), media)
    return await _answer(here, wanted, caller, media, by_get=False)


@router.get(
    "/graphql",
    response_class=Response,
    responses=_ANSWERS,
    openapi_extra={**needs("read"), "parameters": _FIELDS},
)
async def get(request: HttpRequest, here: Here, caller: Caller) -> Response:
    """Answer a query, which changes nothing."""
    given: dict[str, Any] = dict(request.query_params)
    if here.settings.dev and not given:
        return HTMLResponse(page())
    media = _wanted(request)
    try:
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = read_json(given[name].encode(errors="surrogatepass"))
        wanted = asked(given)
    except InvalidRecord as fault:
        return _faulty(str(fault), media)
    return await _answer(here, wanted, caller, media, by_get=True)


async def _answer(
    here: Served, asked: Request, caller: Principal, media: str, by_get: bool
) -> Response:
    try:
        answer = await here.operations.answer(asked, caller, by_get)
    except NotByGet:
        raise HTTPException(
            405, "Send what changes something by POST.", {"Allow": "POST"}
        ) from None
    status = 200 if answer.executed or media == JSON else 400
    return _written(answer.body, status, media)


def _wanted(request: HttpRequest) -> str:
    """Return the media type of the answer.

    Raises:
        HTTPException: 406, none that we have is accepted.
    """
    # Who takes anything is answered with JSON, which every program reads.
    found = media_type(request.headers.get("accept"), (JSON, RESPONSE))
    if found is None:
        raise HTTPException(406, f"Accept {RESPONSE} or {JSON}.")
    return found


def asked(given: Any) -> Request:
    """Return what a request asks.

    Raises:
        InvalidRecord: It lacks the query, or something in it is of the wrong type.
    """
    if not isinstance(given, dict):
        raise InvalidRecord("Send one object with the key query; several at once are not answered.")
    query, operation = given.get("query"), given.get("operationName")
    variables = given.get("variables")
    for name, value, kind, called in (
        ("query", query, str, "text"),
        ("operationName", operation, str, "text"),
        ("variables", variables, dict, "an object"),
        ("extensions", given.get("extensions"), dict, "an object"),
    ):
        needed = name == "query"
        if not isinstance(value, kind) and (needed or value is not None):
            raise InvalidRecord(f"/{name} has to be {called}.")
    return Request(str(query), variables or {}, operation)


def _faulty(fault: str, media: str) -> Response:
    error = {"message": fault, "extensions": {"code": InvalidRecord.code}}
    return _written({"errors": [error]}, 400, media)


def _written(body: Mapping[str, Any], status: int, media: str) -> Response:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(data, status, media_type=f"{media}; charset=utf-8")
