"""Commands that check the record: rebuild what it describes, verify and validate it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineage_graph.cli.output import write_facts, write_json, write_table
from lineage_graph.cli.program import Session, command

if TYPE_CHECKING:
    from lineage_graph.graph.progress import Progress
    from lineage_graph.replay import Rebuild

NO = 1
DIFFERS = 6
OUTPUT_FACTS = ("name", "action", "verdict", "rows", "seconds", "explanation", "place")
PLANNED_FACTS = ("name", "action", "explanation")
VERDICT_STATUS = {None: 0, "identical": 0, "equivalent": 0, "impossible": NO, "different": DIFFERS}
Names = Annotated[
    list[str], typer.Argument(metavar="NAME[@VERSION]...", help="Datasets and models, or IRIs.")
]


@command(
    "rebuild",
    "rebuild predictions",
    "rebuild features late-classifier --json",
    "rebuild late-arrival@2 --into again",
    "rebuild predictions --dry-run",
    "rebuild predictions --replace routes@1=routes@2",
)
def rebuild(
    session: Session,
    names: Names,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Leave the outputs in this new folder."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done and what is missing.")
    ] = False,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Reuse nothing that was built before.")
    ] = False,
    replacing: Annotated[
        list[str] | None,
        typer.Option(
            "--replace",
            metavar="OLD=NEW",
            help="Make it anew, as new versions, with NEW in place of OLD; may be repeated.",
        ),
    ] = None,
) -> None:
    """Rebuild datasets and models from their record and compare.

    Exit status 0: identical or equivalent, or made anew. 6: different. 1: impossible.
    """
    if replacing:
        if into is not None or dry_run or from_scratch:
            raise typer.BadParameter(
                "--replace records new versions; leave out --into, --dry-run and --from-scratch"
            )
        _renew(session, names, dict(map(_pair, replacing)))
        return
    if into is not None and len(names) > 1:
        raise typer.BadParameter("--into takes the outputs of one name; give one name at a time")
    with session.graph() as graph, _progress(session, "rebuild") as show:
        rebuilds = [
            graph.rebuild(
                name, into=into, dry_run=dry_run, from_scratch=from_scratch, progress=show
            )
            for name in names
        ]
    if session.as_json:
        write_json([rebuilt.to_dict() for rebuilt in rebuilds])
    else:
        for number, rebuilt in enumerate(rebuilds):
            if number:
                print()
            _write_rebuild(rebuilt)
    _leave(max(VERDICT_STATUS[rebuilt.verdict] for rebuilt in rebuilds))


command("replay", "replay predictions", hidden=True)(rebuild)


@command("verify", "verify", "verify --json")
def verify(session: Session) -> None:
    """Check that nothing recorded was lost or altered."""
    with session.graph() as graph, _progress(session, "verify") as show:
        found = graph.verify(progress=show)
    if session.as_json:
        write_json(found)
    else:
        write_facts(found)


@command("validate", "validate", "validate --json | jq length")
def validate(session: Session) -> None:
    """Check the record against its shapes (SHACL).

    Exit status 0: it conforms. 1: there are violations; they are listed.
    """
    with session.graph() as graph:
        violations = [asdict(violation) for violation in graph.validate()]
    if session.as_json:
        write_json(violations)
    else:
        write_table(violations)
        if not violations:
            session.say("The record conforms to its shapes.")
    _leave(NO if violations else 0)


def _renew(session: Session, names: list[str], replacing: dict[str, str]) -> None:
    with session.graph() as graph, _progress(session, "renew") as show:
        renewals = [graph.renew(name, replacing, progress=show) for name in names]
    if session.as_json:
        write_json([renewal.to_dict() for renewal in renewals])
    else:
        print("\n\n".join(map(str, renewals)))


def _pair(said: str) -> tuple[str, str]:
    old, between, new = said.partition("=")
    if not (old and between and new):
        raise typer.BadParameter(f"--replace {said}: say OLD=NEW, such as routes@1=routes@2")
    return old, new


def _write_rebuild(rebuilt: Rebuild) -> None:
    # Nothing is compared in a dry run, so there is no verdict but "impossible" to report.
    said = "dry run" if rebuilt.dry_run else "verdict"
    write_facts({"rebuild of": rebuilt.name, said: rebuilt.verdict or "possible"})
    print()
    shown = PLANNED_FACTS if rebuilt.dry_run else OUTPUT_FACTS
    write_table([{key: getattr(o, key) for key in shown} for o in rebuilt.outputs])
    if rebuilt.environment:
        print("\nThe environment differs")
        write_table(
            [{"fact": f, "was": was, "is": now} for f, (was, now) in rebuilt.environment.items()]
        )


def _progress(session: Session, title: str) -> AbstractContextManager[Progress]:
    from lineage_graph.graph.progress import watched

    return watched(title, session.quiet)


def _leave(status: int) -> None:
    if status:
        raise typer.Exit(status)
