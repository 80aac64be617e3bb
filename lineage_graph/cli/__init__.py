"""The command line: questions to the record, and rebuilding from it.

Data goes to stdout, talk and progress to stderr. Exit statuses: 0 yes; 1 no, or
it failed (also a rebuild that is impossible); 2 usage; 3 a prerequisite is
missing; 4 not found; 5 refused by policy; 6 the rebuild differs from the record;
130 interrupted; 141 the reader of a pipe went away.
"""

from __future__ import annotations

from lineage_graph.cli import (
    answers,
    checks,
    labels,
    licenses,
    openlineage,
    processing,
    reports,
    serving,
    statuses,
    subjects,
    tokens,
    visibility,
    working,
)
from lineage_graph.cli.program import app, main

__all__ = [
    "answers",
    "app",
    "checks",
    "labels",
    "licenses",
    "main",
    "openlineage",
    "processing",
    "reports",
    "serving",
    "statuses",
    "subjects",
    "tokens",
    "visibility",
    "working",
]
