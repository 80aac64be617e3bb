"""What is declared is found, read strictly, and bound without a way to break out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_graph.declarations import (
    Declarations,
    Parameter,
    bundled,
    read_query,
    string_text,
    term_text,
    utc_text,
)
from lineage_graph.errors import DeclarationError, NotFound

HEADINGS = "#+ title: T\n#+ description: D.\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def query_with(tmp_path: Path, kind: str) -> Any:
    text = f"{HEADINGS}SELECT ?x WHERE {{\n  VALUES ?x {{ UNDEF }}   # {kind}: what\n}}\n"
    return read_query("q", write(tmp_path, f"{kind}.rq", text))


def test_a_term_becomes_an_iri_and_back() -> None:
    declared = bundled()
    assert declared.iri("used") == "http://www.w3.org/ns/prov#used"
    assert declared.iri("prov:Bundle") == "http://www.w3.org/ns/prov#Bundle"
    assert declared.term(declared.iri("used")) == "used"
    assert declared.term(declared.iri("prov:hadRole")) == "prov:hadRole"
    assert declared.term("urn:x") == "urn:x"


def test_an_unknown_term_is_refused_with_a_suggestion() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'generated_by'"):
        bundled().iri("generatedby")


def test_every_term_is_the_term_of_its_iri() -> None:
    declared = bundled()
    assert {n: declared.term(i) for n, i in declared.terms.items()} == {
        n: n for n in declared.terms
    }


def test_an_unknown_query_is_refused_with_a_suggestion() -> None:
    with pytest.raises(NotFound, match="did you mean 'records/datasets'"):
        bundled().query("records/dataset")


def test_queries_of_a_folder_are_sorted_by_name() -> None:
    names = [query.name for query in bundled().queries("records")]
    assert names == sorted(names)
    assert all(name.startswith("records/") for name in names)
    assert set(names) < {query.name for query in bundled().queries()}


def test_an_organisation_adds_and_never_replaces(tmp_path: Path) -> None:
    write(tmp_path, "queries/ours/one.rq", f"{HEADINGS}ASK {{}}")
    write(tmp_path, "ontology/ours.ttl", "")
    declared = Declarations(tmp_path)
    assert declared.query("ours/one").title == "T"
    assert tmp_path / "ontology" / "ours.ttl" in declared.ontology_files()
    theirs = write(tmp_path, "queries/records/models.rq", f"{HEADINGS}ASK {{}}")
    with pytest.raises(DeclarationError, match="same name") as problem:
        Declarations(tmp_path)
    assert str(theirs) in str(problem.value)
    assert str(bundled().query("records/models").path) in str(problem.value)


def test_an_organisation_cannot_replace_the_context(tmp_path: Path) -> None:
    write(tmp_path, "ontology/context.jsonld", "{}")
    with pytest.raises(DeclarationError, match="same name"):
        Declarations(tmp_path)


def test_an_organisation_folder_without_declarations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="neither"):
        Declarations(tmp_path)


def test_parameters_are_read_from_their_lines(tmp_path: Path) -> None:
    assert query_with(tmp_path, "iri").parameters == (Parameter("x", "iri", "what"),)


@pytest.mark.parametrize(
    "line", ["VALUES ?x { UNDEF }", "VALUES ?x { UNDEF }  # text: y", "VALUES ?x {UNDEF} # iri: y"]
)
def test_a_parameter_line_of_another_form_is_refused(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, "q.rq", f"{HEADINGS}SELECT * {{\n{line}\n}}")
    with pytest.raises(DeclarationError, match="must read"):
        read_query("q", path)


def test_a_parameter_with_two_types_is_refused(tmp_path: Path) -> None:
    lines = "VALUES ?x { UNDEF } # iri: a\nVALUES ?x { UNDEF } # string: b\n"
    with pytest.raises(DeclarationError, match="one type"):
        read_query("q", write(tmp_path, "two.rq", f"{HEADINGS}ASK {{\n{lines}}}"))


def test_a_query_without_a_title_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="title"):
        read_query("q", write(tmp_path, "untitled.rq", "#+ description: D\nASK {}"))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("iri", "urn:x:é", "<urn:x:é>"),
        ("string", 'a"b\\c\n', r'"a\"b\\c\n"'),
        ("integer", -7, "-7"),
        ("boolean", True, "true"),
        ("iri", ["urn:a", "urn:b"], "<urn:a> <urn:b>"),
        ("iri", [], ""),
    ],
)
def test_a_value_is_bound_as_a_term(tmp_path: Path, kind: str, value: Any, text: str) -> None:
    assert f"VALUES ?x {{ {text} }}" in query_with(tmp_path, kind).bind(x=value)


def test_what_is_not_given_stays_unbound(tmp_path: Path) -> None:
    query = query_with(tmp_path, "iri")
    assert query.bind() == query.bind(x=None) == query.text


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("iri", "urn:a> . ?s ?p ?o . <urn:b"),
        ("iri", r"urn:a\u003E"),
        ("iri", "relative"),
        ("iri", 5),
        ("string", 5),
        ("string", "\ud800"),
        ("integer", True),
        ("integer", "5"),
        ("boolean", 1),
        ("dateTime", "2020-01-01"),
        ("dateTime", datetime(2020, 1, 1)),
    ],
)
def test_a_value_of_another_type_is_refused(tmp_path: Path, kind: str, value: Any) -> None:
    with pytest.raises(DeclarationError, match="must be of type"):
        query_with(tmp_path, kind).bind(x=value)


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="no parameter 'y'"):
        query_with(tmp_path, "iri").bind(y="urn:x")


def test_a_time_is_written_in_utc_with_microseconds() -> None:
    zone = timezone(timedelta(hours=-3))
    assert utc_text(datetime(2024, 1, 1, 22, tzinfo=zone)) == "2024-01-02T01:00:00.000000Z"
    assert "2024" in term_text("dateTime", datetime(2024, 1, 1, tzinfo=UTC))


def resolved_first(query: str) -> str:
    """Read codepoint escapes before anything else, as SPARQL 1.1 (19.2) can be read."""
    return re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), query)


@given(st.text(st.one_of(st.sampled_from('\\"uU0027\n\r'), st.characters(codec="utf-8"))))
def test_no_text_ends_its_literal_early_whatever_order_a_server_reads_in(text: str) -> None:
    query = f"SELECT ({string_text(text)} AS ?x) {{}}"
    controls = any(ord(c) < 32 and c not in "\n\r\t" for c in text)
    for read in (query,) if controls else (query, resolved_first(query)):
        answer = ox.Store().query(read)
        assert isinstance(answer, ox.QuerySolutions)
        (row,) = answer
        assert row["x"] == ox.Literal(text)
