"""What one operation may cost, counted before anything is asked.

Depth counts fields that lead to other objects; the wrappers of a page, ``edges`` and ``node``,
count for nothing. The cost is the number of objects that may have to be made: along each path the
sizes of its pages and lists are multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)
from graphql.language import Visitor, visit

from lineage_graph.server.graphql.fields import COST, SIZE
from lineage_graph.server.settings import QueryLimits

LIST_SIZE: Final = 10
"""Things in a list whose size nobody gave."""
_WRAPPERS: Final = ("edges", "node")


class Measure(NamedTuple):
    """What a selection costs for one object, and how deep it goes."""

    cost: int
    depth: int


def refused(document: DocumentNode, limits: QueryLimits) -> GraphQLError | None:
    """Return why a document is refused by what it looks like, or None."""
    count = _Count()
    visit(document, count)
    for what, found, most in (
        ("aliases", count.aliases, limits.aliases),
        ("directives", count.directives, limits.directives),
    ):
        if found > most:
            return GraphQLError(f"The document has {found} {what}; at most {most} are allowed.")
    return None


class _Count(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.aliases = 0
        self.directives = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.aliases += node.alias is not None

    def enter_directive(self, *_: Any) -> None:
        self.directives += 1


@dataclass
class Measuring:
    """Measures an operation that is valid.

    Args:
        schema: What fields there are.
        fragments: Of the document, by name.
        variables: Values, coerced.
    """

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    _known: dict[tuple[str, str, int], Measure] = field(default_factory=dict)

    def too_much(
        self, operation: OperationDefinitionNode, limits: QueryLimits
    ) -> GraphQLError | None:
        """Return why an operation is refused by what it may cost, or None."""
        root = self.schema.get_root_type(operation.operation)
        assert root is not None
        cost, depth = self._selection(operation.selection_set, root, LIST_SIZE)
        if depth > limits.depth:
            return GraphQLError(
                f"This goes {depth} levels deep; at most {limits.depth} are allowed."
            )
        if cost > limits.cost:
            return GraphQLError(
                f"This may cost {cost:,}; at most {limits.cost:,} is allowed. Ask for smaller "
                "pages, or for less of each thing."
            )
        return None

    def _selection(
        self, selections: SelectionSetNode | None, type_: GraphQLNamedType, page: int
    ) -> Measure:
        cost = depth = 0
        for one in self._measures(selections, type_, page):
            cost, depth = cost + one.cost, max(depth, one.depth)
        return Measure(cost, depth)

    def _measures(
        self, selections: SelectionSetNode | None, type_: GraphQLNamedType, page: int
    ) -> Iterator[Measure]:
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                yield self._field(node, type_, page)
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition
                inner = self.schema.get_type(on.name.value) if on else type_
                yield self._selection(node.selection_set, inner or type_, page)
            elif isinstance(node, FragmentSpreadNode):
                yield self._fragment(node.name.value, page)

    def _fragment(self, name: str, page: int) -> Measure:
        # Once for each: a fragment that is spread twice in each of thirty others is 2^30 fields.
        fragment = self.fragments[name]
        key = name, fragment.type_condition.name.value, page
        if key not in self._known:
            inner = self.schema.get_type(key[1])
            assert inner is not None
            self._known[key] = self._selection(fragment.selection_set, inner, page)
        return self._known[key]

    def _field(self, node: FieldNode, parent: GraphQLNamedType, page: int) -> Measure:
        found: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        if found is None or not is_composite_type(get_named_type(found.type)):
            return Measure(0, 0)
        name = node.name.value
        wrapper = name in _WRAPPERS and parent.name.endswith(("Connection", "Edge"))
        inner = self._selection(
            node.selection_set, get_named_type(found.type), self._page(node, found)
        )
        many = self._size(found, page) if _is_list(found) else 1
        own = 0 if wrapper and name == "node" else int(_said(found, COST, 1))
        cost = many * (own + inner.cost) + self._limited(node, found)
        return Measure(cost, inner.depth + (not wrapper))

    def _size(self, found: GraphQLField, page: int) -> int:
        named = get_named_type(found.type).name
        return page if named.endswith("Edge") else int(_said(found, SIZE, LIST_SIZE))

    def _page(self, node: FieldNode, found: GraphQLField) -> int:
        return self._argument(node, found, "first", LIST_SIZE)

    def _limited(self, node: FieldNode, found: GraphQLField) -> int:
        """Return what the size of an answer costs: a tenth of an object for each thing."""
        return self._argument(node, found, "limit", 0) // 10

    def _argument(self, node: FieldNode, found: GraphQLField, name: str, usual: int) -> int:
        if name not in found.args:
            return usual
        value: Any = found.args[name].default_value
        for argument in node.arguments or ():
            if argument.name.value == name:
                value = self._value(argument.value)
        return max(0, value) if isinstance(value, int) else usual

    def _value(self, node: Node) -> Any:
        if isinstance(node, VariableNode):
            return self.variables.get(node.name.value)
        return int(node.value) if isinstance(node, IntValueNode) else None


def _is_list(found: GraphQLField) -> bool:
    type_ = found.type.of_type if is_non_null_type(found.type) else found.type
    return is_list_type(type_)


def _said(found: GraphQLField, key: str, usual: int) -> Any:
    definition = found.extensions.get("strawberry-definition")
    return getattr(definition, "metadata", {}).get(key, usual)
