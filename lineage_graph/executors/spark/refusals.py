"""What a replay must refuse: a recorded plan is code, and may come from anybody.

A plan may only read its slots and only query. What starts processes, calls Java,
reads a path by itself or changes the session is named here, before it runs.

Source: Spark SQL reference (TRANSFORM, reflect, files as tables, ADD JAR, SET).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from sqlglot import Token, TokenType

from lineage_graph.executors.spark.plans import SLOT, is_relation, relation_type, walk
from lineage_graph.executors.spark.resolution import FILE_FORMATS, parse_sql, tables_in
from lineage_graph.executors.spark.sql_text import calls, tokens

_JAVA_CALLS = {"reflect", "java_method", "try_reflect"}
_QUERY_STARTS = {"select", "with", "from", "values", "table", "(", "map", "reduce"}
_STATEMENTS = {"insert into", "insert overwrite", "insert", "merge into", "delete from"}
_OPAQUE = {
    "common_inline_user_defined_data_source": "reads a Python data source",
    "extension": "runs a plugin of the Spark server",
    "catalog": "calls the catalogue",
    "unknown": "holds a relation this release does not know",
}
_EXTENSION = "google.protobuf.Any"
_READERS = FILE_FORMATS | {"table", "local"}
# Spark continues a line comment after a backslash and does not nest a hint.
_TWO_WAYS = re.compile(r"--[^\n]*\\\r?\n|/\*(?:(?!\*/).)*?/\*", re.DOTALL)


def forbidden(relation_or_sql: Any) -> tuple[str, ...]:
    """Return why a replay must refuse a plan or a statement; empty when it may run.

    Args:
        relation_or_sql: A lifted ``spark.connect.Relation``, whose sources are
            slots, or the text of an SQL query.
    """
    if isinstance(relation_or_sql, str):
        found: Iterator[str] = _in_query(relation_or_sql)
    else:
        messages = list(walk(relation_or_sql))
        views = {
            _key(m.alias)
            for m in messages
            if m.DESCRIPTOR.full_name == "spark.connect.SubqueryAlias"
        }
        found = (reason for m in messages for reason in _in_message(m, views))
    return tuple(dict.fromkeys(found))


def _key(name: str) -> str:
    return name.replace("`", "").lower()


def _in_message(message: Any, views: Set[str]) -> Iterator[str]:
    kind = message.DESCRIPTOR.full_name
    if is_relation(message):
        yield from _in_relation(message)
    elif kind == "spark.connect.SQL":
        yield from _in_query(message.query)
        yield from _unknown_tables(message.query, views)
    elif kind == "spark.connect.Expression.ExpressionString":
        yield from _in_text(f"SELECT {message.expression}")
        yield from _unknown_tables(f"SELECT {message.expression}", views)
    elif kind == _EXTENSION:
        yield _OPAQUE["extension"]
    elif "function_name" in message.DESCRIPTOR.fields_by_name:
        yield from _in_name(message.function_name)


def _in_relation(relation: Any) -> Iterator[str]:
    kind = relation_type(relation)
    if kind in _OPAQUE:
        yield _OPAQUE[kind]
    if kind == "relation_changes":
        yield f"reads the table {relation.relation_changes.unparsed_identifier} by name"
    if kind != "read":
        return
    if relation.read.HasField("named_table"):
        yield f"reads the table {relation.read.named_table.unparsed_identifier} by name"
    elif relation.read.HasField("data_source"):
        yield from _in_source(relation.read.data_source)


def _in_source(source: Any) -> Iterator[str]:
    if len(source.paths) != 1 or not source.paths[0].startswith(SLOT):
        places = ", ".join(source.paths) or source.format
        yield f"reads {places}, which is none of its recorded inputs"
    if source.format.lower() not in _READERS:
        yield f"reads through {source.format or 'an unnamed reader'}, which is no file format"
    if any(key.lower() in ("path", "paths") for key in source.options):
        yield "names a path in the options of a reader"


def _unknown_tables(text: str, views: Set[str]) -> Iterator[str]:
    for name in sorted(tables_in(text)):
        if "." not in name and _key(name) not in views:
            yield f"reads the table {name} by name"


def _in_name(name: str) -> Iterator[str]:
    if name.split(".")[-1].strip("`").lower() in _JAVA_CALLS:
        yield f"calls Java through {name}()"


def _in_query(text: str) -> Iterator[str]:
    found = tokens(text)
    if not found:
        yield "holds SQL that cannot be read"
        return
    first = found[0].text.lower()
    if first.split(" ")[0] not in _QUERY_STARTS:
        yield f"starts with {first.upper()}: only a query is replayed"
    yield from _in_text(text)


def _in_text(text: str) -> Iterator[str]:
    found = tokens(text)
    if found is None or parse_sql(text) is None:
        yield "holds SQL that cannot be read"
        return
    if any(token.comments for token in found) and _TWO_WAYS.search(text):
        yield "holds a comment that can be read in two ways"
    for name in sorted(tables_in(text)):
        if "." in name:
            yield f"reads {name}, which is none of its views"
    for call in calls(text):
        yield from _in_name(call.name)
        if call.name == "identifier":
            yield "names a table or function by a value, through IDENTIFIER()"
    for index, token in enumerate(found):
        yield from _at(text, found, index, token)


def _at(text: str, found: list[Token], index: int, token: Token) -> Iterator[str]:
    word = token.text.lower()
    following = found[index + 1] if index + 1 < len(found) else None
    quoted = text[token.start] == "`"
    if word == "using" and not quoted and not _opens(following):
        yield "starts a process, through TRANSFORM ... USING"
    if word in _STATEMENTS and not quoted and not _opens(following):
        yield f"holds {word.upper()}: only a query is replayed"
    if token.token_type is TokenType.SEMICOLON and following is not None:
        yield "holds more than one statement"


def _opens(token: Token | None) -> bool:
    return token is not None and token.token_type is TokenType.L_PAREN
