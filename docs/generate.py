"""Writes ``docs/cli.md``, ``docs/vocabulary.md`` and ``docs/schema.graphql``.

They come from the program, from ``ontology/`` and from the server. Run
``python docs/generate.py`` after a change to any of them; tests compare them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_group

from lineage_graph import cli
from lineage_graph.cli.program import NAME
from lineage_graph.declarations import bundled
from lineage_graph.graph.declared import Declared
from lineage_graph.server.graphql.schema import sdl

TARGET = Path(__file__).with_name("cli.md")
VOCABULARY = Path(__file__).with_name("vocabulary.md")
SCHEMA = Path(__file__).with_name("schema.graphql")
COLUMNS = 80


def cli_page() -> str:
    """Return the page: what the program says of itself, command by command."""
    program = get_group(cli.app)
    context = program.make_context(NAME, [], resilient_parsing=True, terminal_width=COLUMNS)
    about, _, statuses = (inspect.getdoc(cli) or "").partition("\n\n")
    parts = [
        "# Command line",
        "<!-- Written by docs/generate.py; edit the commands, not this page. -->",
        about,
        statuses,
        *_section(NAME, program.get_help(context)),
    ]
    parts += _commands(program, context)
    return "\n\n".join(parts) + "\n"


def _commands(group: Any, context: Any) -> Iterator[str]:
    """Yield the sections of a group's commands, and of the commands of groups within it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = command.make_context(
            name, [], parent=context, resilient_parsing=True, terminal_width=COLUMNS
        )
        yield from _section(inner.command_path, command.get_help(inner))
        if hasattr(command, "list_commands"):
            yield from _commands(command, inner)


def vocabulary_page() -> str:
    """Return the page: each term of ours, and the standard terms it is below."""
    declarations = bundled()
    terms: dict[str, list[str]] = {}
    for row in Declared(declarations).rows("records/vocabulary"):
        cells = terms.setdefault(str(row["term"]), [row["english"], row["portuguese"], ""])
        cells[2] = ", ".join(filter(None, [cells[2], _compact(str(row["parent"]))]))
        cells[3:] = [row["comment"]]
    lines = [
        "# Vocabulary",
        "<!-- Written by docs/generate.py from ontology/; edit the Turtle, not this page. -->",
        "What we say in PROV-O, DCAT, ML-Schema, CSVW, P-Plan and Dublin Core we say in their "
        "terms. These are ours, each below one of theirs.",
        "\n".join(
            [
                "| term | in English | em português | below | meaning |",
                "|---|---|---|---|---|",
                *(f"| `{_compact(t)}` | {' | '.join(cells)} |" for t, cells in terms.items()),
            ]
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _compact(iri: str) -> str:
    for prefix, namespace in bundled().prefixes.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def _section(title: str, text: str) -> tuple[str, str]:
    return f"## {title}", f"```text\n{text.rstrip()}\n```"


if __name__ == "__main__":
    TARGET.write_text(cli_page(), encoding="utf-8")
    VOCABULARY.write_text(vocabulary_page(), encoding="utf-8")
    SCHEMA.write_text(sdl(), encoding="utf-8")
