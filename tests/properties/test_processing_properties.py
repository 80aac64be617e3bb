"""Declarations: applying is idempotent, order means nothing, a difference gives what is wanted."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.graph import Graph
from lineage_graph.graph.opening import opened
from lineage_graph.processing.durations import duration

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
CHOICES = {
    "purpose": ["payment", "direct marketing", "pesquisa científica", "our own purpose"],
    "legal_basis": ["GDPR 6(1)(a)", "GDPR 9(2)(j)", "LGPD 7 IX", "LGPD art. 11, II, d"],
    "controller": ["Ana", "Rui"],
    "data_subjects": ["customer", "Child", "paciente"],
    "measures": ["backup", "Encryption", "a big lock"],
    "locations": ["BR", "Germany", "NO"],
    "retention": ["P5Y", "18 months", "30 dias"],
    "datasets": ["one", "two"],
}
LISTS = {
    key: st.lists(st.sampled_from(words), min_size=1, unique=True) for key, words in CHOICES.items()
}
PROCESS = st.fixed_dictionaries(
    {},
    optional={
        **LISTS,
        "remarks": TEXT,
        "automated_decision": st.booleans(),
        "transfers": st.lists(
            st.fixed_dictionaries(
                {"to": st.sampled_from(["US", "JP"])}, optional={"description": TEXT}
            ),
            min_size=1,
        ),
    },
)
FILES = st.dictionaries(TEXT, PROCESS, min_size=1, max_size=3)


def document(processes: dict[str, dict[str, Any]], reverse: bool = False) -> str:
    """Return a file; JSON is YAML."""
    listed = [{"name": name, **said} for name, said in processes.items()]
    if reverse:
        listed = [
            {k: v[::-1] if isinstance(v, list) else v for k, v in reversed(one.items())}
            for one in reversed(listed)
        ]
    organisations = [{"name": name} for name in CHOICES["controller"]]
    said = {"organisations": organisations, "processes": listed}
    return json.dumps(said, ensure_ascii=False)


@settings(max_examples=12, deadline=None)
@given(before=FILES, wanted=FILES)
def test_a_difference_that_is_applied_gives_what_is_wanted_whatever_the_order(
    before: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Graph(opened(Path(folder) / "s", "memory:")) as graph,
    ):
        path = Path(folder) / "processing.yaml"
        path.write_text(document(before), encoding="utf-8")
        graph.apply(path)
        path.write_text(document(wanted), encoding="utf-8")
        shown = graph.apply(path, dry_run=True, prune=True)
        done = graph.apply(path, prune=True)
        assert shown.changes == done.changes
        current = {found.thing.iri: found.thing for found in graph._processing.current().values()}
        assert current == {thing.iri: thing for thing in graph._processing.read(path).things}
        head = graph._ledger.head
        assert not graph.apply(path, prune=True)
        path.write_text(document(wanted, reverse=True), encoding="utf-8")
        assert not graph.apply(path, prune=True)
        assert graph._ledger.head == head


@given(
    st.integers(0, 99), st.integers(0, 30), st.integers(0, 500), st.integers(0, 50),
    st.integers(0, 90),
)  # fmt: skip
def test_a_canonical_period_is_its_own_canonical_form(
    years: int, months: int, days: int, hours: int, minutes: int
) -> None:
    text = f"P{years}Y{months}M{days}DT{hours}H{minutes}M"
    if years or months or days or hours or minutes:
        once = duration(text)
        assert duration(once) == once
