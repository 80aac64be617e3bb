"""What can be followed: the fields of ``Subscription``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from lineage_graph.access.principals import Principal
from lineage_graph.server.graphql.permissions import following
from lineage_graph.server.graphql.rebuilds import RebuildRequest, request

if TYPE_CHECKING:
    from lineage_graph.server.served import Served


@dataclass(frozen=True)
class Following:
    """The context of one subscription; it lives on the server's own loop and holds no graph.

    Attributes:
        served: What is followed.
        principal: Who follows.
    """

    served: Served
    principal: Principal

    def require_time(self) -> None:
        """Let it last: it waits more than it works."""

    async def rebuild(self, id_: str) -> AsyncGenerator[RebuildRequest, None]:
        """Yield a request for a rebuild whenever something about it changed.

        Raises:
            NotFound: There is none, or it is about what may not be seen.
        """
        from lineage_graph.server.rebuild_requests import followed

        async for found in followed(self.served, self.principal, id_):
            yield request(found)


@strawberry.type(description="What can be followed.")
class Subscription:
    """What can be followed."""

    @following("read", "A request for a rebuild, now and whenever it changes, until it has ended.")
    def rebuild_progress(
        self,
        info: strawberry.Info[Any, None],
        id: Annotated[strawberry.ID, strawberry.argument(description="As the request says it.")],
    ) -> AsyncGenerator[RebuildRequest, None]:
        """Follow a request for a rebuild."""
        context: Following = info.context
        return context.rebuild(id)
