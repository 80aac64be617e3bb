"""What something came from, and what came of it, as flat lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

import strawberry

from lineage_graph.declarations import bundled
from lineage_graph.ledger import Edge
from lineage_graph.lineage import Lineage, Node
from lineage_graph.server.graphql.asking import Asking
from lineage_graph.server.graphql.fields import shown, value
from lineage_graph.server.graphql.nodes import node_id
from lineage_graph.stores import Row

INFERRED: Final = "InferredByTime"
LARGEST: Final = 1_000
"""Nodes in one answer."""


@strawberry.enum(description="Which way a lineage goes.")
class Direction(Enum):
    """Which way a lineage goes."""

    UP = value("up", "To what something came from.")
    DOWN = value("down", "To what came of it.")


@strawberry.enum(description="How it is known that something was derived so.")
class Evidence(Enum):
    """How it is known that something was derived so."""

    EXECUTED = value("executed", "Read from the plan that was executed, which is recorded.")
    DECLARED = value("declared", "Said by whoever reported the activity; no plan is recorded.")
    INFERRED = value("inferred", "Concluded, such as from the order of times; nobody said it.")


@dataclass
class Found:
    """A lineage, and what its edges ask together.

    Attributes:
        lineage: What was found.
        asking: Asks for the evidence of all edges at once, when one of them is asked for it.
        limit: Most nodes in the answer.
    """

    lineage: Lineage
    asking: Asking
    limit: int

    @property
    def shown(self) -> tuple[Node, ...]:
        """The nodes in the answer, the nearest first."""
        return self.lineage.nodes[: self.limit]

    @cached_property
    def edges(self) -> list[Edge]:
        """The edges between nodes in the answer."""
        if len(self.lineage.nodes) <= self.limit:
            return list(self.lineage.edges)
        iris = {node.iri for node in self.shown}
        return [e for e in self.lineage.edges if e.source in iris and e.derived in iris]

    def evidence(self, activity: str, source: str) -> Evidence:
        """Return how it is known that an activity took from a source."""
        if activity in self._executed:
            return Evidence.EXECUTED
        inferred = (activity, source) in self._inferred
        return Evidence.INFERRED if inferred else Evidence.DECLARED

    @cached_property
    def _executed(self) -> Mapping[str, list[Row]]:
        """What is known of the plans of activities, asked once for all edges."""
        return self.asking.many.rows("lineage/executed", "activity", self._activities)

    @cached_property
    def _inferred(self) -> set[tuple[str, str]]:
        """Activities and the sources that were concluded from the order of times."""
        graded = self.asking.many.rows("openlineage/graded", "activity", self._activities)
        return {
            (activity, str(row["source"]))
            for activity, rows in graded.items()
            for row in rows
            if str(row["grade"]) == bundled().iri(INFERRED)
        }

    @property
    def _activities(self) -> set[str]:
        return {edge.activity for edge in self.edges}


@strawberry.type(description="Something in a lineage.")
class LineageNode:
    """Something in a lineage."""

    iri: str = strawberry.field(description="Its IRI in the graph.")
    name: str = strawberry.field(description="What people call it, such as `flights@3`.")
    kind: str = strawberry.field(description="`dataset`, `model`, `file`, `column` or `content`.")
    depth: int = strawberry.field(description="Fewest hops from the start; the start is 0.")

    @shown("Opaque id, for `node`.")
    def id(self) -> strawberry.ID:
        """Return its id."""
        return node_id(self.iri)


@strawberry.type(description="One derivation; two ways from one thing to another are two of them.")
class LineageEdge:
    """One derivation."""

    found: strawberry.Private[Found]
    derived: str = strawberry.field(description="IRI of what came out.")
    source: str = strawberry.field(description="IRI of what went in.")
    kinds: list[str] = strawberry.field(description="What was done on the way, such as `Filter`.")
    activity: str = strawberry.field(description="IRI of the activity that did it.")

    @shown("How that is known.")
    def evidence(self) -> Evidence:
        """Return how that is known."""
        return self.found.evidence(self.activity, self.source)


@strawberry.type(description="A walk through derivations, as flat lists.")
class LineageAnswer:
    """A walk through derivations."""

    found: strawberry.Private[Found]
    direction: Direction = strawberry.field(description="Which way it went.")
    depth: int | None = strawberry.field(description="Hops that were allowed; null for all.")
    roots: list[str] = strawberry.field(description="IRIs that it started from.")
    limited: bool = strawberry.field(
        description="Whether there may be more: the depth was reached, or nodes are hidden."
    )
    hidden_nodes: int = strawberry.field(description="Nodes found that are beyond the limit.")
    hidden_edges: int = strawberry.field(description="Derivations found that touch hidden nodes.")

    @shown("Every node once, the nearest first.", size=0)
    def nodes(self) -> list[LineageNode]:
        """Return the nodes."""
        return [
            LineageNode(iri=n.iri, name=n.name, kind=n.kind, depth=n.depth)
            for n in self.found.shown
        ]

    @shown("Every derivation between these nodes.", size=0)
    def edges(self) -> list[LineageEdge]:
        """Return the derivations."""
        return [
            LineageEdge(
                found=self.found,
                derived=e.derived,
                source=e.source,
                kinds=list(e.kinds),
                activity=e.activity,
            )
            for e in self.found.edges
        ]


def answer(lineage: Lineage, asking: Asking, limit: int) -> LineageAnswer:
    """Return a lineage, the nodes that are nearest.

    Args:
        lineage: What was found.
        asking: Asks what is asked of edges.
        limit: Most nodes.
    """
    found = Found(lineage, asking, limit)
    hidden = len(lineage.nodes) - len(found.shown)
    return LineageAnswer(
        found=found,
        direction=Direction(lineage.direction),
        depth=lineage.depth,
        roots=list(lineage.roots),
        limited=lineage.limited or hidden > 0,
        hidden_nodes=hidden,
        hidden_edges=len(lineage.edges) - len(found.edges),
    )
