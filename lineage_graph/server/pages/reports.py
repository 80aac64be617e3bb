"""The reports that can be asked for, each with a form for it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.pages.drawn import For
from lineage_graph.server.reports import FORMS
from lineage_graph.server.served import Here

router = APIRouter(tags=["pages"])


@router.get("/reports", response_class=HTMLResponse, openapi_extra=needs("read", "page"))
async def reports(here: Here, caller: Caller, reader: For) -> HTMLResponse:
    """Show which reports there are."""
    found = await here.views.ask(caller, lambda graph: graph.reports(reader.voice.lang))
    return reader.draw("reports.html.j2", found=found, formats=list(FORMS))
