"""Persons' identifiers are given as variables, never in the text of a document.

A document is cached, and whoever writes logs of requests writes it into them.
"""

from __future__ import annotations

from typing import Any

from graphql import ArgumentNode, GraphQLError, ValidationRule, VariableDefinitionNode, VariableNode

from lineage_graph.server.graphql.permissions import SECRET


class IdentitiesAreVariables(ValidationRule):
    """Refuses an argument that says who a person is and is no variable, or has a default."""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        """Look at one argument."""
        if node.name.value == SECRET and not isinstance(node.value, VariableNode):
            self.report_error(
                GraphQLError(f"{SECRET}: give this as a variable, not in the document.", node)
            )

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        """Look at the default of one variable."""
        if node.default_value is not None and "Identity" in _named(node):
            self.report_error(GraphQLError(f"{SECRET}: a variable for this has no default.", node))


def _named(node: VariableDefinitionNode) -> str:
    type_: Any = node.type
    while hasattr(type_, "type"):
        type_ = type_.type
    return str(type_.name.value)
