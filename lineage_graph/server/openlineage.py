"""OpenLineage in: what producers send with one environment variable set.

What was answered with 201 is on the disk. A batch is one ledger entry: what is right in it
is taken, and each event that is not is named by its position.

Source: OpenLineage's HTTP transport, and its API of single events and batches.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from lineage_graph.errors import InvalidRecord
from lineage_graph.ledger import Ledger
from lineage_graph.openlineage.acceptance import Batch, accept, accept_batch
from lineage_graph.server.authorize import caller, needs
from lineage_graph.server.bodies import unpacked
from lineage_graph.server.problems import MEDIA_TYPE
from lineage_graph.server.served import served
from lineage_graph.strict_json import read_json

router = APIRouter(tags=["openlineage"], prefix="/api/v1/lineage")


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
_BODIES = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}},
    }
}


_BATCH_ANSWERS: dict[int | str, dict[str, Any]] = {
    207: {"description": "Some were taken; the others are named."},
    400: {
        "description": "None was taken, each is named; or it is no array.",
        "content": {"application/json": {}, MEDIA_TYPE: {}},
    },
}


@router.post("", status_code=201, openapi_extra={**needs("record"), **_BODY})
async def event(request: Request) -> dict[str, int]:
    """Take one event; the answer says which ledger entry holds it.

    Raises:
        InvalidRecord: It is no OpenLineage event; answered with 400 and a JSON pointer.
    """
    ledger, author = _to(request)
    body, encoding = await request.body(), request.headers.get("content-encoding")

    def take() -> int:
        return accept(ledger, author, read_json(unpacked(body, encoding)))

    # One change of threads for all that is to be done: each costs as much as a small event.
    seq = await served(request).writing.take(caller(request), take)
    served(request).deriving.events_came()
    return {"seq": seq}


@router.post(
    "/batch",
    status_code=201,
    responses=_BATCH_ANSWERS,
    openapi_extra={**needs("record"), **_BODIES},
)
async def batch(request: Request, response: Response) -> dict[str, Any]:
    """Take the events of a batch that are right; 207 when some are not, 400 when none is.

    Raises:
        InvalidRecord: It is no array.
    """
    ledger, author = _to(request)
    body, encoding = await request.body(), request.headers.get("content-encoding")

    def take() -> Batch:
        events = read_json(unpacked(body, encoding))
        if not isinstance(events, list):
            raise InvalidRecord("/: a batch is an array of events. Send one without /batch.")
        return accept_batch(ledger, author, events)

    found = await served(request).writing.take(caller(request), take)
    served(request).deriving.events_came()
    if found.refused:
        response.status_code = 207 if found.taken else 400
    return _summary(found)


def _to(request: Request) -> tuple[Ledger, str]:
    """Return the ledger, and the IRI of who sends."""
    return served(request).opened.ledger, caller(request).agent


def _summary(batch: Batch) -> dict[str, Any]:
    status = "partial_success" if batch.taken else "error"
    return {
        "seq": batch.seq,
        "status": status if batch.refused else "success",
        "summary": {
            "received": batch.taken + len(batch.refused),
            "successful": batch.taken,
            "failed": len(batch.refused),
            "retriable": 0,
            "non_retriable": len(batch.refused),
        },
        "failed_events": [
            {"index": one.index, "reason": one.reason, "retriable": False} for one in batch.refused
        ],
    }
