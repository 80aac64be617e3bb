"""Processing that is declared: which there is, and what a new text would change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from lineage_graph.identity import name_of
from lineage_graph.processing import Difference
from lineage_graph.server.graphql.nodes import Node


@strawberry.type(description="What is said of a process under one key of `docs/processing.md`.")
class Declared:
    """What is said of a process under one key."""

    key: str = strawberry.field(description="Such as `legal_basis`.")
    values: list[str] = strawberry.field(description="As people write them.")


@strawberry.type(description="dpv:Process: processing of data for a purpose, as it is declared.")
class Process(Node):
    """Processing of data for a purpose."""

    name: str = strawberry.field(description="Its name.")
    declared: list[Declared] = strawberry.field(description="What is said of it.")
    declared_at: datetime = strawberry.field(description="When that was declared.")
    declared_by: str = strawberry.field(description="Pseudonym of who declared it.")


def process(said: Mapping[str, Any]) -> Process:
    """Return a process as it is declared."""
    own = ("name", "iri", "declared_at", "declared_by")
    return Process(
        iri=said["iri"],
        name=said["name"],
        declared=[
            Declared(
                key=key,
                values=[_text(one) for one in (value if isinstance(value, list) else [value])],
            )
            for key, value in said.items()
            if key not in own
        ],
        declared_at=said["declared_at"],
        declared_by=name_of(said["declared_by"]),
    )


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {one}" for key, one in value.items())
    return str(value)


@strawberry.type(description="One field of one thing that becomes another.")
class DeclarationChange:
    """One field of one thing that becomes another."""

    change: str = strawberry.field(description="`added`, `changed` or `removed`.")
    kind: str = strawberry.field(description="Such as `process`.")
    name: str = strawberry.field(description="What people call the thing.")
    field: str | None = strawberry.field(description="The key; null when all is removed.")
    old: str | None = strawberry.field(description="What was declared.")
    new: str | None = strawberry.field(description="What will be, or is now.")


@strawberry.type(description="What declaring a text changed, or would.")
class DeclarationDifference:
    """What declaring a text changed, or would."""

    changes: list[DeclarationChange] = strawberry.field(description="Key by key.")
    notes: list[str] = strawberry.field(description="What a person should look at.")
    unchanged: int = strawberry.field(description="Things that are declared just so already.")
    kept: list[str] = strawberry.field(description="Things that are not in the text, and stay.")
    seq: int | None = strawberry.field(
        description="Entry of the ledger that holds it; null when nothing was written."
    )


def difference(found: Difference) -> DeclarationDifference:
    """Return what declaring a text changed."""
    return DeclarationDifference(
        changes=[DeclarationChange(**vars(one)) for one in found.changes],
        notes=list(found.notes),
        unchanged=found.unchanged,
        kept=list(found.kept),
        seq=found.seq,
    )
