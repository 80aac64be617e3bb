"""What holds for any sample: one label a column, in any order of values, and no exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.declarations import bundled
from lineage_graph.executors import Sample
from lineage_graph.graph.declared import Declared
from lineage_graph.privacy.recognition import Recogniser
from lineage_graph.privacy.types import SemanticType, SemanticTypes

DECLARED = Declared(bundled())
TYPES = SemanticTypes(DECLARED, bundled())
RECOGNISER = Recogniser(TYPES, DECLARED)
STATUSES = {"accepted", "suggested", "unknown"}

KNOWN = ["cpf", "email", "nome", "dt_nasc", "age", "lat", "lon", "birthYear", "birthMonth", "_c0"]
LIKELY = [
    "529.982.247-25",
    "ana@example.com",
    "2020-02-30",
    "12/31/1999",
    "4111111111111111",
    "+1 202-555-0143",
    "192.0.2.300",
    "::1",
    "-23.5505",
    "1e400",
    "NaN",
    "٣٤",
    "²",
    "R$ 1.000,00",
    "BR",
    "Maria da Silva",
]
VALUES = st.one_of(st.sampled_from(LIKELY), st.text(max_size=30), st.integers().map(str))
HEADERS = st.one_of(st.sampled_from(KNOWN), st.text(max_size=20))
DATATYPES = st.sampled_from(["string", "int", "double", "boolean", "date", "decimal(10,2)", "x<"])
TABLES = st.dictionaries(HEADERS, st.lists(VALUES, max_size=25), max_size=4)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.dictionaries(HEADERS, DATATYPES, max_size=4))
def test_any_sample_gives_one_label_a_column_whatever_the_order(
    table: dict[str, list[str]], datatypes: dict[str, str]
) -> None:
    labels = RECOGNISER.labels(Sample(3, 25, table), datatypes)
    assert [label.column for label in labels] == list(table)
    for label in labels:
        assert label.status in STATUSES
        assert (label.semantic_type is None) == (label.status == "unknown")
        assert label.value_share is None or 0 <= label.value_share <= 1
        assert label.semantic_type is None or TYPES.get(label.semantic_type)
    turned = {name: values[::-1] for name, values in table.items()}
    assert RECOGNISER.labels(Sample(3, 25, turned), datatypes) == labels


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TYPES.all()), VALUES)
def test_what_makes_a_value_the_same_is_stable(one: SemanticType, text: str) -> None:
    canonical = one.canonical(text)
    assert one.canonical(canonical) == canonical
    assert one.canonical(f" {text} ") == canonical
    assert one.valid(text) in (True, False)
