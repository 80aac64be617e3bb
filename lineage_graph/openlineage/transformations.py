"""Our kinds of derivation as OpenLineage's types and subtypes of transformations.

Source: OpenLineage, ColumnLineageDatasetFacet 1-2-0; the kinds are those of
``ontology/lineage.ttl``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_DIRECT: Final = {
    "Identity": "IDENTITY",
    "Projection": "IDENTITY",
    "Bundle": "IDENTITY",
    "Lookup": "IDENTITY",
    "Aggregate": "AGGREGATION",
    "Count": "AGGREGATION",
}
_INDIRECT: Final = {"Filter": "FILTER", "Combine": "JOIN"}


def transformations(kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Return what the kinds of one derivation are called there.

    A kind that has no name there, such as ``Training``, computes values: a transformation.
    Ours is its description.

    Args:
        kinds: Terms of the kinds on the way.
    """
    return [_transformation(kind) for kind in sorted(kinds)]


def deciding(kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Return the same of a column that acts on the whole output, such as a feature."""
    return [{"type": "INDIRECT", "description": kind} for kind in sorted(kinds)]


def _transformation(kind: str) -> dict[str, Any]:
    if kind in _INDIRECT:
        return {"type": "INDIRECT", "subtype": _INDIRECT[kind], "description": kind}
    subtype = _DIRECT.get(kind, "TRANSFORMATION")
    return {"type": "DIRECT", "subtype": subtype, "description": kind}
