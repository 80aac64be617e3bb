"""What a person reads whose browser was asked for a token and gave none."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from lineage_graph.server.browsers import CHALLENGE
from lineage_graph.server.pages.drawn import Reader
from lineage_graph.server.problems import answered

_UNAUTHORISED: Final = 401


def install(app: FastAPI) -> None:
    """Make an application tell persons so on a page, and programs as a problem."""

    @app.exception_handler(_UNAUTHORISED)
    def unknown(request: Request, error: HTTPException) -> Response:
        headers = error.headers or {}
        if headers.get("WWW-Authenticate") != CHALLENGE:
            return answered(error)
        reader = Reader(request, request.query_params.get("lang"))
        page = reader.draw("unknown.html.j2", _UNAUTHORISED)
        page.headers.update(headers)
        return page
