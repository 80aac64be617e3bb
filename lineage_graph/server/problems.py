"""Failures as answers: problem details for HTTP APIs (RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from lineage_graph.errors import (
    DeclarationError,
    InvalidRecord,
    LimitExceeded,
    LineageGraphError,
    NotFound,
    PolicyRefused,
    RecordConflict,
    StoreLocked,
    StoreUnavailable,
)
from lineage_graph.server.logs import told

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = "2"
_STATUS: Final[tuple[tuple[type[LineageGraphError], int], ...]] = (
    (NotFound, 404),
    (InvalidRecord, 400),
    (DeclarationError, 400),
    (RecordConflict, 409),
    (LimitExceeded, 422),
    (PolicyRefused, 403),
    (StoreLocked, 503),
    (StoreUnavailable, 503),
)
_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": why, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status, why in (("4XX", "It was refused."), ("5XX", "It could not be answered now."))
}
"""What every route may answer besides what it is for, as OpenAPI says it."""


def status_of(error: LineageGraphError) -> int:
    """Return the HTTP status of a failure; 500 for what the caller cannot mend."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(status: int, code: str, detail: str) -> JSONResponse:
    """Return an answer that says what went wrong.

    Args:
        status: HTTP status.
        code: Stable identifier for programs.
        detail: For people: what, where, and what to do next.
    """
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


async def refusal(error: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a failure from outside the application; a WebSocket is closed."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await answered(error)(scope, receive, send)


def answered(error: HTTPException) -> JSONResponse:
    """Return what a failure that has a status is answered with."""
    answer = problem(error.status_code, getattr(error, "code", "http"), str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def install(app: FastAPI) -> None:
    """Make an application answer failures so."""

    @app.exception_handler(LineageGraphError)
    def ours(request: Request, error: LineageGraphError) -> JSONResponse:
        status = status_of(error)
        if status >= 500:
            request.state.failure = told(error)
        if status == 500:
            return problem(500, error.code, "The server failed. Its log says why.")
        # Where the store lies on the server is nothing to its clients.
        store = str(request.app.state.served.settings.store)
        answer = problem(status, error.code, str(error).replace(store, "(store)"))
        if status == 503:
            answer.headers["Retry-After"] = RETRY_SECONDS
        return answer

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        answer = answered(error)
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(sorted(_methods(app, request.scope["path"])))
        return answer

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        faults = [f"{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        return problem(422, "request", "; ".join(faults))


def _methods(app: FastAPI, path: str) -> set[str]:
    """Return what may be done with a path, by any of the routes that it belongs to."""
    return {
        method
        for route in iter_route_contexts(app.routes)
        if route.methods and route.path_regex.match(path)
        for method in route.methods
    }
