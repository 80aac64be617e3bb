"""A page to try queries on while one develops; it needs no script."""

from __future__ import annotations

from functools import cache
from html import escape

from lineage_graph.server.graphql.schema import sdl

_QUERY = "{ datasets(first: 10) { edges { node { name license } } } }"


@cache
def page() -> str:
    """Return the page: a form that sends a query, and the schema."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        "<title>GraphQL</title></head>\n<body>\n<h1>GraphQL</h1>\n"
        '<form method="get" action="/graphql">\n<p><label for="query">Query</label></p>\n'
        f'<textarea id="query" name="query" rows="15" cols="100">{escape(_QUERY)}</textarea>\n'
        '<p><label for="variables">Variables, as JSON</label></p>\n'
        '<textarea id="variables" name="variables" rows="5" cols="100">{}</textarea>\n'
        '<p><button type="submit">Ask</button></p>\n</form>\n'
        f"<h2>Schema</h2>\n<pre>{escape(sdl())}</pre>\n</body>\n</html>\n"
    )
