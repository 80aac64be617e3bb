"""What columns mean: cases as files, and what holds for every table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from lineage_graph.declarations import bundled
from lineage_graph.executors import Sample
from lineage_graph.graph.declared import Declared
from lineage_graph.privacy.recognition import Recogniser
from lineage_graph.privacy.types import SemanticTypes
from lineage_graph.privacy.values import Label

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "conformance" / "privacy"
DECLARED = Declared(bundled())
TYPES = SemanticTypes(DECLARED, bundled())
RECOGNISER = Recogniser(TYPES, DECLARED)


def table(path: Path, encoding: str = "utf-8") -> dict[str, list[str]]:
    with path.open(encoding=encoding, newline="") as lines:
        header, *rows = csv.reader(lines)
    return {name: [row[at] for row in rows if row[at]] for at, name in enumerate(header)}


def labels(columns: dict[str, list[str]], **datatypes: str) -> dict[str, Label]:
    rows = max(map(len, columns.values()), default=0)
    return {label.column: label for label in RECOGNISER.labels(Sample(7, rows, columns), datatypes)}


def short(label: Label) -> str | None:
    return TYPES.get(label.semantic_type).name if label.semantic_type else None


def named(found: dict[str, Label], test: Any) -> list[str]:
    holding = {name: one for name, one in found.items() if one.holds and one.semantic_type}
    return [name for name, one in holding.items() if test(TYPES.get(one.semantic_type or ""))]


@pytest.mark.parametrize(
    "case",
    [case for case in sorted(CASES.iterdir()) if (case / "table.csv").exists()],
    ids=lambda case: str(case.name),
)
def test_the_columns_of_a_case_get_the_labels_that_it_expects(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    columns = table(case / "table.csv", expected.get("encoding", "utf-8"))
    found = labels(columns, **expected.get("datatypes", {}))
    assert {name: [short(one), one.status] for name, one in found.items()} == expected["labels"]
    tests = {
        "personal": lambda one: bool(one.categories),
        "gdpr_article_9": lambda one: one.gdpr == "GDPR Art. 9(1)",
        "lgpd_sensitive": lambda one: one.lgpd == "LGPD art. 5, II",
        "possible_proxy": lambda one: one.possible_proxy,
        "direct": lambda one: one.role == "DirectIdentifier",
    }
    for question, test in tests.items():
        if question in expected:
            assert named(found, test) == expected[question], question
