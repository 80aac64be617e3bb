"""What there is: the datasets and models, those with the newest version first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from lineage_graph.graph import Graph
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.pages.drawn import For
from lineage_graph.server.served import Here

router = APIRouter(tags=["pages"])

SHOWN: Final = 50


@dataclass(frozen=True)
class Leaf:
    """One page of a long list.

    Attributes:
        rows: What is on it.
        number: Of the page, from 1.
        pages: How many there are.
        total: How many rows there are in all.
    """

    rows: Sequence[Mapping[str, Any]]
    number: int
    pages: int
    total: int

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], number: int) -> Leaf:
        """Return a page of a list; the last one when there are fewer."""
        pages = max(1, -(-len(rows) // SHOWN))
        number = min(number, pages)
        return cls(rows[(number - 1) * SHOWN : number * SHOWN], number, pages, len(rows))

    @property
    def first(self) -> int:
        """Position of its first row, from 1."""
        return (self.number - 1) * SHOWN + 1


@router.get("/", response_class=HTMLResponse, openapi_extra=needs("read", "page"))
async def home(
    here: Here,
    caller: Caller,
    reader: For,
    q: Annotated[str, Query(max_length=200, description="Part of a name or description.")] = "",
    kind: Literal["dataset", "model"] | None = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Show what is recorded, as a page."""

    def drawn(graph: Graph) -> HTMLResponse:
        rows = graph.query("records/newest")
        wanted = q.strip().casefold()
        found = [
            row
            for row in rows
            if kind in (None, row["kind"])
            and wanted in f"{row['title']}\n{row['description'] or ''}".casefold()
        ]
        leaf = Leaf.of(found, page)
        return reader.draw("home.html.j2", leaf=leaf, q=q, kind=kind, empty=not rows)

    return await here.views.ask(caller, drawn)
