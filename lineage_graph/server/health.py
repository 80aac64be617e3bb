"""Is the server alive, and can it answer?"""

from __future__ import annotations

from fastapi import APIRouter

from lineage_graph.server.authorize import needs
from lineage_graph.server.served import Here

router = APIRouter(tags=["health"])


@router.get("/health", openapi_extra=needs(None))
async def health() -> dict[str, str]:
    """Tell that the process answers, also while all its threads are at work."""
    return {"status": "ok"}


@router.get("/ready", openapi_extra=needs(None))
def ready(here: Here) -> dict[str, str]:
    """Tell that the ledger can be read.

    Raises:
        StoreUnavailable: It cannot; answered with 503.
    """
    _ = here.opened.ledger.head
    return {"status": "ready"}
