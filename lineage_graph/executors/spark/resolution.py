"""What a plan names but does not hold: temporary views, functions, checkpoints, tables.

Spark Connect resolves such names when an action runs, in the session of that
moment. To be executed in another session a plan must be *closed*: every name of
this session replaced by what it stood for.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyspark.sql.connect.proto as pb2
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from lineage_graph.executors.spark.plans import children, is_relation, relation_type, walk
from lineage_graph.executors.spark.sql_text import tokens

CLOCKS = {
    "current_timestamp": "timestamp",
    "now": "timestamp",
    "localtimestamp": "timestamp_ntz",
    "current_date": "date",
    "curdate": "date",
}
FILE_FORMATS = {"parquet", "csv", "json", "text", "orc", "avro", "delta", "binaryfile", "xml"}
FUNCTION_CALLS = ("spark.connect.Expression.UnresolvedFunction", "spark.connect.CallFunction")


class SessionNames:
    """The names of one Spark session, learnt from the commands that pass by."""

    def __init__(self) -> None:
        self.views: dict[str, Any] = {}
        self.functions: dict[str, Any] = {}
        self.checkpoints: dict[str, Any] = {}

    def learn(self, command: Any) -> None:
        """Take over what a command defines.

        Args:
            command: A closed ``spark.connect.Command`` that succeeded.
        """
        kind = command.WhichOneof("command_type")
        if kind == "create_dataframe_view":
            view = command.create_dataframe_view
            prefix = "global_temp." if view.is_global else ""
            self.views[_key(prefix + view.name)] = view.input
        elif kind == "register_function":
            function = command.register_function
            self.functions[function.function_name.lower()] = function
        elif kind == "sql_command":
            self._learn_sql(command.sql_command)

    def forget(self, catalog: Any) -> None:
        """Take over what a catalogue call drops."""
        kind = catalog.WhichOneof("cat_type")
        if kind == "drop_temp_view":
            self.views.pop(_key(catalog.drop_temp_view.view_name), None)
        elif kind == "drop_global_temp_view":
            self.views.pop(_key("global_temp." + catalog.drop_global_temp_view.view_name), None)

    def _learn_sql(self, command: Any) -> None:
        statement = parse_sql(sql_text(command))
        if isinstance(statement, exp.Create) and statement.kind == "VIEW" and statement.expression:
            if statement.find(exp.TemporaryProperty):
                view = pb2.Relation()
                view.CopyFrom(command.input)
                _sql_of(view).query = statement.expression.sql(dialect="spark")
                self.views[_key(statement.this.sql(dialect="spark"))] = view
        elif isinstance(statement, exp.Drop) and statement.kind == "VIEW":
            self.views.pop(_key(statement.this.sql(dialect="spark")), None)

    def close(self, message: Any) -> None:
        """Replace this session's names below a message by what they stand for, in place."""
        stack = [message]
        while stack:
            current = stack.pop()
            if is_relation(current):
                self._close_relation(current)
            # The text of a query is closed by its references, not by its own relation.
            if is_relation(current) and _is_closed_sql(current):
                stack.extend(current.with_relations.references)
            else:
                stack.extend(children(current))

    def _close_relation(self, relation: Any) -> None:
        kind = relation_type(relation)
        if kind == "read" and relation.read.HasField("named_table"):
            name = relation.read.named_table.unparsed_identifier
            view = self.views.get(_key(name))
            if view is not None:
                _replace(relation, _aliased(name, view))
        elif kind == "cached_remote_relation":
            made_by = self.checkpoints.get(relation.cached_remote_relation.relation_id)
            if made_by is not None:
                _replace(relation, made_by)
        elif kind == "sql":
            self._close_sql(relation, ())
        elif _is_closed_sql(relation):
            given = [r.subquery_alias.alias for r in relation.with_relations.references]
            for reference in self._references(relation.with_relations.root.sql, given):
                relation.with_relations.references.add().CopyFrom(reference)

    def _close_sql(self, relation: Any, given: tuple[str, ...]) -> None:
        references = list(self._references(relation.sql, given))
        if not references:
            return
        root = pb2.Relation()
        root.CopyFrom(relation)
        relation.Clear()
        relation.common.CopyFrom(root.common)
        root.ClearField("common")
        relation.with_relations.root.CopyFrom(root)
        for reference in references:
            relation.with_relations.references.add().CopyFrom(reference)

    def _references(self, sql: Any, given: list[str] | tuple[str, ...]) -> Iterator[Any]:
        known = {_key(name) for name in given}
        for name in sorted(tables_in(sql.query)):
            if _key(name) not in known and "." not in name:
                yield _aliased(name, self._meant(name))
        sql.query, shortened = shorten(sql.query)
        for short, parts in shortened.items():
            yield _aliased(short, self._meant(".".join(parts), parts))

    def _meant(self, name: str, parts: tuple[str, ...] = ()) -> Any:
        """Return the view, the table or the file that a query names."""
        view = self.views.get(_key(name))
        if view is not None:
            return view
        found = pb2.Relation()
        if len(parts) == 2 and parts[0].lower() in FILE_FORMATS:
            found.read.data_source.format, path = parts
            found.read.data_source.paths.append(path)
        else:
            quoted = ".".join(f"`{part}`" for part in parts)
            found.read.named_table.unparsed_identifier = quoted or name
        return found

    def called(self, message: Any) -> tuple[Any, ...]:
        """Return the registered functions that are called by name below a message."""
        names: set[str] = set()
        for part in walk(message):
            kind = part.DESCRIPTOR.full_name
            if kind in FUNCTION_CALLS:
                names.add(part.function_name.lower())
            elif kind == "spark.connect.Expression.ExpressionString":
                names |= set(_words(part.expression))
            elif kind == "spark.connect.SQL":
                names |= set(_words(part.query))
        return tuple(self.functions[n] for n in sorted(names & self.functions.keys()))


