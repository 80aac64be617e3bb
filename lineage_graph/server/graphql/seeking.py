"""By what entities are looked for."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import strawberry

from lineage_graph.graph.many import THINGS, VERSIONS
from lineage_graph.server.graphql.fields import value


@strawberry.enum(description="Kinds of entities.")
class EntityKind(Enum):
    """Kinds of entities."""

    DATASET = value("dataset", "dcat:Dataset.")
    MODEL = value("model", "mls:Model.")
    DATASET_VERSION = value("version", "A version of a dataset.")
    MODEL_VERSION = value("model-version", "A version of a model.")


def kinds_of(kinds: Sequence[EntityKind] | None) -> tuple[str, ...]:
    """Return the kinds of IRIs that are wanted."""
    return tuple(dict.fromkeys(k.value for k in kinds)) if kinds else (*THINGS, *VERSIONS)
