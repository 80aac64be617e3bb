"""The command that takes OpenLineage events from files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lineage_graph.cli.output import write_facts, write_json
from lineage_graph.cli.program import Session, command

NO = 1


@command(
    "openlineage",
    "openlineage events.json",
    "openlineage events/*.json --json",
    "cat events.ndjson | lineage-graph openlineage -",
)
def openlineage(
    session: Session,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="JSON: an event, an array, or one event a line; - for stdin."
        ),
    ],
) -> None:
    """Take OpenLineage events from files into the record.

    What is right is taken, also beside what is wrong. Exit status 1: an event was refused;
    each is named with its file, its position and the JSON pointer of the fault.
    """
    texts = [(file, sys.stdin.buffer.read() if file == "-" else _read(file)) for file in files]
    with session.graph() as graph:
        found = [{"file": file, **graph.take_openlineage(text).to_dict()} for file, text in texts]
    if session.as_json:
        write_json(found)
    else:
        _show(session, found)
    if any(one["refused"] for one in found):
        raise typer.Exit(NO)


def _show(session: Session, found: list[dict[str, Any]]) -> None:
    for one in found:
        refused = one.pop("refused")
        write_facts({**one, "refused": len(refused)})
        for refusal in refused:
            session.say(f"{one['file']}, event {refusal['index']}: {refusal['reason']}")


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as problem:
        raise typer.BadParameter(f"{file} cannot be read: {problem.strerror}") from problem
