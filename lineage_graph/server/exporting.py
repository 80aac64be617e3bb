"""One thing with its history, as a file for other tools."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.served import Here

router = APIRouter(tags=["export"])

_FILES: Final = {
    "trig": ("trig", "application/trig"),
    "turtle": ("ttl", "text/turtle"),
    "json-ld": ("jsonld", "application/ld+json"),
    "nquads": ("nq", "application/n-quads"),
    "prov-json": ("prov.json", "application/json"),
    "prov-n": ("provn", "text/provenance-notation"),
    "dot": ("dot", "text/vnd.graphviz"),
    "svg": ("svg", "image/svg+xml"),
}
_LONGEST: Final = 80


@router.get(
    "/api/export",
    response_class=Response,
    responses={200: {"content": {media_type: {} for _, media_type in _FILES.values()}}},
    openapi_extra=needs("read", "part"),
)
async def export(
    here: Here,
    principal: Caller,
    name: Annotated[str, Query(min_length=1, max_length=4096)],
    format: str = "trig",
) -> Response:
    """Return one dataset or model with its history, as an attachment.

    Args:
        here: What is served.
        principal: Who asks, and so what there is.
        name: Name, ``name@2`` or IRI.
        format: ``trig``, ``turtle``, ``json-ld``, ``nquads``, ``prov-json``, ``prov-n``,
            ``dot`` or ``svg``.
    """
    body = await here.views.ask(principal, lambda graph: graph.export(name, format))
    ending, media_type = _FILES[format]
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(name)}.{ending}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, media_type=media_type, headers=headers)


def file_name(name: str) -> str:
    """Return a name as a file may be called on any system; its ending is left to others."""
    last = name.rpartition(":")[2]
    safe = re.sub(r"[^A-Za-z0-9@_-]+", "-", last)[:_LONGEST].strip("-")
    return safe or "export"
