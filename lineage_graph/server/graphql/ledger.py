"""The ledger: how far it has come, and whether it holds."""

from __future__ import annotations

import strawberry

from lineage_graph.errors import StoreError
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.scalars import BigInt


@strawberry.type(description="The ledger, of which everything else is a projection.")
class LedgerState:
    """How far the ledger has come."""

    head: BigInt = strawberry.field(description="Number of its last entry; 0 when it is empty.")
    chain: str = strawberry.field(description="Names the content of the whole ledger.")


@strawberry.type(description="What was checked of what is recorded.")
class Verification:
    """What was checked."""

    holds: bool = strawberry.field(description="Whether all of it holds.")
    problem: str | None = strawberry.field(
        default=None, description="The first thing that is wrong."
    )
    code: str | None = strawberry.field(default=None, description="Its code, for programs.")
    ledger_entries: int | None = strawberry.field(
        default=None, description="Entries of the ledger."
    )
    bundles: int | None = strawberry.field(
        default=None, description="Bundles compared with the graph."
    )
    artifacts: int | None = strawberry.field(default=None, description="Files that were compared.")
    published: int | None = strawberry.field(
        default=None, description="Published versions compared."
    )
    chain: str | None = strawberry.field(default=None, description="Chain of the last entry.")


def verified(info: Info) -> Verification:
    """Check everything that is recorded; what is wrong is an answer, not a failure."""
    try:
        found = info.context.graph.verify()
    except StoreError as problem:
        return Verification(holds=False, problem=str(problem), code=problem.code)
    return Verification(holds=True, **found)
