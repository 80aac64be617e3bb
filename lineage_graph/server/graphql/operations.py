"""One operation, from its text to its answer: checked, measured, and executed with one graph."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.validation import NoSchemaIntrospectionCustomRule
from starlette.concurrency import run_in_threadpool

from lineage_graph.access.principals import Principal
from lineage_graph.errors import VisibilityChanged
from lineage_graph.graph import Graph
from lineage_graph.replay.requests import Requests
from lineage_graph.server.graphql import failures, limits
from lineage_graph.server.graphql.asking import Asking, OutOfTime
from lineage_graph.server.graphql.schema import executable
from lineage_graph.server.graphql.secrecy import IdentitiesAreVariables
from lineage_graph.server.settings import Settings
from lineage_graph.server.views import Views

_KEPT: Final = 256
_LONGEST_KEPT: Final = 10_000


@dataclass(frozen=True)
class Request:
    """What a client asks.

    Attributes:
        query: The document.
        variables: Values by name.
        operation: Name of the operation in it; None when there is only one.
    """

    query: str
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    operation: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a client is told.

    Attributes:
        body: Plain values for JSON.
        executed: Whether it was executed; else the request itself is at fault.
    """

    body: dict[str, Any]
    executed: bool = True


class Faulty(Exception):
    """A request at fault.

    Attributes:
        errors: What is wrong with it.
    """

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True)
class Checked:
    """A request that may be executed.

    Attributes:
        document: Valid.
        operation: The one that is asked for.
        variables: They fit, and what they ask for is not too much.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]


class NotByGet(Exception):
    """An operation that changes something was asked for in a way that may be repeated."""


class Operations:
    """Executes operations.

    Args:
        settings: What the operator decided.
        views: Graphs to answer from.
        rebuilds: What people asked to be rebuilt.
    """

    def __init__(self, settings: Settings, views: Views, rebuilds: Requests) -> None:
        self._settings = settings
        self._rebuilds = rebuilds
        self._views = views
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()
        self._lock = threading.Lock()

    async def answer(self, request: Request, principal: Principal, by_get: bool = False) -> Answer:
        """Answer a request, in a thread of its own.

        Args:
            request: What is asked.
            principal: Who asks.
            by_get: Whether it came as a GET, which may change nothing.

        Raises:
            NotByGet: It would change something.
            StoreUnavailable: It was not the principal's turn in time.
            VisibilityChanged: What may be seen changed whenever a query was asked.
        """
        try:
            checked = await run_in_threadpool(self.checked, request, by_get)
            if checked.operation.operation is OperationType.SUBSCRIPTION:
                raise Faulty([GraphQLError("Subscriptions are answered over WebSocket only.")])
        except Faulty as fault:
            return Answer({"errors": failures.said_before(fault.errors)}, executed=False)
        if checked.operation.operation is OperationType.MUTATION:
            decide = partial(self._executed, checked, request, principal)
            result = await self._views.record(principal, decide)
        else:
            ask = partial(self._asked, checked, request, principal)
            result = await self._views.ask(principal, ask)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body = {"errors": failures.said_of(result.errors)} | body
        return Answer(body)

    def checked(self, request: Request, by_get: bool = False) -> Checked:
        """Return a request that may be executed.

        Args:
            request: What is asked.
            by_get: Whether it came as a GET, which may change nothing.

        Raises:
            Faulty: It is wrong, or would cost too much.
            NotByGet: It would change something.
        """
        document = self._document(request.query)
        operation = self._operation(document, request.operation)
        if by_get and operation.operation is OperationType.MUTATION:
            raise NotByGet
        variables = self._variables(document, operation, request.variables)
        return Checked(document, operation, variables)

    def _document(self, text: str) -> DocumentNode:
        """Return a document that is valid; one that was asked before is not read again."""
        with self._lock:
            if text in self._documents:
                self._documents.move_to_end(text)
                return self._documents[text]
        document = self._read(text)
        if len(text) <= _LONGEST_KEPT:
            with self._lock:
                self._documents[text] = document
                if len(self._documents) > _KEPT:
                    self._documents.popitem(last=False)
        return document

    def _read(self, text: str) -> DocumentNode:
        allowed, dev = self._settings.graphql, self._settings.dev
        try:
            document = parse(text, max_tokens=allowed.tokens)
        except GraphQLError as error:
            raise Faulty([error]) from None
        looks = limits.refused(document, allowed)
        if looks is not None:
            raise Faulty([looks])
        rules = [*specified_rules, IdentitiesAreVariables]
        if not dev:
            rules.append(NoSchemaIntrospectionCustomRule)
        errors = validate(executable(), document, rules, max_errors=20, hide_suggestions=not dev)
        if errors:
            raise Faulty(errors)
        return document

    def _operation(self, document: DocumentNode, name: str | None) -> OperationDefinitionNode:
        found = get_operation_ast(document, name)
        if found is None:
            said = "There is no operation of this name." if name else "Name one of the operations."
            raise Faulty([GraphQLError(f"{said} Give its name as operationName.")])
        return found

    def _variables(
        self, document: DocumentNode, operation: OperationDefinitionNode, given: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the given values, once they fit and what they ask for is not too much."""
        definitions = operation.variable_definitions or ()
        coerced = get_variable_values(
            executable(), definitions, given, max_errors=20, hide_suggestions=True
        )
        if isinstance(coerced, list):
            raise Faulty(coerced)
        fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        measuring = limits.Measuring(executable(), fragments, coerced.coerced)
        refused = measuring.too_much(operation, self._settings.graphql)
        if refused is not None:
            raise Faulty([refused])
        return given

    def _asked(
        self, checked: Checked, request: Request, principal: Principal, graph: Graph
    ) -> ExecutionResult:
        """Execute a query.

        Raises:
            VisibilityChanged: A part of it could not be answered, as what may be seen changed.
        """
        result = self._executed(checked, request, principal, graph)
        for error in result.errors or ():
            if isinstance(error.original_error, VisibilityChanged):
                raise error.original_error
        return result

    def _executed(
        self, checked: Checked, request: Request, principal: Principal, graph: Graph
    ) -> ExecutionResult:
        seconds = self._settings.graphql.seconds
        asking = Asking(graph, principal, self._rebuilds, time.monotonic() + seconds)

        async def executed() -> ExecutionResult:
            result = execute(
                executable(),
                checked.document,
                context_value=asking,
                variable_values=checked.variables,
                operation_name=request.operation,
                hide_suggestions=True,
            )
            if isinstance(result, ExecutionResult):
                return result
            return await asyncio.wait_for(result, seconds)

        try:
            return asyncio.run(executed())
        except TimeoutError:
            late = OutOfTime(f"This took longer than {seconds:g} seconds. Ask for less at once.")
            return ExecutionResult(None, [GraphQLError("timeout", original_error=late)])
