"""A picture with its tables as HTML: a page of its own, or a piece of a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lineage_graph.drawing import Picture, Table, svg
from lineage_graph.drawing.text import printable

_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; color: #1c2733;
  background: #fff; margin: 1.5rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
figure { margin: 0 0 2rem; overflow-x: auto; }
figure:focus-visible { outline: 3px solid #24568f; outline-offset: 2px; }
table { border-collapse: collapse; margin: 0 0 2rem; font-size: .9rem; }
caption { text-align: start; font-weight: 600; padding: .3rem 0; }
th, td { border: 1px solid #8a94a0; padding: .25rem .6rem; text-align: start;
  vertical-align: top; overflow-wrap: anywhere; }
th { background: #eef2f6; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
@media print { body { margin: 0; } figure { overflow: visible; }
  figure svg { max-width: 100%; height: auto; } }
"""


def page(picture: Picture, tables: Sequence[Table]) -> str:
    """Return one self-contained page; its content policy allows nothing but its own style."""
    title = escape(printable(picture.title))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<h1 dir="auto">{title}</h1>\n<p>{escape(printable(picture.description))}</p>\n'
        f'<figure tabindex="0">\n{svg.draw(picture)}</figure>\n'
        + "".join(map(table_element, tables))
        + "</main>\n</body>\n</html>\n"
    )


def fragment(picture: Picture, tables: Sequence[Table]) -> str:
    """Return the picture, and its tables folded away, for the output of a notebook cell."""
    folded = "".join(map(table_element, tables))
    return (
        f'<div lang="en"><figure style="margin:0;overflow-x:auto">{svg.draw(picture)}</figure>'
        f"<details><summary>As tables</summary>{folded}</details></div>"
    )


def table_element(table: Table) -> str:
    """Return a table as one HTML element; every cell is escaped."""
    header = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.header)
    rows = "\n".join(
        "<tr>" + "".join(f"<td><bdi>{escape(printable(v))}</bdi></td>" for v in row) + "</tr>"
        for row in table.rows
    )
    return (
        f"<table>\n<caption>{escape(printable(table.caption))}</caption>\n"
        f"<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n"
    )
