"""What a command writes, whichever of Spark's ways of writing it uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyspark.sql.connect.proto as pb2
from sqlglot import exp

from lineage_graph.executors import Place
from lineage_graph.executors.spark.resolution import FILE_FORMATS, parse_sql, sql_text
from lineage_graph.identity import without_credentials, without_secrets

OUTPUT = "output"
DEFAULT_FORMAT = "parquet"
_APPEND = "SAVE_MODE_APPEND"
_IGNORE = "SAVE_MODE_IGNORE"
TEXT_FORMATS = {"csv", "json", "text", "xml"}


@dataclass(frozen=True)
class Write:
    """A write, before it happens.

    Attributes:
        command: Field of ``spark.connect.Command`` that holds it.
        relation: What is written.
        place: Where to; the format ``table`` means a table of that name.
        format: Format of the files.
        appends: Whether what lies there stays.
        rides_along: Whether the command has an input that can be observed.
        label: For people.
        partitioning: Columns that become folders.
        yields: Whether nothing is written when something lies there already.
        partial: Whether only some partitions of what lies there are replaced.
    """

    command: str
    relation: Any
    place: Place
    format: str
    appends: bool
    rides_along: bool
    label: str
    partitioning: tuple[str, ...] = ()
    yields: bool = False
    partial: bool = False

    @property
    def is_table(self) -> bool:
        """Whether the place is a table's name."""
        return self.place.format == "table"

    def described(self, schema: str) -> Write:
        """Return it with the schema that files of text do not hold themselves.

        Args:
            schema: JSON of what is written.
        """
        if self.format.lower() not in TEXT_FORMATS or self.is_table:
            return self
        return replace(self, place=replace(self.place, schema=schema))


def write_of(command: Any) -> Write | None:
    """Return what a command writes, or None."""
    kind = command.WhichOneof("command_type")
    if kind == "write_operation":
        return _classic(command.write_operation)
    if kind == "write_operation_v2":
        return _v2(command.write_operation_v2)
    if kind == "sql_command":
        return _sql(command.sql_command)
    return None


def _classic(write: Any) -> Write | None:
    mode = pb2.WriteOperation.SaveMode.Name(write.mode)
    appends, yields = mode == _APPEND, mode == _IGNORE
    source = write.source or DEFAULT_FORMAT
    options = {key: value for key, value in write.options.items() if key != "path"}
    relation = _copy(write.input)
    columns = tuple(write.partitioning_columns)
    if write.HasField("table"):
        table = write.table.table_name
        appends = appends or "INSERT" in pb2.WriteOperation.SaveTable.TableSaveMethod.Name(
            write.table.save_method
        )
        label = f"write table {table}"
        place = Place((table,), "table")
        return Write(
            "write_operation", relation, place, source, appends, not appends, label, columns, yields
        )
    path = write.path or write.options.get("path", "")
    if not path and "dbtable" in options:
        path = f"{without_credentials(options.get('url', ''))} {options['dbtable']}"
        appends = False
    if not path:
        return None
    label = f"write {source} {without_credentials(path)}"
    place = Place((path,), source, options)
    return Write(
        "write_operation", relation, place, source, appends, not appends, label, columns, yields
    )


def _v2(write: Any) -> Write:
    mode = pb2.WriteOperationV2.Mode.Name(write.mode)
    appends = mode in ("MODE_APPEND", "MODE_OVERWRITE", "MODE_OVERWRITE_PARTITIONS")
    table = write.table_name
    return Write(
        "write_operation_v2",
        _copy(write.input),
        Place((table,), "table"),
        write.provider or DEFAULT_FORMAT,
        appends,
        not appends,
        f"write table {table}",
    )


def _sql(command: Any) -> Write | None:
    statement = parse_sql(sql_text(command))
    if isinstance(statement, exp.Create) and statement.kind == "TABLE" and statement.expression:
        target, appends = statement.this, False
    elif isinstance(statement, exp.Insert) and statement.expression:
        target, appends = statement.this, not statement.args.get("overwrite")
    else:
        return None
    table = target.this if isinstance(target, exp.Schema) else target
    relation = pb2.Relation()
    relation.CopyFrom(command.input)
    inner = relation.with_relations.root if relation.HasField("with_relations") else relation
    inner.sql.query = statement.expression.sql(dialect="spark")
    name = table.sql(dialect="spark")
    return Write(
        "sql_command",
        relation,
        Place((name,), "table"),
        DEFAULT_FORMAT,
        appends,
        False,
        f"write table {name} by SQL",
        yields=bool(statement.args.get("exists")),
        partial=bool(statement.args.get("overwrite") and statement.args.get("partition")),
    )


def _copy(relation: Any) -> Any:
    """Return a copy: what is sent gets an observation, what is recorded does not."""
    copy = pb2.Relation()
    copy.CopyFrom(relation)
    return copy


def lift_write(plan: Any, write: Write) -> None:
    """Turn a plan's lifted relation into a write to ``output``, in place.

    What is no format of files, such as a database, is replayed as its relation alone.
    """
    if write.format.lower() not in FILE_FORMATS:
        return
    relation = _copy(plan.root)
    command = plan.command.write_operation
    command.input.CopyFrom(relation)
    command.source = write.format
    command.path = OUTPUT
    command.mode = pb2.WriteOperation.SaveMode.SAVE_MODE_ERROR_IF_EXISTS
    command.partitioning_columns.extend(write.partitioning)
    for key, value in without_secrets(write.place.options).items():
        command.options[key] = value
