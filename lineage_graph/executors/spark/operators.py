"""The operators of a plan: in order, with their arguments as text, and what they are.

What an operator does to data, and whether it does it again, is declared in
``ontology/operators.ttl``; here the declarations meet a plan.

Source of the message names: ``spark/connect/relations.proto`` of Spark 4.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_graph.executors import Determinism, OperatorUse
from lineage_graph.executors.spark.determinism import Assessment, assess
from lineage_graph.executors.spark.effects import takes_effect
from lineage_graph.executors.spark.parameters import parameters
from lineage_graph.executors.spark.plans import relation_type
from lineage_graph.executors.spark.refusals import forbidden
from lineage_graph.executors.spark.topology import Node, Topology


@dataclass(frozen=True)
class Operator:
    """One row of ``ontology/operators.ttl``.

    Attributes:
        name: A relation's message name, or a function's signature.
        iri: The operator's IRI.
        kind: Term of the derivation kind, such as ``Filter``.
        deterministic: ``always``, ``by-order`` or ``never``.
        comment: Why, as the rest of a sentence that begins with the call.
        effect: Term of what it does to how values lead to a person, such as ``Hash``.
        effect_where: What its arguments must be for that; see :mod:`.effects`.
    """

    name: str
    iri: str
    kind: str
    deterministic: Determinism
    comment: str = ""
    effect: str = ""
    effect_where: str = ""


class Operators:
    """The declared operators, by name.

    Args:
        operators: The rows of the declaration.
    """

    def __init__(self, operators: Iterable[Operator]) -> None:
        self._relations: dict[str, Operator] = {}
        self._functions: dict[tuple[str, int | None], Operator] = {}
        for operator in operators:
            name, bracket, rest = operator.name.partition("(")
            if not bracket:
                self._relations[name] = operator
                continue
            parameters = rest.removesuffix(")").strip()
            arity = len(parameters.split(",")) if parameters else None
            self._functions[name, arity] = operator

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Operators:
        """Build from rows of ``queries/records/operators.rq``.

        Args:
            rows: Mappings with ``name``, ``iri``, ``kind`` (a context term),
                ``deterministic`` and, if there are any, ``comment``, ``effect`` (a
                context term) and ``where``.
        """
        return cls(
            Operator(
                r["name"],
                r["iri"],
                r["kind"],
                r["deterministic"],
                *(r.get(more) or "" for more in ("comment", "effect", "where")),
            )
            for r in rows
        )

    def relation(self, name: str) -> Operator:
        """Return a relation's operator; a name nobody declared is the one called ``unknown``."""
        return self._relations.get(name) or self._relations["unknown"]

    def function(self, name: str, arity: int) -> Operator | None:
        """Return a function's operator, or None for a plain deterministic transformation.

        Args:
            name: The function's name, in any case.
            arity: How many arguments the call has.
        """
        lower = name.lower()
        return self._functions.get((lower, arity)) or self._functions.get((lower, None))

    def kind_of_function(self, name: str, arity: int) -> str:
        """Return the term of what a function does to its arguments."""
        operator = self.function(name, arity)
        return operator.kind if operator else "Transform"

    def effects(self, name: str, arguments: Sequence[Any]) -> frozenset[str]:
        """Return the terms of what a call does to how values lead to a person.

        Args:
            name: The function's name, in any case.
            arguments: Each as :mod:`.effects` says what is constant in it.
        """
        operator = self.function(name, len(arguments))
        if operator is None or not operator.effect:
            return frozenset()
        holds = takes_effect(operator.effect_where, arguments)
        return frozenset({operator.effect}) if holds else frozenset()

    def steps(self, relation: Any) -> tuple[OperatorUse, ...]:
        """Return a plan's operators, inputs before outputs, shared ones once.

        Args:
            relation: A closed ``spark.connect.Relation``.
        """
        nodes = Topology(relation).nodes
        return tuple(
            self._use(order, node, assessment)
            for order, (node, assessment) in enumerate(zip(nodes, assess(nodes, self), strict=True))
        )

    def _use(self, order: int, node: Node, assessment: Assessment) -> OperatorUse:
        name = relation_type(node.relation)
        return OperatorUse(
            order=order,
            operator=self.relation(name).iri,
            name=name,
            inputs=tuple(dict.fromkeys((*node.inputs, *node.references))),
            parameters=parameters(node.relation),
            deterministic=assessment.deterministic,
        )

    def cautions(self, relation: Any) -> tuple[str, ...]:
        """Return a sentence for all in a plan that may not give the same again.

        Args:
            relation: A closed ``spark.connect.Relation``.
        """
        assessments = assess(Topology(relation).nodes, self)
        return tuple(dict.fromkeys(c for a in assessments for c in a.cautions))

    def forbidden(self, relation_or_sql: Any) -> tuple[str, ...]:
        """Return why a replay must refuse a plan or a statement; empty when it may run.

        Args:
            relation_or_sql: A lifted ``spark.connect.Relation``, or an SQL query.
        """
        return forbidden(relation_or_sql)
