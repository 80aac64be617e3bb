"""What the server can be asked, for programs that write clients: OpenAPI."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from lineage_graph.server.authorize import needs

router = APIRouter(tags=["contract"])


@router.get("/openapi.json", openapi_extra=needs("read"), include_in_schema=False)
def openapi(request: Request) -> dict[str, Any]:
    """Describe every route."""
    described: dict[str, Any] = request.app.openapi()
    return described
