"""What a name in SQL text means: the tables a query has put together so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage_graph.executors.spark.flows import Column, Flows, Frame, field_of, find


class Unreadable(Exception):
    """A construct whose columns are not known here."""


@dataclass
class SqlFrames:
    """What a query can name.

    Attributes:
        tables: Views and common table expressions, by lower-case name.
        frame: What FROM has put together so far.
        parts: The tables it was put together from, for what a join has merged.
        aliases: Columns of the selection, which later expressions may name.
        windows: The WINDOW clause.
        parent: The query around a correlated subquery.
        outside: Resolves what no query defines.
        around: A star over what is around the outermost query.
    """

    tables: dict[str, Frame]
    frame: Frame | None = None
    parts: list[Frame] = field(default_factory=list)
    aliases: list[Column] = field(default_factory=list)
    windows: dict[str, Any] = field(default_factory=dict)
    parent: SqlFrames | None = None
    outside: Callable[[Sequence[str]], Flows] | None = None
    around: Callable[[Sequence[str]], list[Column]] | None = None

    def named(self, parts: Sequence[str]) -> Flows:
        """Return the flows of a name, from the inside out."""
        frames = [self.frame] if self.frame is not None else []
        for frame in (*frames, *self.parts, Frame(tuple(self.aliases))):
            found = find(frame, parts)
            if found is not None:
                return found
        if self.parent is not None:
            return self.parent.named(parts)
        if self.outside is None:
            raise Unreadable(".".join(parts))
        return self.outside(parts)

    def columns_of(self, target: Sequence[str]) -> list[Column]:
        """Return the columns of a star."""
        if self.frame is None:
            owner = self.parent or self
            if owner is not self:
                return owner.columns_of(target)
            return self.around(target) if self.around is not None else []
        if not target:
            return list(self.frame.columns)
        owned = [c for c in self.frame.columns if c.qualifier.lower() == target[-1].lower()]
        return owned or [Column("", field_of(self.named(target)))]
