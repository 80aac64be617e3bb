"""The ledger for clients that record and ask over HTTP: what ``remote/`` speaks to."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Response

from lineage_graph import __version__
from lineage_graph.access.principals import Principal
from lineage_graph.errors import NotFound
from lineage_graph.graph import Graph
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
from lineage_graph.server.bodies import read_json
from lineage_graph.server.sending import BY_SETTING, BundleBody, JsonBody
from lineage_graph.server.served import Here

router = APIRouter(prefix="/api", tags=["ledger"])

_PAGE_BYTES: Final = 4_000_000
_PAGE_ROWS: Final = 100_000
_SPAN: Final = Question((number, number), lambda answer: answer, lambda said: said)


@router.get("/whoami", openapi_extra=needs("read"))
def whoami(here: Here, caller: Caller, response: Response) -> dict[str, Any]:
    """Tell whoever asks who they are here, and which release this is."""
    response.headers[VERSION_HEADER] = str(VERSION)
    with here.views.borrow(caller) as graph:
        view = _view(graph, caller)
    return {
        "agent": caller.agent,
        "permissions": sorted(caller.permissions),
        "view": view,
        "version": __version__,
    }


@router.get("/ledger", openapi_extra=needs("read"))
def end(here: Here, caller: Caller) -> dict[str, Any]:
    """Tell where the ledger ends, as far as the caller may see it."""
    with here.views.borrow(caller) as graph:
        return end_of(graph, caller)


@router.post(
    "/ledger/entries", openapi_extra=needs("record"), status_code=201, max_body_size=BY_SETTING
)
def append(
    here: Here,
    caller: Caller,
    body: BundleBody,
    txid: Annotated[str, Header(alias=TXID_HEADER)],
) -> dict[str, int]:
    """Append one bundle; it is on the disk when this is answered.

    Everything about it is read from its text; a retry gets the first answer.
    """
    with here.views.borrow(caller) as view:
        return {"seq": here.receiving.append(here.opened, view, caller, txid, body)}


@router.post("/ledger/entries/page", openapi_extra=needs("read"))
def entries(here: Here, caller: Caller, body: JsonBody) -> dict[str, Any]:
    """Return the entries after one and up to another, as many as fit."""
    after, upto = _SPAN.arguments(read_json(body))
    page: list[dict[str, Any]] = []
    size = 0
    with here.views.borrow(caller) as graph:
        for entry in graph.opened.ledger.entries(after, upto):
            page.append(entry_written(entry))
            size += len(entry.body)
            if size > _PAGE_BYTES:
                return {"entries": page, "next": entry.seq}
    return {"entries": page, "next": None}


@router.post("/ledger/edges/page", openapi_extra=needs("read"))
def edges(here: Here, caller: Caller, body: JsonBody) -> dict[str, Any]:
    """Return the derivations of the entries after one, and up to which entry they are."""
    after, upto = _SPAN.arguments(read_json(body))
    with here.views.borrow(caller) as graph:
        rows, last = _edges(graph.opened.ledger, after, upto)
    return {"rows": rows, "upto": last}


@router.post("/ledger/ask/{name}", openapi_extra=needs("read"))
def ask(here: Here, caller: Caller, name: str, body: JsonBody) -> Any:
    """Answer one question to the ledger by its name.

    Raises:
        NotFound: There is no such question.
        InvalidRecord: The arguments are not what it takes.
    """
    question = QUESTIONS.get(name)
    if question is None:
        raise NotFound(f"There is no question {name[:100]!r} to a ledger.")
    arguments = question.arguments(read_json(body))
    with here.views.borrow(caller) as graph:
        return question.write(getattr(graph.opened.ledger, name)(*arguments))


def end_of(graph: Graph, caller: Principal) -> dict[str, Any]:
    """Return where the ledger ends, and what tells what is seen of it from what was."""
    ledger = graph.opened.ledger
    seq = ledger.head
    return {"seq": seq, "chain": ledger.chain_at(seq), "view": _view(graph, caller)}


def _view(graph: Graph, caller: Principal) -> str:
    """Return a digest that changes when what was recorded before is seen in another way."""
    cleared = None if caller.clearances is None else sorted(caller.clearances)
    projection = str(graph.folders.index)
    return sha256(canonical_json([caller.agent, cleared, projection]))[:16]


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
