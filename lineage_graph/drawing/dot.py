"""A picture in Graphviz DOT, for those who have their own tools."""

from __future__ import annotations

from lineage_graph.drawing import Picture
from lineage_graph.drawing.text import printable

_SHAPES = {
    "dataset": "cylinder",
    "prediction": "parallelogram",
    "model": "hexagon",
    "file": "note",
    "column": "oval",
}


def draw(picture: Picture) -> str:
    """Return the picture in the DOT language, left to right."""
    lines = ["digraph lineage {", "  rankdir=LR;", f"  label={_quoted(picture.title)};"]
    for box in picture.boxes:
        style = ', style="bold"' if box.root else ""
        lines.append(
            f"  {_quoted(box.key)} [label={_quoted(box.name)},"
            f" shape={_SHAPES.get(box.kind, 'box')}{style}];"
        )
    for arrow in picture.arrows:
        lines.append(
            f"  {_quoted(arrow.tail)} -> {_quoted(arrow.head)} [label={_quoted(arrow.label)}];"
        )
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    # In a label a backslash starts an escape, so it is doubled like the quote.
    text = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
