"""Makes the entries of a membership index in Spark, so that no identifier leaves it.

What leaves Spark for a row is the beginning of two keyed hashes, of the identifier and of the
row. They and the canonical form of an identifier are those of ``membership.Key`` and
``SemanticType.canonical``, said in Spark's built-in functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import Column
from pyspark.sql import types as T
from pyspark.sql.connect import functions as F

from lineage_graph.errors import StepFailed
from lineage_graph.executors import Place
from lineage_graph.executors.spark.fingerprint import row_hashes
from lineage_graph.executors.spark.steps import SparkExecutor
from lineage_graph.membership.files import ENTRY
from lineage_graph.membership.key import PREFIX, ROW, Key

SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
"""What Python's ``str.strip`` takes off the ends of a text, as a class of Java's."""
TEXTS = (T.StringType, T.CharType, T.VarcharType)
WHOLE_NUMBERS = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)


class Identity(Protocol):
    """What says when two values are the same identifier, such as a semantic type."""

    @property
    def name(self) -> str:
        """Short name."""
        ...

    @property
    def removes(self) -> str | None:
        """Regular expression of characters that are no part of it."""
        ...

    @property
    def lower(self) -> bool:
        """Whether upper and lower case are the same."""
        ...

    @property
    def width(self) -> int | None:
        """How many digits a number is filled up to."""
        ...

    @property
    def form(self) -> str:
        """Regular expression of what can name somebody."""
        ...


@dataclass(frozen=True)
class Entries:
    """What is left of a column, in files of a scratch folder.

    Attributes:
        count: How many there are: one for each row with any value.
        naming: In how many of these rows the value can name somebody; ``N/A`` cannot.
        files: Files of the entries, in order.
    """

    count: int
    naming: int
    files: tuple[Path, ...]

    def __iter__(self) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the entries in order, a bounded number at a time."""
        for file in self.files:
            for batch in pq.ParquetFile(file).iter_batches(columns=["subject", "row"]):
                yield _as_entries(batch)


def entries(
    executor: SparkExecutor, place: Place, column: str, identity: Identity, key: Key, into: Path
) -> Entries | None:
    """Hash the identifiers of a column, sorted by Spark, into a new folder.

    Args:
        executor: Of the session that works.
        place: Where the version lies.
        column: The column that identifies.
        identity: When two values are the same.
        key: What they are hashed with. It is given as data: the text of a plan, which
            errors and the pages of Spark quote, does not have it.
        into: Folder that does not exist yet.

    Returns:
        None when the column is neither text nor whole numbers that are filled up to a
        width: its values cannot be told apart as a person writes them.

    Raises:
        StepFailed: Spark raised. What it said is not repeated, for it may quote values.
    """
    try:
        with executor.unseen():
            return _made(executor, place, column, identity, key, into)
    except PySparkException as error:
        said = type(error).__name__
        # Not chained: a traceback would repeat what Spark said.
        raise StepFailed(f"Spark failed at indexing the column {column!r}: {said}.") from None


def _made(
    executor: SparkExecutor, place: Place, column: str, identity: Identity, key: Key, into: Path
) -> Entries | None:
    if place.format == "table":
        df = executor.session.table(place.paths[0])
    else:
        df = executor.relations.read(place)
        if place.schema is None and place.format != "local":
            # Without a schema every plan over the files would scan them to infer it again.
            df = executor.relations.read(replace(place, schema=df.schema.json()))
    schema = df.schema
    at = schema.names.index(column)
    kind = schema.fields[at].dataType
    if not isinstance(kind, (*TEXTS, *(WHOLE_NUMBERS if identity.width else ()))):
        return None
    by_position = df.toDF(*[f"c{position}" for position in range(len(schema.fields))])
    value = canonical(F.col(f"c{at}").cast("string"), identity)
    counted = by_position.select(value.alias("identifier"), row_hashes(schema)[0].alias("row"))
    secret = executor.session.createDataFrame([(bytearray(key.secret),)], "secret binary")
    given = counted.where(F.length("identifier") > 0).crossJoin(F.broadcast(secret))
    found = given.select(
        hashed(F.col("secret"), "identifier", identity).alias("subject"),
        row(F.col("secret"), F.col("row")).alias("row"),
        names(F.col("identifier"), identity).alias("names"),
    )
    found.sort("subject", "row").write.parquet(str(into))
    files = tuple(sorted(into.glob("part-*")))
    count = sum(pq.read_metadata(file).num_rows for file in files)
    batches = (b for file in files for b in pq.ParquetFile(file).iter_batches(columns=["names"]))
    return Entries(count, sum(batch.column(0).true_count for batch in batches), files)


def canonical(value: Column, identity: Identity) -> Column:
    """Return the canonical form of a text; see ``SemanticType.canonical``.

    Done twice, since to take characters away can leave spaces at the ends, and lower case
    can be more characters than upper case was.
    """
    for _ in range(2):
        if identity.removes:
            value = F.regexp_replace(value, F.lit(f"(?U){identity.removes}"), F.lit(""))
        value = F.regexp_replace(value, F.lit(f"^[{SPACE}]+|[{SPACE}]+$"), F.lit(""))
        value = F.lower(value) if identity.lower else value
    if identity.width:
        padded = F.lpad(value, identity.width, "0")
        short = F.length(value) < identity.width
        value = F.when(value.rlike("^[0-9]+$") & short, padded).otherwise(value)
    return value


def names(identifier: Column, identity: Identity) -> Column:
    """Tell whether a canonical value can name anybody; see ``SemanticType.names``."""
    return identifier.rlike(f"(?U)^(?:{identity.form})$")


def hashed(secret: Column, column: str, identity: Identity) -> Column:
    """Return the beginning of the keyed hash of an identifier; see ``Key.hashed``."""
    return _beginning(secret, F.concat(F.lit(f"{identity.name}|"), F.col(column)))


def row(secret: Column, row_hash: Column) -> Column:
    """Return the beginning of the keyed hash of a row's hash; see ``Key.row``."""
    return _beginning(secret, F.concat(F.lit(ROW), row_hash.cast("string")))


def _beginning(secret: Column, message: Column) -> Column:
    return F.substring(F.hmac(secret, message.cast("binary"), F.lit("SHA-256")), 1, PREFIX)


def _as_entries(batch: pa.RecordBatch) -> np.ndarray[Any, Any]:
    made = np.empty(batch.num_rows, ENTRY)
    made["subject"] = np.frombuffer(_joined(batch.column(0)), ">u8")
    made["row"] = np.frombuffer(_joined(batch.column(1)), ">i8")
    return made


def _joined(hashes: pa.Array) -> bytes:
    fixed = hashes.cast(pa.binary(PREFIX))
    begin = fixed.offset * PREFIX
    joined: bytes = fixed.buffers()[1].to_pybytes()[begin : begin + len(fixed) * PREFIX]
    return joined
