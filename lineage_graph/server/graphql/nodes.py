"""What every node of the graph has: an IRI, and an opaque id made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeAlias, TypeVar

import strawberry

from lineage_graph.identity import name_of
from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import shown
from lineage_graph.server.graphql.paging import opaque, readable

if TYPE_CHECKING:
    from lineage_graph.server.graphql.activities import Agent, Replay
    from lineage_graph.server.graphql.licenses import LicenseStatement
    from lineage_graph.server.graphql.personal import PersonalData

_PREFIX = "node:"
_ACTIVITIES = "lineage_graph.server.graphql.activities"
_PERSONAL = "lineage_graph.server.graphql.personal"

AnAgent: TypeAlias = Annotated["Agent", strawberry.lazy(_ACTIVITIES)]
AReplay: TypeAlias = Annotated["Replay", strawberry.lazy(_ACTIVITIES)]
SomePersonalData: TypeAlias = Annotated["PersonalData", strawberry.lazy(_PERSONAL)]


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


@strawberry.type
class Versioned(Entity):
    """A version of a dataset or a model; what both have, in words that fit both."""

    async def _name(self, info: Info) -> str:
        return await info.context.of(info.context.many.names, self.iri) or name_of(self.iri)

    async def _license(self, info: Info) -> str | None:
        return await info.context.of(info.context.many.stated, self.iri)

    async def _number(self, info: Info) -> int | None:
        return number_in(await self._name(info))

    async def _row(self, info: Info) -> Mapping[str, Any]:
        rows = await info.context.rows("records/versions", "version", self.iri)
        return rows[0] if rows else {}

    @shown("How it was rebuilt, the first time first.")
    async def replays(self, info: Info) -> list[AReplay]:
        """Return its rebuilds."""
        from lineage_graph.server.graphql.activities import replays

        return await replays(info, self.iri)

    @shown("What it is under data protection law, and why.")
    async def personal_data(self, info: Info) -> SomePersonalData | None:
        """Return what it is under data protection law."""
        from lineage_graph.server.graphql.personal import personal_data

        return personal_data(info, await info.context.of(info.context.many.statuses, self.iri))


V = TypeVar("V", bound=Versioned)


@strawberry.type
class HasVersions(Entity, Generic[V]):
    """A dataset or a model: the thing with a name, which has versions."""

    async def _row(self, info: Info) -> Mapping[str, Any]:
        raise NotImplementedError

    def _version(self, iri: str) -> V:
        raise NotImplementedError

    async def _versions(self, info: Info) -> list[str]:
        return list(await info.context.of(info.context.many.versions, self.iri) or ())

    @shown("For people.")
    async def description(self, info: Info) -> str | None:
        """Return what it is."""
        return (await self._row(info)).get("description")

    @shown("Who answers for it.")
    async def owner(self, info: Info) -> AnAgent | None:
        """Return who answers for it."""
        from lineage_graph.server.graphql.activities import Agent

        owner = (await self._row(info)).get("owner")
        return None if owner is None else Agent(iri=str(owner))

    @shown("Its newest version; null when there is none yet.")
    async def latest(self, info: Info) -> V | None:
        """Return its newest version."""
        every = await self._versions(info)
        return self._version(every[-1]) if every else None

    @shown("How many versions it has.")
    async def version_count(self, info: Info) -> int:
        """Return how many versions it has."""
        return len(await self._versions(info))


def number_in(name: str) -> int | None:
    """Return the number in the name of a version."""
    number = name.rpartition("@")[2]
    return int(number) if number.isdigit() else None
