"""The command that says what something is under data protection law, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lineage_graph.cli.output import write_facts, write_json, write_table
from lineage_graph.cli.program import Session, command


@command("privacy", "privacy passengers", "privacy late-classifier@2 --json", "privacy")
def privacy(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Name, name@2 or IRI; all newest versions if left out."
        ),
    ] = None,
    as_of: Annotated[
        int | None, typer.Option("--as-of", metavar="SEQ", help="Only entries up to this one.")
    ] = None,
) -> None:
    """Show what a dataset or model is under data protection law, by which path and rule."""
    from lineage_graph.privacy import NOT_ADVICE

    with session.graph() as graph:
        if name is not None:
            found = graph.privacy(name, as_of)
            facts = found.to_dict()
        else:
            every = graph.statuses(as_of)
    if name is None:
        rows = [one.to_dict() for one in every]
        if session.as_json:
            write_json(rows)
        elif rows:
            write_table([{"name": s.name, "status": s.label, "why": s.why} for s in every])
            session.say(NOT_ADVICE)
        else:
            session.say("Nothing is recorded yet.")
    elif session.as_json:
        write_json(facts)
    else:
        _write(facts)


def _write(facts: dict[str, Any]) -> None:
    """Write one answer: the status and why, then what is in it."""
    shown = ("name", "label", "why", "path", "rule", "min_group")
    write_facts({key: facts[key] for key in shown if facts[key] not in (None, "")})
    if facts["holdings"]:
        print()
        keys = ("column", "semantic_type", "categories", "role", "label_status", "path")
        write_table([{key: held[key] for key in keys} for held in facts["holdings"]])
    print(f"\n{facts['disclaimer']}")
