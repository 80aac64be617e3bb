"""Telling declared questions from texts that somebody wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lineage_graph.declarations import Declarations
from lineage_graph.server.declared_queries import DeclaredQueries

DECLARATIONS = Declarations()
TEXTS = DeclaredQueries(DECLARATIONS)
VALUES = {
    "iri": ["urn:a", "urn:b:é#1/2"],
    "string": ['a "quote" \\u0022 } UNION { ?s ?p ?o }', "line\nbreak\t\x01"],
    "integer": [1, -2],
    "dateTime": [datetime(2026, 1, 2, tzinfo=UTC)],
    "boolean": [True, False],
}


@pytest.mark.parametrize("query", DECLARATIONS.queries(), ids=lambda query: query.name)
def test_a_declared_question_is_known_whatever_it_is_asked_about(query: object) -> None:
    from lineage_graph.declarations import Query

    assert isinstance(query, Query)
    assert TEXTS.has(query.text)
    bound = {parameter.name: VALUES[parameter.type] for parameter in query.parameters}
    assert TEXTS.has(query.bind(**bound))


@pytest.mark.parametrize(
    "rows",
    [
        "UNDEF } { ?s ?p ?o",
        "<urn:a> } SERVICE <http://x> { ?s ?p ?o ",
        '"a" } { ?s ?p "b"',
        '"\\u0022 } { ?s ?p ?o } #"',
        "<urn:\\u003E>",
        "?s",
        "<urn:a>\n} { ?s ?p ?o",
        "",
    ],
)
def test_a_value_that_is_more_than_a_term_makes_it_another_question(rows: str) -> None:
    text = DECLARATIONS.query("records/artifacts").text
    assert "{ UNDEF }" in text
    assert not TEXTS.has(text.replace("UNDEF", rows, 1))


def test_other_texts_are_not_declared() -> None:
    assert not TEXTS.has("SELECT * WHERE { ?s ?p ?o }")
    assert not TEXTS.has(DECLARATIONS.query("records/artifacts").text + "# more")
