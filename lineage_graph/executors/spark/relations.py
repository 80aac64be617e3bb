"""Questions about relations that only a Spark session can answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyspark.sql.connect.proto as pb2
from pyspark.sql import types as T
from pyspark.sql.connect.dataframe import DataFrame as ConnectDataFrame
from pyspark.sql.connect.expressions import LiteralExpression
from pyspark.sql.connect.plan import CachedRelation
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.dataframe import DataFrame

from lineage_graph.executors import Fingerprint, Place
from lineage_graph.executors.spark.fingerprint import fingerprint, observe
from lineage_graph.executors.spark.globs import as_pattern
from lineage_graph.executors.spark.plans import bind, slots
from lineage_graph.executors.spark.resolution import isolate

INLINE_LIMIT = 16 * 1024 * 1024


class Relations:
    """Relations of one session.

    Args:
        session: A Spark Connect session.
        artifact: Returns the path of uploaded data by its sha256.
    """

    def __init__(self, session: SparkSession, artifact: Callable[[str], Path]) -> None:
        self._session = session
        self._artifact = artifact

    def frame(self, relation: Any) -> DataFrame:
        """Return a relation as a DataFrame."""
        return ConnectDataFrame(CachedRelation(relation), self._session)

    def schema(self, relation: Any) -> T.StructType:
        """Return the schema that Spark resolves for a relation."""
        plan = pb2.Plan()
        plan.root.CopyFrom(relation)
        return self._session.client.schema(plan)

    def schema_names(self, places: Mapping[str, Place]) -> Callable[[Any], list[str]]:
        """Return a function from a lifted relation to its column names."""

        def names(relation: Any) -> list[str]:
            return self.schema(self.bound(relation, places)).names

        return names

    def bound(self, relation: Any, places: Mapping[str, Place]) -> Any:
        """Return a lifted relation with its slots filled."""
        plan = pb2.Plan()
        plan.root.CopyFrom(relation)
        self.bind(plan, places)
        return plan.root

    def bind(self, plan: Any, places: Mapping[str, Place]) -> None:
        """Fill a lifted plan's slots, in place."""
        needed = {slot for _, slot in slots(plan)}
        bind(plan, {slot: places[slot] for slot in needed}, self._upload)
        isolate(plan)

    def watched(self, relation: Any) -> tuple[Any, str]:
        """Return a relation whose fingerprint is observed while it is written.

        Returns:
            The relation and the name of the observation.
        """
        observed, observation = observe(self.frame(relation))
        return self.plan_of(observed).root, str(observation._name)

    def plan_of(self, df: Any) -> Any:
        """Return the plan that a DataFrame stands for."""
        return df._plan.to_proto(self._session.client)

    def literal(self, value: Any) -> Any:
        """Return an observed metric as a Python value."""
        return LiteralExpression._to_value(value)

    def table(self, name: str) -> Place:
        """Return the files of a catalogue table.

        A table that lies nowhere, such as a permanent view, keeps the format
        ``table``.
        """
        rows = self._session.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()
        facts = {row["col_name"]: row["data_type"] for row in rows}
        location, provider = facts.get("Location"), facts.get("Provider")
        if not location or not provider:
            return Place((name,), "table")
        schema = json.dumps(self._session.table(name).schema.jsonValue())
        return Place((local_path(location),), provider.lower(), schema=schema)

    def append_to(self, relation: Any, place: Place) -> None:
        """Make a relation what a place will hold once it was appended, in place.

        Nothing changes when nothing lies there yet.
        """
        before = self._lying_there(place)
        if before is None:
            return
        appended = pb2.Relation()
        appended.CopyFrom(relation)
        relation.Clear()
        union = relation.set_op
        union.left_input.CopyFrom(before)
        union.right_input.CopyFrom(appended)
        union.set_op_type = pb2.SetOperation.SetOpType.SET_OP_TYPE_UNION
        union.is_all = True
        union.by_name = place.format != "table"
        union.allow_missing_columns = union.by_name

    def lies_there(self, place: Place) -> bool:
        """Whether something lies at a place already."""
        return self._lying_there(place) is not None

    def _lying_there(self, place: Place) -> Any:
        found = pb2.Relation()
        if place.format == "table":
            if not self._session.catalog.tableExists(place.paths[0]):
                return None
            found.read.named_table.unparsed_identifier = place.paths[0]
            return found
        folder = Path(local_path(place.paths[0]))
        if not folder.exists() or not any(folder.iterdir()):
            return None
        found.read.data_source.format = place.format
        found.read.data_source.paths.append(as_pattern(place.paths[0]))
        found.read.data_source.options.update(place.options)
        if place.schema is not None:
            found.read.data_source.schema = place.schema
        return found

    def read_back(self, place: Place) -> Fingerprint:
        """Return the fingerprint of what lies at a place now."""
        if place.format == "table":
            return fingerprint(self._session.table(place.paths[0]))
        df = self.read(place)
        if place.schema is None:
            # Without a schema every plan over the files would scan them to infer it again.
            df = self.read(replace(place, schema=df.schema.json()))
        return fingerprint(df)

    def read(self, place: Place) -> DataFrame:
        """Return what lies at a place as a DataFrame."""
        if place.format == "local":
            return self.frame(self._upload(place))
        reader = self._session.read.format(place.format).options(**dict(place.options))
        if place.schema is not None:
            reader = reader.schema(_schema(place.schema))
        return reader.load([as_pattern(path) for path in place.paths])

    def _upload(self, place: Place) -> Any:
        """Return uploaded Arrow data as a relation, in the plan when it is small."""
        relation = pb2.Relation()
        chunks = [self._artifact(digest).read_bytes() for digest in place.paths]
        schema_hash = place.options.get("schema")
        if len(chunks) <= 1 and sum(map(len, chunks)) <= INLINE_LIMIT:
            if chunks:
                relation.local_relation.data = chunks[0]
            schema = self._artifact(schema_hash).read_text() if schema_hash else place.schema
            if schema:
                relation.local_relation.schema = schema
            return relation
        self._session.client.cache_artifacts(chunks)
        cached = relation.chunked_cached_local_relation
        cached.dataHashes.extend(place.paths)
        if schema_hash:
            self._session.client.cache_artifacts([self._artifact(schema_hash).read_bytes()])
            cached.schemaHash = schema_hash
        return relation


def _schema(text: str) -> T.StructType | str:
    """Return a schema that is said as JSON or as DDL."""
    return T.StructType.fromJson(json.loads(text)) if text.startswith("{") else text


def local_path(location: str) -> str:
    """Return the path of a ``file:`` location, anything else as it is."""
    parsed = urlparse(location)
    return unquote(parsed.path) if parsed.scheme == "file" else location
