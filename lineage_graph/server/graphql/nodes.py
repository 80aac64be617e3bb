"""What every node of the graph has: an IRI, and an opaque id made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from lineage_graph.identity import name_of
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import shown
from lineage_graph.server.graphql.paging import opaque, readable

if TYPE_CHECKING:
    from lineage_graph.server.graphql.licenses import LicenseStatement

_PREFIX = "node:"


def node_id(iri: str) -> strawberry.ID:
    """Return the id of the node that an IRI names."""
    return strawberry.ID(opaque(_PREFIX + iri))


def iri_of(id_: str) -> str | None:
    """Return the IRI that an id stands for; None when it is the id of nothing."""
    said = readable(id_)
    return said.removeprefix(_PREFIX) if said and said.startswith(_PREFIX) else None


@strawberry.interface(description="Anything in the graph that has an id.")
class Node:
    """Anything in the graph that has an id."""

    iri: str = strawberry.field(description="Its IRI in the graph.")

    @shown("Opaque id, for `node`.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return node_id(self.iri)


@strawberry.interface(description="prov:Entity: a dataset, a model, or a version of one.")
class Entity(Node):
    """A dataset, a model, or a version of one."""

    @shown("What people call it; a version is called `name@number`.")
    async def name(self, info: Info) -> str:
        """Return what people call it."""
        return await self._name(info)

    @shown(
        "What was last said of its licence; null where nothing was, and for what was "
        "made here: ask `licenseTerms`."
    )
    async def license(self, info: Info) -> str | None:
        """Return what was last said of its licence."""
        return await self._license(info)

    @shown("Everything that is said about its licence, with the evidence.")
    async def license_statements(
        self, info: Info
    ) -> list[
        Annotated[LicenseStatement, strawberry.lazy("lineage_graph.server.graphql.licenses")]
    ]:
        """Return what is said about its licence."""
        from lineage_graph.server.graphql.licenses import statements

        return await statements(info, self.iri)

    async def _name(self, info: Info) -> str:
        return name_of(self.iri)

    async def _license(self, info: Info) -> str | None:
        return await info.context.of(info.context.many.licenses, self.iri)


class Versioned(Entity):
    """A version of a dataset or a model."""

    async def _name(self, info: Info) -> str:
        return await info.context.of(info.context.many.names, self.iri) or name_of(self.iri)

    async def _license(self, info: Info) -> str | None:
        return await info.context.of(info.context.many.stated, self.iri)
