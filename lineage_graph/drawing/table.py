"""Small tables of text: for a terminal, and for the output of a notebook cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lineage_graph.drawing import Table
from lineage_graph.drawing.html import table_element
from lineage_graph.drawing.text import printable, width


def aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines whose cells stand below each other, two spaces apart."""
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(
            cell + " " * (w - width(cell)) for cell, w in zip(line, widths, strict=True)
        ).rstrip()


def as_text(table: Table) -> str:
    """Return the caption and the rows as aligned text."""
    lines = [[printable(cell) for cell in line] for line in (table.header, *table.rows)]
    return "\n".join([printable(table.caption), *(f"  {line}" for line in aligned(lines))])


def mime_bundle(table: Table) -> dict[str, str]:
    """Return the table as a notebook shows it, with text for where HTML cannot be shown."""
    return {"text/plain": as_text(table), "text/html": table_element(table)}
