"""What a name stands for, in the form a client prefers: a page, JSON-LD or Turtle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from lineage_graph.access.principals import Principal
from lineage_graph.errors import NotFound
from lineage_graph.graph import Graph
from lineage_graph.identity import kind_of
from lineage_graph.server import problems
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.negotiation import media_type
from lineage_graph.server.pages.drawn import HEADERS, For, Reader
from lineage_graph.server.pages.entity import (
    DEPTH,
    SHOWN,
    THINGS,
    UNKNOWN,
    VERSIONS,
    entity,
    known,
    thing_of,
)
from lineage_graph.server.pages.home import Leaf
from lineage_graph.server.served import Here, Served
from lineage_graph.stores import Iri

router = APIRouter(tags=["pages"])

Format = Literal["html", "json-ld", "turtle"]
MEDIA_TYPES: Final[Mapping[str, Format]] = {
    "text/html": "html",
    "application/ld+json": "json-ld",
    "text/turtle": "turtle",
}
_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {one: {} for one in MEDIA_TYPES}},
    404: {
        "description": "There is no such node, or the caller may not see it.",
        "content": {"text/html": {}, problems.MEDIA_TYPE: {}},
    },
}
_ACCEPTABLE: Final = "text/html, application/ld+json or text/turtle"


Chosen = Annotated[Format | None, Query(description="Instead of the header Accept.")]
Depth = Annotated[int, Query(ge=1, le=1000, description="Most steps of a lineage.")]
Page = Annotated[int, Query(ge=1, le=1_000_000, description="Of the versions, from 1.")]


@router.get(
    "/id/{name:path}",
    response_class=HTMLResponse,
    responses=_FOUND,
    openapi_extra=needs("read", "page"),
)
async def identified(
    request: Request,
    here: Here,
    caller: Caller,
    reader: For,
    name: Annotated[
        str, Path(description="An IRI, percent-encoded; or dataset/NAME, or model/NAME.")
    ],
    format: Chosen = None,
    depth: Depth = DEPTH,
    page: Page = 1,
) -> Response:
    """Return what is recorded about a node.

    Raises:
        HTTPException: 406, nothing that there is would be accepted.
        NotFound: There is no such node, or the caller may not see it.
    """
    return await _answer(here, caller, reader, name, format or _preferred(request), depth, page)


@router.get(
    "/id", response_class=HTMLResponse, responses=_FOUND, openapi_extra=needs("read", "page")
)
async def asked_for(
    request: Request,
    here: Here,
    caller: Caller,
    reader: For,
    iri: Annotated[str, Query(description="An IRI that no path can hold.")],
    format: Chosen = None,
    depth: Depth = DEPTH,
    page: Page = 1,
) -> Response:
    """Return what is recorded about a node whose IRI is too long or too odd for a path.

    Raises:
        HTTPException: 406, nothing that there is would be accepted.
        NotFound: There is no such node, or the caller may not see it.
    """
    return await _answer(here, caller, reader, iri, format or _preferred(request), depth, page)


async def _answer(
    here: Served,
    caller: Principal,
    reader: Reader,
    name: str,
    chosen: Format,
    depth: int,
    page: int,
) -> Response:
    def drawn(graph: Graph) -> Response:
        iri = known(graph, name)
        if chosen == "html":
            return _page(graph, reader, iri, depth, page)
        media = next(one for one, form in MEDIA_TYPES.items() if form == chosen)
        return Response(graph.about(iri, chosen), headers=dict(HEADERS), media_type=media)

    try:
        return await here.views.ask(caller, drawn)
    except NotFound:
        if chosen == "html":
            return reader.draw("missing.html.j2", 404)
        raise NotFound(UNKNOWN) from None


def _preferred(request: Request) -> Format:
    found = media_type(request.headers.get("accept"), list(MEDIA_TYPES))
    if found is None:
        raise HTTPException(406, f"Ask for {_ACCEPTABLE}.", {"Vary": "Accept"})
    return MEDIA_TYPES[found]


def _page(graph: Graph, reader: Reader, iri: str, depth: int, page: int) -> HTMLResponse:
    if kind_of(iri) in (*THINGS, *VERSIONS):
        found = entity(graph, iri, depth, reader.voice.lang)
        if found is not None:
            leaf = Leaf.of(found.versions, page)
            return reader.draw(
                "entity.html.j2", found=found, leaf=leaf, depth=depth, most=SHOWN, called=thing_of
            )
    return _any(graph, reader, iri)


def _any(graph: Graph, reader: Reader, iri: str) -> HTMLResponse:
    """Draw a node of any kind, such as an activity, as what is said about it.

    Raises:
        NotFound: Nothing is.
    """
    rows = graph.query("pages/node", node=iri)
    if not rows:
        raise NotFound(UNKNOWN)
    said: dict[str, list[Mapping[str, Any]]] = {"out": [], "in": []}
    for row in rows:
        said[str(row["direction"])].append(row)
    return reader.draw(
        "node.html.j2",
        iri=iri,
        name=thing_of(iri),
        said=said,
        is_node=lambda value: isinstance(value, Iri),
        called=thing_of,
    )
