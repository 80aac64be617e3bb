"""Commands about processing that is declared: apply a file, list what holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lineage_graph.cli.output import write_facts, write_json
from lineage_graph.cli.program import Session, command


@command(
    "apply",
    "apply processing.yaml --dry-run",
    "apply processing.yaml",
    "apply processing.ttl --prune --json",
)
def apply(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="YAML, or Turtle by its ending .ttl.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="End what is declared and not in the file.")
    ] = False,
) -> None:
    """Declare which processing of personal data there is, as a file says.

    Only what differs from what is declared is recorded. Exit status 1: the file is at fault,
    every fault is named with its place, and nothing was written.
    """
    with session.graph() as graph:
        found = graph.apply(file, dry_run, prune)
    if session.as_json:
        write_json(found.to_dict())
        return
    print(found)
    if found and dry_run:
        session.say("Nothing was written: leave out --dry-run to apply it.")
    elif found:
        session.say(f"Applied as entry {found.seq} of the ledger.")


@command("processes", "processes", "processes --json | jq -r '.[].name'")
def processes(session: Session) -> None:
    """List the processes that are declared, with what is declared of each."""
    with session.graph() as graph:
        rows = graph.processes()
    if session.as_json:
        write_json(rows)
    elif rows:
        for row in rows:
            write_facts(_without_iri(row))
            print()
    else:
        session.say("No process is declared. Type: lineage-graph apply FILE")


def _without_iri(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "iri"}
