"""Where something came from or what came of it, as an image of its own."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response

from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.pages.entity import DEPTH, known
from lineage_graph.server.served import Here

router = APIRouter(tags=["pages"])

MEDIA_TYPE: Final = "image/svg+xml"
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


@router.get(
    "/pictures/{direction}",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}}},
    openapi_extra=needs("read", "part"),
)
async def picture(
    here: Here,
    caller: Caller,
    direction: Literal["up", "down"],
    iri: Annotated[str, Query(description="IRI of a dataset, model or version.")],
    depth: Annotated[int, Query(ge=1, le=1000)] = DEPTH,
) -> Response:
    """Return the lineage of a dataset or model as SVG.

    Raises:
        NotFound: There is no such thing, or the caller may not see it.
    """
    drawn = await here.views.ask(
        caller, lambda graph: graph.lineage(known(graph, iri), direction, depth).to_svg()
    )
    return Response(drawn, media_type=MEDIA_TYPE, headers=_HEADERS)
