"""Commands about one person: where they are, and the indexes that tell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from lineage_graph.cli.answers import deliver
from lineage_graph.cli.identities import identities, lines_in
from lineage_graph.cli.output import write_json, write_table
from lineage_graph.cli.program import Session, command, group

NO = 1
SHOWN = 50

group("subject", "Where one person is in what is recorded. None of it is legal advice.")


@command(
    "subject impact",
    "subject impact",
    "subject impact --id-file who.txt --json",
    "subject impact --id-file - --html impact.html < who.txt",
)
def impact(
    session: Session,
    id_: Annotated[
        list[str] | None,
        typer.Option(
            "--id",
            metavar="TYPE=VALUE",
            help="Such as cpf=...; it lands in the history of your shell, --id-file does not.",
        ),
    ] = None,
    id_file: Annotated[
        str | None,
        typer.Option("--id-file", metavar="FILE|-", help="Lines of TYPE=VALUE; - for stdin."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Most rows of a table.")
    ] = SHOWN,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page as well.")
    ] = None,
) -> None:
    """Show what contains a person, what learnt from them, and what cannot be told.

    Without --id and --id-file it asks, and does not show what you type. --json writes all
    of it, whatever the limit. The identifiers are kept nowhere.
    """
    who = identities(_lines(id_, id_file))
    with session.graph() as graph:
        found = graph.subject_impact(who)
    if html is not None:
        deliver(session, found.to_html(), html)
    if session.as_json:
        write_json(found.to_dict())
        return
    print(found.summary())
    rows = [row.to_dict() for row in found.rows(limit=limit)]
    shown = ("name", "verdict", "why", "path", "order", "duty")
    write_table([{key: row[key] for key in shown} for row in rows])
    if len(found) > limit:
        session.say(f"{len(found) - limit:,} more rows; --limit or --json shows them.")
    print(f"\n{found.limits}\n{found.disclaimer}")


@command("subject index", "subject index", "subject index customers --json")
def index(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this dataset; else all.")
    ] = None,
) -> None:
    """Index columns that name a person, where that was not done when they were recorded.

    Exit status 1: a column stays without an index.
    """
    with session.graph() as graph:
        made = graph.index_subjects(name)
    rows = [vars(row) for row in made]
    if session.as_json:
        write_json(rows)
    elif rows:
        write_table(rows)
    else:
        session.say("No column is known to name a person who can be looked up.")
    if any(row.state == "not indexed" for row in made):
        raise typer.Exit(NO)


@command("subject destroy-key", "subject destroy-key --yes")
def destroy_key(
    session: Session,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; it cannot be undone.")] = False,
) -> None:
    """Destroy the key of the indexes: nobody can be looked up in them any more."""
    if not yes:
        raise typer.BadParameter("this cannot be undone; add --yes to do it")
    with session.graph() as graph:
        destroyed = graph.destroy_subject_key()
    if session.as_json:
        write_json({"destroyed": destroyed})
    else:
        session.say(f"Destroyed the key {destroyed}." if destroyed else "There is no key.")


def _lines(given: list[str] | None, file: str | None) -> Iterable[str]:
    if given and file:
        raise typer.BadParameter("say --id or --id-file, not both")
    if given and not all("=" in one for one in given):
        # What was given is not repeated: it may be the value alone.
        raise typer.BadParameter("an identifier is TYPE=VALUE, such as cpf=...")
    if given or file is not None:
        return given or lines_in(str(file))
    return [typer.prompt("Who, such as cpf=...", hide_input=True, err=True)]
