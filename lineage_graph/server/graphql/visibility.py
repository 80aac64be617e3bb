"""Who may see what: the labels of a dataset or model, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import strawberry

from lineage_graph.graph.guarded import EffectiveLabel
from lineage_graph.identity import name_of


@strawberry.type(description="A label that somebody has to be cleared for to see something.")
class VisibilityLabel:
    """A label that somebody has to be cleared for to see something."""

    label: str = strawberry.field(description="Name of the label.")
    source: str = strawberry.field(description="What brings it: itself, or what it came from.")
    by: str = strawberry.field(description="IRI of what says so; it can be taken back.")
    at: datetime = strawberry.field(description="When it was recorded.")
    author: str = strawberry.field(description="Pseudonym of who said so.")
    because: str | None = strawberry.field(description="Why.")


def labels(found: Iterable[EffectiveLabel]) -> list[VisibilityLabel]:
    """Return the labels of something."""
    return [
        VisibilityLabel(
            label=one.label,
            source=one.source,
            by=one.by,
            at=datetime.fromisoformat(one.at),
            author=name_of(one.author),
            because=one.because,
        )
        for one in found
    ]
