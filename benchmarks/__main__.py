"""Runs benchmarks and writes their sections of ``docs/performance.md``.

``python -m benchmarks`` runs all of them; ``python -m benchmarks Ledger "Lineage index"``
only these, and leaves the other sections of the page as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import (
    catch_up,
    fingerprint,
    index,
    ledger,
    licensing,
    questions,
    recognition,
    reports,
    server,
    sparql,
    subjects,
    validation,
)
from benchmarks.figures import Figure, machine, show

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
INTRODUCTION = """# Performance

<!-- Written by python -m benchmarks; measure again, do not edit. -->

Each section was measured on one machine at one time, which its first table names. The load
says how many other programs wanted its processors: with more of them than cores every
figure is worse than it would be alone, the fastest run least so.
"""
HEADING = "\n## "


def section(figures: Sequence[Figure]) -> str:
    """Return the machine and the figures of one benchmark, in Markdown."""
    rows = [(figure.what, figure.measured, figure.goal) for figure in figures]
    return "\n".join(
        (_table(("", ""), list(machine().items())), _table(("What", "Measured", "Goal"), rows))
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def sections(page: str) -> dict[str, str]:
    """Return what a page says, by section."""
    parts = (part.partition("\n\n") for part in page.split(HEADING)[1:])
    return {title: f"{text.rstrip()}\n" for title, _, text in parts}


def page(said: dict[str, str], order: Sequence[str]) -> str:
    """Return a page of sections, in order; one that is not said is left out."""
    known = [title for title in order if title in said]
    return INTRODUCTION + "".join(f"{HEADING}{title}\n\n{said[title]}" for title in known)


def main() -> None:
    """Measure, and write what was measured into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="only these; else all")
    parser.add_argument("--quads", type=int, default=100_000, help="size of the stores asked")
    parser.add_argument("--edges", type=int, default=10_000_000, help="size of the index")
    parser.add_argument("--entities", type=int, default=200_000, help="size of the warehouse")
    parser.add_argument("--store", type=Path, help="ask a store that is there already")
    parser.add_argument("--warehouse", type=Path, help="as --store, of --entities entities")
    parser.add_argument("--reported", type=Path, help="as --store, for reports")
    parser.add_argument("--served", type=Path, help="as --store, for the server")
    asked = parser.parse_args()
    benchmarks: dict[str, Callable[[], list[Figure]]] = {
        "Questions": lambda: questions.measure(asked.quads, asked.store),
        "Lineage index": lambda: index.measure(asked.edges),
        "Licences": lambda: licensing.measure(asked.entities, asked.warehouse),
        "Reports": lambda: reports.measure(store=asked.reported),
        "SPARQL": lambda: sparql.measure(asked.quads, asked.store),
        "Server": lambda: server.measure(store=asked.served),
        "Projection": lambda: catch_up.measure(asked.quads, asked.store),
        "Ledger": ledger.measure,
        "Validation": validation.measure,
        "Fingerprint": fingerprint.measure,
        "Recognition": recognition.measure,
        "Subjects": subjects.measure,
    }
    unknown = set(asked.sections) - set(benchmarks)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; use {', '.join(benchmarks)}")
    for title in asked.sections or benchmarks:
        figures = benchmarks[title]()
        show(title, figures)
        said = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
        written = page(said | {title: section(figures)}, list(benchmarks))
        PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
