"""Rebuilds that somebody asked for, and how far they have come."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import strawberry

from lineage_graph.identity import name_of
from lineage_graph.replay.requests import Request
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import value


@strawberry.enum(description="How far a request for a rebuild has come.")
class RebuildState(Enum):
    """How far a request for a rebuild has come."""

    QUEUED = value("queued", "It waits for a worker.")
    RUNNING = value("running", "A worker works on it.")
    DONE = value("done", "It was rebuilt; the verdict says what came out.")
    FAILED = value("failed", "It could not be rebuilt.")
    CANCELLED = value("cancelled", "Somebody took it back.")


@strawberry.type(description="One version on the way of a rebuild.")
class RebuildOutput:
    """One version on the way of a rebuild."""

    version: str = strawberry.field(description="IRI of the version.")
    name: str = strawberry.field(description="What people call it.")
    action: str = strawberry.field(description="What was done about it.")
    verdict: str | None = strawberry.field(description="Whether it is what was recorded.")


@strawberry.type(description="A rebuild that somebody asked for.")
class RebuildRequest:
    """A rebuild that somebody asked for."""

    id: strawberry.ID = strawberry.field(description="Names the request.")
    target: str = strawberry.field(description="IRI of the version to rebuild.")
    from_scratch: bool = strawberry.field(description="Whether all on the way is run too.")
    requested_by: str = strawberry.field(description="Pseudonym of who asked.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    state: RebuildState = strawberry.field(description="How far it has come.")
    attempts: int = strawberry.field(description="How many workers took it.")
    begun_at: datetime | None = strawberry.field(description="When the last worker took it.")
    ended_at: datetime | None = strawberry.field(description="When it ended.")
    done: int | None = strawberry.field(description="Steps that are done.")
    total: int | None = strawberry.field(description="Steps there are.")
    step: str | None = strawberry.field(description="Name of the version that is being made.")
    verdict: str | None = strawberry.field(description="What the rebuild found.")
    outputs: list[RebuildOutput] = strawberry.field(description="The versions on the way.")
    error: str | None = strawberry.field(description="Why it failed.")


def request(found: Request) -> RebuildRequest:
    """Return a request as it is now."""
    return RebuildRequest(
        id=strawberry.ID(found.id),
        target=found.target,
        from_scratch=found.from_scratch,
        requested_by=name_of(found.requested_by),
        requested_at=datetime.fromisoformat(found.at),
        state=RebuildState(found.state),
        attempts=found.attempts,
        begun_at=_time(found.begun),
        ended_at=_time(found.ended),
        done=found.done,
        total=found.total,
        step=found.step,
        verdict=found.verdict,
        outputs=[
            RebuildOutput(
                version=one["version"],
                name=one["name"],
                action=one["action"],
                verdict=one["verdict"],
            )
            for one in found.outputs
        ],
        error=found.error,
    )


def requests(info: Info, state: RebuildState | None, first: int) -> list[RebuildRequest]:
    """Return the newest requests about what may be seen."""
    from lineage_graph.server.rebuild_requests import newest

    wanted = None if state is None else state.value
    found = newest(info.context.graph, info.context.rebuilds, wanted, first)  # type: ignore[arg-type]
    return [request(one) for one in found]


def one(info: Info, id_: str) -> Request:
    """Return a request.

    Raises:
        NotFound: There is none, or it is about what may not be seen.
    """
    from lineage_graph.server.rebuild_requests import visible

    return visible(info.context.graph, info.context.rebuilds.get(id_))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
