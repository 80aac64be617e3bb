"""Datasets, their versions, and the columns of these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from lineage_graph.server.graphql.asking import Info
from lineage_graph.server.graphql.fields import shown
from lineage_graph.server.graphql.nodes import HasVersions, Node, Versioned
from lineage_graph.server.graphql.paging import USUAL, After, Connection, First, sliced
from lineage_graph.server.graphql.scalars import BigInt, big

if TYPE_CHECKING:
    from lineage_graph.server.graphql.activities import Activity
    from lineage_graph.server.graphql.personal import ColumnLabel

_ACTIVITIES = "lineage_graph.server.graphql.activities"
_PERSONAL = "lineage_graph.server.graphql.personal"

AnActivity: TypeAlias = Annotated["Activity", strawberry.lazy(_ACTIVITIES)]
AColumnLabel: TypeAlias = Annotated["ColumnLabel", strawberry.lazy(_PERSONAL)]


@strawberry.type(description="What a version contains, as numbers.")
class Profile:
    """What a version contains, as numbers."""

    rows: BigInt | None = strawberry.field(description="How many rows; null where nobody counted.")
    byte_size: BigInt | None = strawberry.field(description="Bytes in all of its files.")
    fingerprint: str | None = strawberry.field(
        description="Digest over every cell and the schema; equal content has an equal one."
    )
    fingerprint_version: str | None = strawberry.field(description="How it was computed.")


@strawberry.type(description="dcat:Distribution: the files or the table that hold a version.")
class Distribution:
    """The files or the table that hold a version."""

    location: str | None = strawberry.field(description="Folder, file, glob or table.")
    format: str | None = strawberry.field(description="Spark's name of the format.")
    snapshot: str | None = strawberry.field(
        description="`copy`: the bytes are kept; `reference`: only their digests are."
    )


@strawberry.type(description="csvw:Column of one version of a dataset.")
class Column(Node):
    """A column of one version of a dataset."""

    name: str = strawberry.field(description="Its name.")
    datatype: str = strawberry.field(description="Its type in Spark's words.")
    order: int = strawberry.field(description="Its position, from 0.")
    digest: str | None = strawberry.field(
        description="Sum over its cells, whatever their order; null where it was not computed."
    )
    derived_from: list[str] = strawberry.field(
        description="IRIs of the columns it was derived from."
    )

    @shown(
        "What it is taken to hold, and why; null when nobody looked, which does not "
        "mean that nothing personal is in it."
    )
    async def semantic_type(self, info: Info) -> AColumnLabel | None:
        """Return what it is taken to hold."""
        from lineage_graph.server.graphql.personal import column_label

        label = await info.context.of(info.context.many.labels, self.iri)
        return None if label is None else column_label(info, label)


@strawberry.type(description="An immutable version of a dataset.")
class DatasetVersion(Versioned):
    """An immutable version of a dataset."""

    @shown("The dataset it is a version of.")
    async def dataset(self, info: Info) -> Dataset | None:
        """Return the dataset."""
        of = await info.context.of(info.context.many.of, self.iri)
        return None if of is None else Dataset(iri=of)

    @shown("Its number among the versions of the dataset, from 1.")
    async def number(self, info: Info) -> int | None:
        """Return its number."""
        return await self._number(info)

    @shown("When it was made, or pinned.")
    async def generated_at(self, info: Info) -> datetime | None:
        """Return when it was made."""
        return (await self._row(info)).get("generated")

    @shown("Its columns, in order.")
    async def columns(self, info: Info) -> list[Column]:
        """Return its columns."""
        found: dict[str, Column] = {}
        for row in await info.context.rows("records/columns", "version", self.iri):
            iri = str(row["column"])
            if iri not in found:
                found[iri] = Column(
                    iri=iri,
                    name=row["name"],
                    datatype=row["datatype"],
                    order=row["position"],
                    digest=row["digest"],
                    derived_from=[],
                )
            if row["source"] is not None:
                found[iri].derived_from.append(str(row["source"]))
        return list(found.values())

    @shown("What it contains, as numbers.")
    async def profile(self, info: Info) -> Profile:
        """Return what it contains, as numbers."""
        row = await self._row(info)
        return Profile(
            rows=big(row.get("rows")),
            byte_size=big(row.get("bytes")),
            fingerprint=row.get("fingerprint"),
            fingerprint_version=row.get("fingerprint_version"),
        )

    @shown("The files or the table that hold it; null when none is known.")
    async def distribution(self, info: Info) -> Distribution | None:
        """Return what holds it."""
        row = await self._row(info)
        if row.get("location") is None:
            return None
        return Distribution(
            location=row["location"], format=row["format"], snapshot=row["snapshot"]
        )

    @shown("What made it; null for what came from outside.")
    async def generated_by(self, info: Info) -> AnActivity | None:
        """Return what made it."""
        from lineage_graph.server.graphql.activities import Activity

        activity = (await self._row(info)).get("activity")
        return None if activity is None else Activity(iri=str(activity))

    @shown("Other versions with exactly the same content.")
    async def same_content(self, info: Info) -> list[DatasetVersion]:
        """Return versions with the same content."""
        rows = await info.context.rows("records/same_content", "version", self.iri)
        return [DatasetVersion(iri=str(row["other"])) for row in rows]


@strawberry.type(description="dcat:Dataset: the thing with a name; its versions hold the data.")
class Dataset(HasVersions[DatasetVersion]):
    """The thing with a name; its versions hold the data."""

    async def _row(self, info: Info) -> Mapping[str, Any]:
        rows = await info.context.rows("records/datasets", "dataset", self.iri)
        return rows[0] if rows else {}

    def _version(self, iri: str) -> DatasetVersion:
        return DatasetVersion(iri=iri)

    @shown("Its versions, the first one first.")
    async def versions(
        self, info: Info, first: First = USUAL, after: After = None
    ) -> Connection[DatasetVersion]:
        """Return a page of its versions."""
        return sliced(await self._versions(info), first, after, self._version)

    @shown("Where it lies, or lay when it was registered.")
    async def location(self, info: Info) -> str | None:
        """Return where it lies."""
        return (await self._row(info)).get("location")
