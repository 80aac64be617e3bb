"""The files that pages refer to: one style sheet and one sign."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

from lineage_graph.server.authorize import needs

router = APIRouter(prefix="/assets", include_in_schema=False)

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": "default-src 'none'",
}


@cache
def _read(name: str) -> bytes:
    return files("lineage_graph.server.pages").joinpath("assets", name).read_bytes()


@router.get("/pages.css", openapi_extra=needs(None))
def style() -> Response:
    """Return how pages look."""
    return Response(_read("pages.css"), media_type="text/css", headers=_HEADERS)


@router.get("/icon.svg", openapi_extra=needs(None))
def icon() -> Response:
    """Return the sign of the pages."""
    return Response(_read("icon.svg"), media_type="image/svg+xml", headers=_HEADERS)
