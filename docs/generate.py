"""Writes what docs say of the program from the program, so that they cannot say another thing.

``docs/cli.md`` from the commands, ``docs/vocabulary.md`` from ``ontology/``,
``docs/schema.graphql`` from the server, and in ``docs/security.md`` the tables between the
two marks from the routes, the declared roles, and what tests ask at each route. Run
``python docs/generate.py`` after a change to any of them; tests compare.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_group

from lineage_graph import cli
from lineage_graph.access.roles import Roles
from lineage_graph.cli.program import NAME
from lineage_graph.declarations import bundled
from lineage_graph.graph.declared import Declared
from lineage_graph.server.app import application
from lineage_graph.server.authorize import PUBLIC, browsed, needed, routes
from lineage_graph.server.graphql.schema import sdl
from lineage_graph.server.settings import Settings

TARGET = Path(__file__).with_name("cli.md")
VOCABULARY = Path(__file__).with_name("vocabulary.md")
SCHEMA = Path(__file__).with_name("schema.graphql")
SECURITY = Path(__file__).with_name("security.md")
COLUMNS = 80
DOORS = Path(__file__).parents[1] / "tests" / "integration" / "doors.toml"
BEGIN = "<!-- Written by docs/generate.py from the routes and ontology/access.ttl. -->"
END = "<!-- End of what is written by docs/generate.py. -->"


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


def security_page() -> str:
    """Return the page about security with the tables of who may do what."""
    before, _, rest = SECURITY.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{_permissions()}\n\n{_routes()}\n\n{END}{after}"


def _permissions() -> str:
    declared = Declared(bundled())
    roles = Roles.declared(declared.rows("access/roles")).grants
    return _table(
        ["permission", "allows", *roles],
        [
            [f"`{row['permission']}`", row["comment"], *_granted(row["permission"], roles)]
            for row in declared.rows("access/permissions")
        ],
    )


def _routes() -> str:
    roles = Roles.declared(Declared(bundled()).rows("access/roles")).grants
    doors = tomllib.loads(DOORS.read_text(encoding="utf-8"))
    rows = []
    for route in routes(application(Settings(Path("unused")))):
        for method in sorted(route.methods or {"WEBSOCKET"}):
            needs = str(needed(route))
            everybody = "yes" if needs == PUBLIC else "401"
            cells = _granted(needs, roles, "403") if needs != PUBLIC else ["yes"] * len(roles)
            name = f"{method} {route.path}"
            lacking = doors[name]["gets"]
            browser = browsed(route) or ""
            rows.append([f"`{name}`", f"`{needs}`", browser, everybody, *cells, lacking])
    header = ["route", "needs", "for browsers", "nobody", *roles, "who lacks a label gets"]
    return _table(header, sorted(rows))


def _granted(permission: str, roles: Any, otherwise: str = "") -> list[str]:
    return ["yes" if permission in granted else otherwise for granted in roles.values()]


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


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
    SECURITY.write_text(security_page(), encoding="utf-8")
