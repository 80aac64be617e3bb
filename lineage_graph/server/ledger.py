"""The ledger for clients that record and ask over HTTP: what ``remote/`` speaks to."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response

from lineage_graph import __version__
from lineage_graph.access.principals import Principal
from lineage_graph.errors import NotFound
from lineage_graph.graph import Graph
from lineage_graph.graph.folders import Folders
from lineage_graph.identity import canonical_json, sha256
from lineage_graph.ledger import Ledger
from lineage_graph.ledger.database import Row
from lineage_graph.remote.protocol import (
    QUESTIONS,
    TXID_HEADER,
    VERSION,
    VERSION_HEADER,
    Question,
    entry_written,
    number,
)
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.bodies import BY_SETTING, BundleBody, JsonBody
from lineage_graph.server.served import Here

router = APIRouter(prefix="/api", tags=["ledger"])

_PAGE_BYTES: Final = 4_000_000
_PAGE_ROWS: Final = 100_000
_SPAN: Final = Question((number, number), lambda answer: answer, lambda said: said)


@router.get("/whoami", openapi_extra=needs("read"))
async def whoami(here: Here, caller: Caller, response: Response) -> dict[str, Any]:
    """Tell whoever asks who they are here, and which release this is."""
    response.headers[VERSION_HEADER] = str(VERSION)
    return {
        "agent": caller.agent,
        "permissions": sorted(caller.permissions),
        "view": await here.views.look(caller, lambda _, folders: _view(folders, caller)),
        "version": __version__,
    }


@router.get("/ledger", openapi_extra=needs("read"))
async def end(here: Here, caller: Caller) -> dict[str, Any]:
    """Tell where the ledger ends, as far as the caller may see it."""

    def told(ledger: Ledger, folders: Folders) -> dict[str, Any]:
        here.opened.derive()
        return end_of(ledger, folders, caller)

    return await here.views.look(caller, told)


@router.post(
    "/ledger/entries", openapi_extra=needs("record"), status_code=201, max_body_size=BY_SETTING
)
async def append(
    here: Here,
    caller: Caller,
    body: BundleBody,
    txid: Annotated[str, Header(alias=TXID_HEADER)],
) -> dict[str, int]:
    """Append one bundle; it is on the disk when this is answered.

    Everything about it is read from its text; a retry gets the first answer.
    """
    received = await here.sent.take(caller, lambda: here.receiving.read(caller, body))

    def append(view: Graph) -> int:
        return here.receiving.append(here.opened, view, caller, txid, received)

    return {"seq": await here.views.ask(caller, append)}


@router.post("/ledger/entries/page", openapi_extra=needs("read"))
async def entries(here: Here, caller: Caller, body: JsonBody) -> dict[str, Any]:
    """Return the entries after one and up to another, as many as fit."""
    after, upto = _SPAN.arguments(body)
    return await here.views.ask(caller, lambda graph: _page(graph.opened.ledger, after, upto))


@router.post("/ledger/edges/page", openapi_extra=needs("read"))
async def edges(here: Here, caller: Caller, body: JsonBody) -> dict[str, Any]:
    """Return the derivations of the entries after one, and up to which entry they are."""
    after, upto = _SPAN.arguments(body)
    rows, last = await here.views.ask(
        caller, lambda graph: _edges(graph.opened.ledger, after, upto)
    )
    return {"rows": rows, "upto": last}


@router.post("/ledger/ask/{name}", openapi_extra=needs("read"))
async def ask(here: Here, caller: Caller, name: str, body: JsonBody) -> Any:
    """Answer one question to the ledger by its name.

    Raises:
        NotFound: There is no such question.
        InvalidRecord: The arguments are not what it takes.
    """
    question = QUESTIONS.get(name)
    if question is None:
        raise NotFound(f"There is no question {name[:100]!r} to a ledger.")
    arguments = question.arguments(body)
    return await here.views.ask(
        caller, lambda graph: question.write(getattr(graph.opened.ledger, name)(*arguments))
    )


def end_of(ledger: Ledger, folders: Folders, caller: Principal) -> dict[str, Any]:
    """Return where a ledger ends, and what tells what is seen of it from what was.

    Args:
        ledger: As the caller sees it.
        folders: Where projections of that lie.
        caller: Who asks.
    """
    seq = ledger.head
    return {"seq": seq, "chain": ledger.chain_at(seq), "view": _view(folders, caller)}


def _view(folders: Folders, caller: Principal) -> str:
    """Return a digest that changes when what was recorded before is seen in another way."""
    cleared = None if caller.clearances is None else sorted(caller.clearances)
    projection = str(folders.index)
    return sha256(canonical_json([caller.agent, cleared, projection]))[:16]


def _page(ledger: Ledger, after: int, upto: int) -> dict[str, Any]:
    """Return entries, about as many as a page holds, and after which the next page begins."""
    page: list[dict[str, Any]] = []
    size = 0
    for entry in ledger.entries(after, upto):
        page.append(entry_written(entry))
        size += len(entry.body)
        if size > _PAGE_BYTES:
            return {"entries": page, "next": entry.seq}
    return {"entries": page, "next": None}


def _edges(ledger: Ledger, after: int, upto: int) -> tuple[list[Row], int]:
    """Return the edges of whole entries, about as many as a page holds, and the last entry."""
    rows: list[Row] = []
    for page in ledger.index_rows(after, upto):
        rows += page
        last = rows[-1][0]
        if len(rows) > _PAGE_ROWS and rows[0][0] < last:
            # More of the last entry may follow.
            return [row for row in rows if row[0] < last], last - 1
    return rows, upto
