"""Commands about what columns mean: what a recogniser says, and what a person says instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineage_graph.cli.answers import Name
from lineage_graph.cli.output import write_json, write_table
from lineage_graph.cli.program import Session, command, group

if TYPE_CHECKING:
    from lineage_graph.privacy.values import Label

group("types", "What the columns of datasets mean, and which of it is personal.")

NOT_EXAMINED = "Not examined: nobody looked at its values. It may hold personal data."

Column = Annotated[str, typer.Argument(metavar="COLUMN", help="Name of the column.")]
Because = Annotated[
    str | None, typer.Option("--because", metavar="TEXT", help="Why; no personal data.")
]


@command("types list", "types list", "types list --json | jq -r '.[].name'")
def list_(session: Session) -> None:
    """List the types that columns can mean."""
    from lineage_graph.declarations import Declarations
    from lineage_graph.graph.declared import Declared
    from lineage_graph.privacy.types import SemanticTypes

    declarations = Declarations(session.declarations)
    types = SemanticTypes(Declared(declarations), declarations)
    rows = [
        {
            "name": one.name,
            "label": one.labels.get("en", one.name),
            "role": one.role,
            "categories": ", ".join(_local(c) for c in one.categories),
        }
        for one in types.all()
    ]
    write_json(rows) if session.as_json else write_table(rows)


@command("types show", "types show customers", "types show customers@2 --json")
def show(session: Session, name: Name) -> None:
    """Show what each column of a dataset holds, with the evidence, and what changed."""
    with session.graph() as graph:
        labels = graph.semantic_types(name)
        changes = graph.type_changes(name)
    if session.as_json:
        write_json({"labels": [one.to_dict() for one in labels], "changes": changes})
        return
    write_table([_row(one) for one in labels])
    if not labels:
        session.say(NOT_EXAMINED)
    for change in changes:
        was, is_ = _local(change["was"]) or "unknown", _local(change["is"]) or "unknown"
        session.say(f"{change['column']}: {was} -> {is_} by another recogniser, {change['at']}")


@command(
    "types confirm",
    "types confirm customers tax_id cpf",
    "types confirm customers tax_id cpf --because 'asked the team that fills it'",
)
def confirm(
    session: Session,
    name: Name,
    column: Column,
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Short name, such as cpf.")],
    because: Because = None,
) -> None:
    """Say that a column holds a type, in every version of the dataset."""
    with session.graph() as graph:
        said = graph.confirm_type(name, column, type_, because)
    _said(session, said)


@command("types reject", "types reject orders code", "types reject orders code cpf")
def reject(
    session: Session,
    name: Name,
    column: Column,
    type_: Annotated[
        str | None,
        typer.Argument(metavar="[TYPE]", help="Which type; else what it is taken to hold."),
    ] = None,
    because: Because = None,
) -> None:
    """Say that a column does not hold a type, in any version of the dataset."""
    with session.graph() as graph:
        said = graph.reject_type(name, column, type_, because)
    _said(session, said)


@command("types again", "types again customers", "types again --json")
def again(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Which dataset; else the newest of each."),
    ] = None,
) -> None:
    """Look at recorded data again by the rules as they are now; needs Spark."""
    with session.graph() as graph:
        rows = graph.retype(name)
    write_json(rows) if session.as_json else write_table(rows)


def _said(session: Session, iri: str) -> None:
    if session.as_json:
        write_json({"label": iri})
    else:
        session.say(f"Recorded as {iri}.")


def _row(label: Label) -> dict[str, Any]:
    return {
        "column": label.column,
        "type": _local(label.semantic_type) or "unknown",
        "status": label.status,
        "share": label.value_share,
        "values": label.sample_size,
        "evidence": ", ".join(filter(None, (label.header, *label.validators, label.because))),
    }


def _local(iri: str | None) -> str:
    return (iri or "").rpartition("/")[2].rpartition("#")[2]
