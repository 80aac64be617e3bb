"""Runs every benchmark and writes ``docs/benchmarks.md``: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import catch_up, fingerprint, ledger, questions, validation
from benchmarks.figures import Figure, machine, show

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

<!-- Written by python -m benchmarks; measure again, do not edit. -->

Measured on one machine at one time. The load says how many other programs wanted its
processors: with more of them than cores every figure is worse than it would be alone,
the fastest run least so.
"""


def page(reports: Mapping[str, list[Figure]]) -> str:
    """Return the page of all reports, in Markdown."""
    parts = [INTRODUCTION, _table(("", ""), list(machine().items()))]
    for title, figures in reports.items():
        rows = [(figure.what, figure.measured, figure.goal) for figure in figures]
        parts += [f"## {title}\n", _table(("What", "Measured", "Goal"), rows)]
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quads", type=int, default=100_000, help="size of the stores asked")
    parser.add_argument("--store", type=Path, help="ask a store that is there already")
    asked = parser.parse_args()
    benchmarks: dict[str, Callable[[], list[Figure]]] = {
        "Questions": lambda: questions.measure(asked.quads, asked.store),
        "Projection": lambda: catch_up.measure(asked.quads, asked.store),
        "Ledger": ledger.measure,
        "Validation": validation.measure,
        "Fingerprint": fingerprint.measure,
    }
    reports = {}
    for title, measure in benchmarks.items():
        reports[title] = measure()
        show(title, reports[title])
    PAGE.write_text(page(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
