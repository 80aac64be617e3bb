"""A plan's relations in order: inputs before outputs, shared ones once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyspark.sql.connect.proto as pb2

from lineage_graph.executors.spark.plans import children, is_relation, relation_type


@dataclass(frozen=True)
class Node:
    """One relation of a plan among the others.

    Attributes:
        relation: The ``spark.connect.Relation``; never a ``with_relations``.
        inputs: Positions of the relations directly below it.
        references: Positions of the relations it names: views of an SQL text,
            subqueries of an expression.
        whole: The relation with what it names, as Spark can resolve it.
    """

    relation: Any
    inputs: tuple[int, ...]
    references: tuple[int, ...]
    whole: Any


def plan_id(relation: Any) -> int | None:
    """Return the number a relation has in its plan."""
    common = relation.common
    return int(common.plan_id) if common.HasField("plan_id") else None


class Topology:
    """A plan's relations in order, and where each ``plan_id`` stands.

    A ``with_relations`` is not a relation of its own: what it names becomes the
    references of its root. The outer side of a subquery precedes the subquery.

    Args:
        relation: The ``spark.connect.Relation`` at the top.

    Attributes:
        nodes: The relations, inputs before outputs.
        position: ``plan_id`` to the index of its relation in ``nodes``.
    """

    def __init__(self, relation: Any) -> None:
        self.nodes: list[Node] = []
        self.position: dict[int, int] = {}
        # Relations without a number are told apart by identity, so they must live on.
        self._anonymous: dict[int, tuple[Any, int]] = {}
        self._visit(relation)

    def _visit(self, relation: Any) -> None:
        stack = [relation]
        while stack:
            current = stack[-1]
            if self._find(current) is not None:
                stack.pop()
                continue
            root, references = _unwrap(current)
            inputs = list(_relations_below(root))
            missing = [r for r in (*inputs, *references) if self._find(r) is None]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            self.nodes.append(Node(root, self._all(inputs), self._all(references), current))
            self._place(current)
            self._place(root)

    def _all(self, relations: Iterable[Any]) -> tuple[int, ...]:
        found = (self._find(r) for r in relations)
        return tuple(index for index in found if index is not None)

    def _find(self, relation: Any) -> int | None:
        number = plan_id(relation)
        if number is not None:
            return self.position.get(number)
        known = self._anonymous.get(id(relation))
        return known[1] if known else None

    def _place(self, relation: Any) -> None:
        number, index = plan_id(relation), len(self.nodes) - 1
        if number is None:
            self._anonymous[id(relation)] = (relation, index)
        else:
            self.position[number] = index


def _unwrap(relation: Any) -> tuple[Any, list[Any]]:
    references: list[Any] = []
    while relation_type(relation) == "with_relations":
        references.extend(relation.with_relations.references)
        relation = relation.with_relations.root
    return relation, references


def _relations_below(relation: Any) -> Iterable[Any]:
    stack = [relation]
    while stack:
        message = stack.pop()
        if is_relation(message) and message is not relation:
            yield message
        elif message.DESCRIPTOR is not pb2.Expression.DESCRIPTOR:
            stack.extend(reversed(list(children(message))))
