"""Answers that are a picture and tables: as a page, in a notebook, or as text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from lineage_graph.drawing import Picture, Table


class Answer(ABC):
    """An answer that shows itself."""

    @abstractmethod
    def picture(self) -> Picture:
        """Return what can be drawn of it; the tables say the same."""

    @abstractmethod
    def tables(self, limit: int | None = ...) -> list[Table]:
        """Return it as tables.

        Args:
            limit: Most rows of a table; None for all.
        """

    @abstractmethod
    def _lines(self) -> Iterator[str]:
        """Yield it as text, part by part."""

    def to_html(self) -> str:
        """Return one self-contained page: a picture, and the whole answer as tables."""
        from lineage_graph.drawing import html

        return html.page(self.picture(), self.tables(None))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Return what a notebook shows: a page, and text where it cannot show one."""
        from lineage_graph.drawing import html

        return {
            "text/plain": str(self),
            "text/html": html.fragment(self.picture(), self.tables()),
        }

    def __str__(self) -> str:
        """Return the answer as text."""
        return "\n".join(self._lines())
