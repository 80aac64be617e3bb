"""Commands that answer from the record and change nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lineage_graph.cli.output import (
    json_text,
    stdout_can,
    write_facts,
    write_json,
    write_table,
    write_text,
)
from lineage_graph.cli.program import Session, command

if TYPE_CHECKING:
    from lineage_graph.lineage import Lineage


class LineageFormat(StrEnum):
    """How a lineage is written."""

    TREE = "tree"
    JSON = "json"
    DOT = "dot"
    SVG = "svg"
    HTML = "html"


class ExportFormat(StrEnum):
    """How the record is written."""

    TRIG = "trig"
    TURTLE = "turtle"
    JSON_LD = "json-ld"
    NQUADS = "nquads"
    PROV_JSON = "prov-json"
    PROV_N = "prov-n"
    DOT = "dot"
    SVG = "svg"
    REPLAY = "replay"


F = TypeVar("F", bound=StrEnum)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name, NAME@3 for its third version, or an IRI.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write to a file, not to stdout.")
]


@command("datasets", "datasets", "datasets --json | jq -r '.[].name'")
def datasets(session: Session) -> None:
    """List the datasets that are recorded."""
    with session.graph() as graph:
        _list(session, _named(session, graph.datasets()), "No dataset is recorded yet.")


@command("models", "models", "models --store /data/team/.lineage")
def models(session: Session) -> None:
    """List the models that are recorded."""
    with session.graph() as graph:
        _list(session, _named(session, graph.models()), "No model is recorded yet.")


@command("versions", "versions flights")
def versions(session: Session, name: Name) -> None:
    """List the versions of a dataset or a model, the first one first."""
    with session.graph() as graph:
        _list(session, _named(session, graph.versions(name)), f"{name} has no version yet.")


@command("show", "show flights", "show late-arrival@2 --json")
def show(session: Session, name: Name) -> None:
    """Show what is known about a dataset or a model."""
    with session.graph() as graph:
        facts = graph.describe(name)
    if session.as_json:
        write_json(facts)
    else:
        write_facts(facts)


@command(
    "lineage",
    "lineage predictions",
    "lineage airports --down --depth 2",
    "lineage predictions --columns --json",
    "lineage predictions --format html --out predictions.html",
)
def lineage(
    session: Session,
    name: Name,
    down: Annotated[
        bool, typer.Option("--down", help="What came of it, instead of what it came from.")
    ] = False,
    depth: Annotated[
        int | None, typer.Option("--depth", min=0, metavar="N", help="At most N hops.")
    ] = None,
    columns: Annotated[
        bool, typer.Option("--columns", help="Between columns, instead of versions.")
    ] = False,
    format_: Annotated[
        LineageFormat | None, typer.Option("--format", help="How it is written; tree if not said.")
    ] = None,
    out: Out = None,
) -> None:
    """Show what something came from, or what came of it."""
    chosen = _format(session, format_, LineageFormat.TREE, LineageFormat.JSON)
    with session.graph() as graph:
        found = graph.lineage(
            name, direction="down" if down else "up", depth=depth, columns=columns
        )
    deliver(session, _written(found, chosen, out), out)
    if chosen is LineageFormat.TREE and found.limited:
        session.say(f"Stopped at depth {depth}; there may be more.")


@command(
    "query",
    "query records/datasets",
    "query records/versions -p dataset=urn:lineage-graph:dataset:flights",
    "query question.rq --json",
    "query - < question.rq",
)
def query(
    session: Session,
    question: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.rq|-", help="A query that comes with us, a SPARQL file, or stdin."
        ),
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--param", "-p", metavar="NAME=VALUE", help="Value of a parameter; may be repeated."
        ),
    ] = None,
) -> None:
    """Ask a question in SPARQL."""
    parameters = dict(_assignment(text) for text in parameter or ())
    asked: str | Path = question
    if question == "-":
        asked = sys.stdin.read()
    elif question.endswith(".rq"):
        asked = Path(question)
        if not asked.is_file():
            raise typer.BadParameter(f"there is no file {question!r}")
    with session.graph() as graph:
        _list(session, graph.query(asked, **parameters), "No answer.")


@command(
    "export",
    "export > everything.trig",
    "export predictions@2 --format prov-json",
    "export predictions --format replay --out method",
)
def export(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only what concerns this; else all.")
    ] = None,
    format_: Annotated[
        ExportFormat | None, typer.Option("--format", help="How it is written; trig if not said.")
    ] = None,
    out: Out = None,
) -> None:
    """Write the record as RDF, in PROV's notations or drawn, or as a replay script.

    A replay script is a folder to read and to run, for whoever has the sources.
    """
    chosen = _format(session, format_, ExportFormat.TRIG, ExportFormat.JSON_LD)
    if chosen is ExportFormat.REPLAY:
        if name is None or out is None:
            raise typer.BadParameter("--format replay needs NAME and --out FOLDER")
        with session.graph() as graph:
            session.say(f"Wrote {graph.replay_script(name, out)}.")
        return
    with session.graph() as graph:
        deliver(session, graph.export(name, format=chosen.value), out)


def _named(session: Session, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the rows without IRIs where a person reads: the names say the same."""
    if session.as_json:
        return rows
    return [{key: value for key, value in row.items() if key != "iri"} for row in rows]


def _list(session: Session, rows: Sequence[Mapping[str, Any]], nothing: str) -> None:
    if session.as_json:
        write_json(rows)
    elif rows:
        write_table(rows)
    else:
        session.say(nothing)


def _format(session: Session, chosen: F | None, usual: F, as_json: F) -> F:
    """Return the format to write; ``--json`` chooses only where nothing else was chosen."""
    if chosen is None:
        return as_json if session.as_json else usual
    if session.as_json and "json" not in chosen:
        raise typer.BadParameter(f"--format {chosen} is not JSON; leave out --json")
    return chosen


def _written(found: Lineage, chosen: LineageFormat, out: Path | None) -> str:
    match chosen:
        case LineageFormat.DOT:
            return found.to_dot()
        case LineageFormat.SVG:
            return found.to_svg()
        case LineageFormat.HTML:
            return found.to_html()
        case LineageFormat.JSON:
            text = json_text(found.to_dict())
            narrow = out is None and not stdout_can(text)
            return json_text(found.to_dict(), ascii_only=True) if narrow else text
        case LineageFormat.TREE:
            tree = "\n".join([*found.tree(), ""])
            narrow = out is None and not stdout_can("\u2514\u2500")
            return "\n".join([*found.tree(ascii_only=True), ""]) if narrow else tree


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise typer.BadParameter(f"--param {text!r} is not NAME=VALUE")
    return name, value


def deliver(session: Session, document: str | bytes, out: Path | None) -> None:
    """Write a document to a file, or to stdout."""
    if out is None:
        write_text(document)
        return
    out.write_bytes(document if isinstance(document, bytes) else document.encode())
    session.say(f"Wrote {out}.")
