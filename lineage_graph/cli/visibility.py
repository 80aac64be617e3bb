"""Commands about who may see what: labels, and what is let go without them."""

from __future__ import annotations

from typing import Annotated

import typer

from lineage_graph.cli.answers import Name
from lineage_graph.cli.output import write_json, write_table
from lineage_graph.cli.program import Session, command, group

group("visibility", "Who may see a dataset or model, and what is derived from it.")

EVERYBODY = "No label: whoever may read the store sees it."

Labels = Annotated[list[str], typer.Argument(metavar="LABEL...", help="Such as hr or board.")]
Reason = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; no personal data.")]
Because = Annotated[
    str | None, typer.Option("--because", metavar="TEXT", help="Why; no personal data.")
]


@command("visibility show", "visibility show salaries", "visibility show report@2 --json")
def show(session: Session, name: Name) -> None:
    """Show the labels that have to be cleared for to see something, and where they come from."""
    with session.graph() as graph:
        rows = [vars(one) for one in graph.visibility(name)]
    write_json(rows) if session.as_json else write_table(rows)
    if not rows:
        session.say(EVERYBODY)


@command(
    "visibility label",
    "visibility label salaries hr",
    "visibility label budget hr board --because 'not public before May'",
)
def label(session: Session, name: Name, labels: Labels, because: Because = None) -> None:
    """Put labels on a dataset or model; all its versions have them, and what is derived."""
    with session.graph() as graph:
        made = graph.label_visibility(name, labels, because)
    _said(session, made, "It has these labels already; nothing was recorded.")


@command(
    "visibility withdraw",
    "visibility withdraw budget board --because 'it was published'",
    "visibility withdraw budget board --because 'it was published' --json",
)
def withdraw(session: Session, name: Name, labels: Labels, because: Reason) -> None:
    """Take labels back that were put on a dataset or model."""
    with session.graph() as graph:
        gone = graph.withdraw_visibility(name, labels, because)
    if session.as_json:
        write_json(gone)
    else:
        session.say(f"No longer holds: {', '.join(gone)}.")


@command(
    "visibility declassify",
    "visibility declassify averages hr --because 'no group is below 50'",
    "visibility declassify averages@2 hr --because 'no group is below 50'",
)
def declassify(session: Session, name: Name, labels: Labels, because: Reason) -> None:
    """Let something derived go without labels that it inherits; a name alone is all versions."""
    with session.graph() as graph:
        said = graph.declassify(name, labels, because)
    _said(session, [said], "")


def _said(session: Session, iris: list[str], nothing: str) -> None:
    if session.as_json:
        write_json(iris)
    else:
        session.say(f"Recorded as {', '.join(iris)}." if iris else nothing)