def isolate(message: Any) -> None:
    """Give what queries refer to names of its own, in place, ready to be executed.

    Spark makes the references of a query temporary views of the session and drops
    them when it is done: under their own names it would drop the user's views, and
    those of a view that a view refers to. The query keeps its names by common table
    expressions.
    """
    for relation in [m for m in walk(message) if is_relation(m) and _is_closed_sql(m)]:
        tables = []
        for reference in relation.with_relations.references:
            alias = reference.subquery_alias
            own = f"lineage_graph_{uuid4().hex}"
            tables.append(f"`{alias.alias}` AS (SELECT * FROM {own})")
            alias.alias = own
        sql = relation.with_relations.root.sql
        sql.query = _with_tables(sql.query, tables)


def _with_tables(text: str, tables: list[str]) -> str:
    words = tokens(text) or []
    if not words or words[0].text.upper() != "WITH":
        return f"WITH {', '.join(tables)} {text}"
    last = words[1] if len(words) > 1 and words[1].text.upper() == "RECURSIVE" else words[0]
    end = last.end + 1
    return f"{text[:end]} {', '.join(tables)}, {text[end:]}"


def freeze_clocks(message: Any, zone: str = "UTC") -> int:
    """Replace calls such as ``current_timestamp()`` by the moment of recording, in place.

    Returns:
        How many calls were replaced. Clocks inside SQL text stay as they are.
    """
    now = datetime.datetime.now(datetime.UTC)
    values = {"timestamp": int(now.timestamp() * 1_000_000)}
    # A zone that only Spark knows leaves the local clocks as they are, with a caution.
    with suppress(ZoneInfoNotFoundError, ValueError):
        here = now.astimezone(ZoneInfo(zone)).replace(tzinfo=datetime.UTC)
        values["timestamp_ntz"] = int(here.timestamp() * 1_000_000)
        values["date"] = int(here.timestamp()) // 86_400
    frozen = 0
    for part in list(walk(message)):
        if part.DESCRIPTOR is not pb2.Expression.DESCRIPTOR:
            continue
        call = part.unresolved_function
        if part.WhichOneof("expr_type") != "unresolved_function" or call.arguments:
            continue
        literal = CLOCKS.get(call.function_name.lower(), "")
        if literal not in values:
            continue
        part.Clear()
        setattr(part.literal, literal, values[literal])
        frozen += 1
    return frozen


def sql_text(command: Any) -> str:
    """Return the text of a ``SqlCommand``, wherever its Spark release puts it."""
    if command.HasField("input"):
        return str(_sql_of(command.input).query)
    return str(command.sql)


