"""How data is written: for a terminal of any width, for a pipe, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lineage_graph.drawing.table import aligned
from lineage_graph.drawing.text import printable, width

if TYPE_CHECKING:
    from rich.console import Console

NOT_RECORDED = "not recorded"
_SHORT = 12


def json_text(value: Any, *, ascii_only: bool = False) -> str:
    """Return a value as indented JSON."""
    return json.dumps(value, ensure_ascii=ascii_only, indent=2, default=_plain) + "\n"


def stdout_can(text: str) -> bool:
    """Whether the encoding of stdout has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def write_json(value: Any) -> None:
    """Write one JSON document; it is ASCII when stdout cannot say more."""
    text = json_text(value)
    sys.stdout.write(text if stdout_can(text) else json_text(value, ascii_only=True))


def write_text(text: str | bytes) -> None:
    """Write a document as it is."""
    if isinstance(text, bytes):
        sys.stdout.flush()
        sys.stdout.buffer.write(text)
    else:
        sys.stdout.write(text)


def write_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that share their keys.

    A pipe gets aligned columns, one row a line, nothing cut off. A terminal gets a
    table, or one block a row where a table would be too wide to read.
    """
    if not rows:
        return
    header = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(row.get(key)) for key in header] for row in rows]
    if not sys.stdout.isatty():
        for line in aligned([[_heading(key) for key in header], *cells]):
            print(line)
        return
    console = _console()
    widths = [max(map(width, column)) for column in zip(header, *cells, strict=True)]
    if sum(widths) + len(widths) > console.width * 1.2:
        for row in rows:
            write_facts(row)
            print()
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for key, widest in zip(header, widths, strict=True):
        table.add_column(_heading(key), overflow="fold", no_wrap=widest <= _SHORT)
    for row_cells in cells:
        table.add_row(*row_cells)
    console.print(table)


def write_facts(facts: Mapping[str, Any], indent: str = "") -> None:
    """Write what is known about one thing: simple facts first, then its parts."""
    simple = {k: v for k, v in facts.items() if not _is_part(v)}
    widest = max((width(_heading(key)) for key in simple), default=0)
    for key, value in simple.items():
        text = NOT_RECORDED if value is None else _cell(value)
        gap = " " * (widest - width(_heading(key)) + 2)
        print(f"{indent}{_heading(key)}{gap}{text}".rstrip())
    for key, part in facts.items():
        if isinstance(part, Mapping) and part:
            print(f"\n{indent}{_heading(key)}")
            write_facts(part, indent + "  ")
        elif _is_part(part):
            print(f"\n{indent}{_heading(key)}")
            write_table(part)


def _console() -> Console:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def _heading(key: str) -> str:
    return printable(key).replace("_", " ")


def _is_part(value: Any) -> bool:
    """Whether a value has an inside of its own: a mapping, or rows."""
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], Mapping)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_cell(v) for v in value) or "none"
    if isinstance(value, Mapping):
        return printable(json.dumps(value, ensure_ascii=False, default=_plain))
    return printable(str(_plain(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return value if isinstance(value, int | float) else str(value)
