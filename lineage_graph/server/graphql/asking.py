"""What fields ask with: one graph for one operation, and questions gathered from many fields."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from lineage_graph.access.principals import Principal
from lineage_graph.errors import StoreUnavailable
from lineage_graph.graph import Graph
from lineage_graph.graph.many import Many
from lineage_graph.replay.requests import Requests
from lineage_graph.stores import Row

T = TypeVar("T")


class OutOfTime(StoreUnavailable):
    """An operation took longer than the operator allows."""

    code = "timeout"


@dataclass
class Asking:
    """The context of one operation.

    Attributes:
        graph: What is asked; for this operation alone.
        principal: Who asks.
        rebuilds: What people asked to be rebuilt.
        deadline: When to give up, as ``time.monotonic`` counts.
    """

    graph: Graph
    principal: Principal
    rebuilds: Requests
    deadline: float
    _loaders: dict[Hashable, DataLoader[str, Any]] = field(default_factory=dict)

    @property
    def many(self) -> Many:
        """What answers about many things at once."""
        return self.graph.many

    def rows(self, question: str, key: str, value: str) -> Awaitable[list[Row]]:
        """Return the rows of a declared query for a value; asked once for many fields.

        Args:
            question: Such as ``records/columns``.
            key: The parameter, which is also a column of the answer.
            value: Its value.
        """
        loader = self._loader((question, key), partial(self.many.rows, question, key), list)
        return loader.load(value)

    def of(
        self, ask: Callable[[Collection[str]], Mapping[str, T]], iri: str
    ) -> Awaitable[T | None]:
        """Return what a question answers for one IRI; asked once for many fields.

        Args:
            ask: A method of :attr:`many`.
            iri: What is asked about.
        """
        return self._loader(ask, ask, lambda: None).load(iri)

    def require_time(self) -> None:
        """Give up when it has taken too long.

        Raises:
            OutOfTime: It has.
        """
        if time.monotonic() > self.deadline:
            raise OutOfTime(
                "This took too long. Ask for fewer things at once, or for less of each."
            )

    def _loader(
        self,
        name: Hashable,
        ask: Callable[[Collection[str]], Mapping[str, Any]],
        nothing: Callable[[], Any],
    ) -> DataLoader[str, Any]:
        async def load(keys: list[str]) -> list[Any]:
            self.require_time()
            found = ask(keys)
            return [found[key] if key in found else nothing() for key in keys]

        if name not in self._loaders:
            self._loaders[name] = DataLoader(load)
        return self._loaders[name]


Info: TypeAlias = strawberry.Info[Asking, None]