def sets_something(command: Any) -> bool:
    """Tell whether a command is SQL that changes a setting of the session."""
    if command.WhichOneof("command_type") != "sql_command":
        return False
    words = tokens(sql_text(command.sql_command)) or []
    return bool(words) and words[0].text.split(" ")[0].upper() in ("SET", "RESET")


def parse_sql(text: str) -> exp.Expr | None:
    """Return the syntax tree of Spark SQL, or None when it cannot be read."""
    try:
        return sqlglot.parse_one(text, dialect="spark")
    except (SqlglotError, RecursionError):
        return None


def tables_in(text: str) -> set[str]:
    """Return the tables and views a query names, its own CTEs left out."""
    tree = parse_sql(text)
    if tree is None:
        return set()
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    return {
        ".".join(part.name for part in table.parts)
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier)
        and not (len(table.parts) == 1 and table.name.lower() in own)
    }


def shorten(text: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Give tables that a query names by several parts names of one part.

    Returns:
        The text, and each new name with the parts it stands for. A query that
        qualifies columns by such a name, or reads two of the same last part, stays as it is.
    """
    tree = parse_sql(text)
    tables = [t for t in tree.find_all(exp.Table) if len(t.parts) > 1] if tree else []
    if tree is None or any(len(column.parts) > 2 for column in tree.find_all(exp.Column)):
        return text, {}
    taken = {_key(name) for name in tables_in(text) if "." not in name}
    taken |= {_key(cte.alias) for cte in tree.find_all(exp.CTE)}
    names: dict[tuple[str, ...], str] = {}
    rewritten = text
    for table in sorted(tables, key=_position, reverse=True):
        parts = tuple(str(part.name) for part in table.parts)
        is_file = parts[0].lower() in FILE_FORMATS
        short = names.get(parts) or (f"{parts[0]}_{len(names)}" if is_file else parts[-1])
        if parts not in names and (_key(short) in taken or not re.fullmatch(r"\w+", short)):
            return text, {}
        taken.add(_key(short))
        names[parts] = short
        end = table.parts[-1].meta["end"] + 1
        rewritten = f"{rewritten[: _position(table)]}`{short}`{rewritten[end:]}"
    return rewritten, {short: parts for parts, short in names.items()}


def _position(table: exp.Table) -> int:
    return int(table.parts[0].meta["start"])


def unliftable(message: Any) -> Iterator[str]:
    """Yield why the plan below a message cannot be closed."""
    for part in walk(message):
        kind = part.DESCRIPTOR.full_name
        if kind == "spark.connect.SQL":
            if parse_sql(part.query) is None:
                yield "its SQL could not be read, so the tables it names are not known"
            for name in tables_in(part.query):
                if "." in name:
                    yield f"its SQL names {name}; use spark.table() or spark.read for it"
        elif kind == "spark.connect.CachedRemoteRelation":
            yield "it uses a checkpoint that was made before recording began"
        elif kind in ("spark.connect.ObjectRef", "spark.connect.Fetch"):
            yield "it uses a fitted Spark ML model; use graph.fit() and graph.predict()"
        elif kind == "spark.connect.CommonInlineUserDefinedDataSource":
            yield "it reads a Python data source, whose data was not pinned"
        elif kind == "spark.connect.Read" and part.is_streaming:
            yield "it reads a stream"


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z_][a-z0-9_]*(?=\s*\()", text.lower())


def _key(name: str) -> str:
    return name.replace("`", "").lower()


def _aliased(name: str, view: Any) -> Any:
    relation = pb2.Relation()
    relation.subquery_alias.alias = name.split(".")[-1].strip("`")
    relation.subquery_alias.input.CopyFrom(view)
    return relation


def _replace(relation: Any, by: Any) -> None:
    common = pb2.RelationCommon()
    common.CopyFrom(relation.common)
    relation.CopyFrom(by)
    relation.common.CopyFrom(common)


def _is_closed_sql(relation: Any) -> bool:
    if relation_type(relation) != "with_relations":
        return False
    return relation_type(relation.with_relations.root) == "sql"


def _sql_of(relation: Any) -> Any:
    if relation_type(relation) == "with_relations":
        return relation.with_relations.root.sql
    return relation.sql
