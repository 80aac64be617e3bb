"""Commands about reports: which there are, and one of them in any form."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineage_graph.cli.answers import Out
from lineage_graph.cli.identities import identities, lines_in
from lineage_graph.cli.output import write_json, write_table, write_text
from lineage_graph.cli.program import Session, command
from lineage_graph.errors import InvalidRecord

if TYPE_CHECKING:
    from lineage_graph.compliance.report import Report

BINARY = ("pdf", "xlsx")


@command(
    "report",
    "report",
    "report ropa --law gdpr --lang en --out ropa.html",
    "report ropa --law lgpd --lang pt-BR --out ropa.xlsx",
    "report breach --with node=DE --with at=2026-05-01 --json",
    "report retention --as-of 2026-05-01",
)
def report(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A report; left out, they are listed.")
    ] = None,
    law: Annotated[str, typer.Option("--law", metavar="LAW", help="gdpr or lgpd.")] = "gdpr",
    lang: Annotated[str, typer.Option("--lang", metavar="LANG", help="en or pt-BR.")] = "en",
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="html, pdf, xlsx, md, csv, json, jsonld or text; by the ending of --out.",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="SEQ|DATE", help="As it was at a ledger entry or a day."),
    ] = None,
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="KEY=VALUE", help="What it is about; may be repeated."),
    ] = None,
    id_file: Annotated[
        str | None,
        typer.Option(
            "--id-file",
            metavar="FILE|-",
            help="Who a report about a person is about: lines such as cpf=...; - for stdin.",
        ),
    ] = None,
    out: Out = None,
) -> None:
    """Report what is recorded about personal data, as a law asks for it; or list the reports.

    What the record does not hold is shown as not recorded. None of it is legal advice.
    """
    if name is None:
        _list(session, lang)
        return
    with session.graph() as graph:
        given = _given(with_ or ())
        who = identities(_lines(id_file, "subject" in graph.report_parameters(name, law)))
        if who:
            given["subject"] = who
        found = graph.report(name, law, lang, as_of, **given)
        _write(session, found, format_, out)


def _list(session: Session, lang: str) -> None:
    """List the reports; no store is needed for that."""
    from lineage_graph.compliance.reading import read
    from lineage_graph.declarations import Declarations
    from lineage_graph.graph.declared import Declared

    declarations = Declarations(session.declarations)
    known = read(Declared(declarations), declarations)
    chosen = known.language(lang)
    rows = [one.to_dict(chosen) for one in known.all()]
    if session.as_json:
        write_json(rows)
    else:
        write_table([{k: v for k, v in row.items() if k != "about"} for row in rows])


def _given(options: list[str] | tuple[()]) -> dict[str, Any]:
    """Return what stands behind --with, by name.

    Raises:
        InvalidRecord: One is not KEY=VALUE, or would put a person's id into the shell's history.
    """
    given = {}
    for number, option in enumerate(options, 1):
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise InvalidRecord(
                f"--with, number {number}: write it as KEY=VALUE, such as dataset=bookings"
            )
        if key == "subject":
            raise InvalidRecord(
                "--with subject=... would leave who it is in the shell's history. Give --id-file"
                " FILE with lines such as cpf=..., or answer the prompt."
            )
        given[key] = value
    return given


def _lines(file: str | None, asked: bool) -> list[str]:
    """Return who a report is about, from a file or a prompt that shows nothing."""
    if file is not None:
        return lines_in(file)
    if not (asked and sys.stdin.isatty()):
        return []
    said = typer.prompt(
        "Who, such as cpf=... (empty: nobody)",
        default="",
        hide_input=True,
        show_default=False,
        err=True,
    )
    return [said]


def _write(session: Session, found: Report, format_: str | None, out: Path | None) -> None:
    from lineage_graph.compliance.writing import save, write

    if out is not None:
        save(found, out, format_)
        session.say(f"Wrote {out}.")
        return
    chosen = format_ or ("json" if session.as_json else "text")
    write_text(write(found, chosen))
