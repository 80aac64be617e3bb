"""Spark Connect plans as data: walk them, give them one canonical form, lift their inputs out.

A *canonical* plan has its ``plan_id``s renumbered in pre-order, no call sites,
no random view names and no deep nesting, and is serialised deterministically:
the same program twice is the same bytes. A *lifted* plan reads from slots
(``input:0`` ...) instead of paths, tables and uploaded data.

Source of the message names: ``spark/connect/*.proto`` of Spark 4.x.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyspark.sql.connect.proto as pb2
import zstandard
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from lineage_graph.executors import BASE_PATH, Place
from lineage_graph.executors.spark.globs import as_path, as_pattern

SLOT = "input:"
_REFERENCE = "#"
_SESSION_VIEW = re.compile(r"_pyspark_connect_temp_view_[0-9a-f]{32}")


@dataclass(frozen=True)
class Source:
    """One input of a plan, before it is lifted out.

    Attributes:
        slot: Its place in the plan, ``input:<n>``.
        place: Where it lies. The format is Spark's, or ``table`` (the path is the
            table's name) or ``local`` (the paths are sha256 of uploaded Arrow
            data, in order).
    """

    slot: str
    place: Place


def walk(message: Message) -> Iterator[Message]:
    """Yield a message and all below it in pre-order, map values in key order.

    An explicit stack: a notebook's plan is often deeper than Python's stack.
    """
    stack = [message]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(children(current))))


def children(message: Message) -> Iterator[Message]:
    """Yield the messages directly below one."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not _repeated(field):
            yield value
        elif not field.message_type.GetOptions().map_entry:
            yield from value
        elif field.message_type.fields_by_name["value"].message_type is not None:
            yield from (value[key] for key in sorted(value))


def _repeated(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def is_relation(message: Message) -> bool:
    """Whether a message is a ``spark.connect.Relation``."""
    return message.DESCRIPTOR is pb2.Relation.DESCRIPTOR


def relation_type(relation: Any) -> str:
    """Name of what a relation is, such as ``filter``."""
    return relation.WhichOneof("rel_type") or "unknown"


def expand(plan: Any) -> Any:
    """Return a copy of a plan with any compressed part opened.

    Raises:
        google.protobuf.message.DecodeError: The compressed part is nested deeper
            than the protobuf runtime parses (100 messages).
    """
    copy = pb2.Plan()
    if plan.WhichOneof("op_type") != "compressed_operation":
        copy.CopyFrom(plan)
        return copy
    packed = plan.compressed_operation
    data = zstandard.ZstdDecompressor().decompressobj().decompress(packed.data)
    if packed.op_type == pb2.Plan.CompressedOperation.OpType.OP_TYPE_RELATION:
        copy.root.ParseFromString(data)
    else:
        copy.command.ParseFromString(data)
    return copy


def canonicalise(plan: Any) -> None:
    """Bring a plan into canonical form, in place.

    Definitions are numbered before references, so that a reference to a plan
    that stands later gets the same number in every process.
    """
    numbers: dict[int, int] = {}
    views: dict[str, str] = {}
    messages = list(walk(plan))
    for message in messages:
        name = message.DESCRIPTOR.full_name
        if name == "spark.connect.RelationCommon":
            message.ClearField("origin")
            message.ClearField("source_info")
            if message.HasField("plan_id"):
                message.plan_id = numbers.setdefault(message.plan_id, len(numbers))
        elif name == "spark.connect.Expression":
            message.ClearField("common")
        elif name == "spark.connect.SubqueryAlias":
            message.alias = _stable_views(message.alias, views)
    for message in messages:
        descriptor = message.DESCRIPTOR
        if descriptor.full_name == "spark.connect.RelationCommon":
            continue
        if descriptor.full_name in ("spark.connect.SQL", "spark.connect.SqlCommand"):
            field = "query" if descriptor.full_name.endswith("SQL") else "sql"
            setattr(message, field, _stable_views(getattr(message, field), views))
        reference = descriptor.fields_by_name.get("plan_id")
        if reference is not None and (not reference.has_presence or message.HasField("plan_id")):
            message.plan_id = numbers.setdefault(message.plan_id, len(numbers))


def _stable_views(text: str, views: dict[str, str]) -> str:
    return _SESSION_VIEW.sub(
        lambda match: views.setdefault(match.group(0), f"_view_{len(views)}"), text
    )


def encode(plan: Any, functions: Sequence[Any] = ()) -> bytes:
    """Return a canonical plan's bytes, with the registered functions it calls by name.

    Every relation below the root becomes an entry of one flat list and is
    referred to by its number: the protobuf runtime of Python parses at most 100
    nested messages, and 50 chained ``withColumn`` are 100.
    """
    flat = pb2.Plan()
    flat.CopyFrom(plan)
    root = flat.root if flat.WhichOneof("op_type") == "root" else flat.command
    references: list[Any] = []
    pending = _cut(root, references)
    while pending:
        pending = [below for relation in pending for below in _cut(relation, references)]
    envelope = pb2.Relation()
    for relation in references:
        envelope.with_relations.references.add().CopyFrom(relation)
    for function in functions:
        carrier = envelope.with_relations.root.project.expressions.add()
        carrier.common_inline_user_defined_function.CopyFrom(function)
    head: bytes = flat.SerializeToString(deterministic=True)
    tail: bytes = envelope.SerializeToString(deterministic=True)
    return len(head).to_bytes(4, "big") + head + tail


def _cut(parent: Message, references: list[Any]) -> list[Any]:
    """Replace the relations directly below a message by references to copies of them."""
    found = []
    for relation in _nearest_relations(parent):
        copy = pb2.Relation()
        copy.CopyFrom(relation)
        relation.Clear()
        relation.cached_remote_relation.relation_id = f"{_REFERENCE}{len(references)}"
        references.append(copy)
        found.append(copy)
    return found


def _nearest_relations(parent: Message) -> list[Any]:
    found = []
    stack = list(children(parent))
    while stack:
        message = stack.pop(0)
        if is_relation(message):
            found.append(message)
        else:
            stack[:0] = children(message)
    return found


def decode(body: bytes) -> tuple[Any, tuple[Any, ...]]:
    """Return the plan and the functions that :func:`encode` made bytes of.

    Raises:
        google.protobuf.message.DecodeError: The bytes are not a plan.
    """
    length = int.from_bytes(body[:4], "big")
    plan = pb2.Plan.FromString(body[4 : 4 + length])
    envelope = pb2.Relation.FromString(body[4 + length :]).with_relations
    references = envelope.references
    functions = tuple(
        carrier.common_inline_user_defined_function for carrier in envelope.root.project.expressions
    )
    stack = _nearest_relations(plan.root if plan.HasField("root") else plan.command)
    while stack:
        relation = stack.pop()
        marker = relation.cached_remote_relation.relation_id
        if marker.startswith(_REFERENCE):
            relation.CopyFrom(references[int(marker[1:])])
        stack.extend(_nearest_relations(relation))
    return plan, functions


def lift(plan: Any, blob: Callable[[bytes], str]) -> tuple[Source, ...]:
    """Replace every input of a closed plan by a slot, in place.

    Equal inputs share a slot.

    Args:
        plan: A plan without temporary views.
        blob: Keeps uploaded data and returns its sha256.

    Returns:
        The inputs in slot order.
    """
    sources: dict[Place, Source] = {}
    for relation in [m for m in walk(plan) if is_relation(m)]:
        place = _place_of(relation, blob)
        if place is None:
            continue
        source = sources.setdefault(place, Source(f"{SLOT}{len(sources)}", place))
        _point(relation, source.slot)
    return tuple(sources.values())


@dataclass(frozen=True, eq=True)
class _HashablePlace(Place):
    """A place that can be a dictionary key: options are compared by value."""

    def __hash__(self) -> int:
        return hash((self.paths, self.format, tuple(sorted(self.options.items())), self.schema))


def _place_of(relation: Any, blob: Callable[[bytes], str]) -> Place | None:
    kind = relation_type(relation)
    if kind == "local_relation":
        local = relation.local_relation
        data = (blob(local.data),) if local.HasField("data") else ()
        return _HashablePlace(data, "local", schema=local.schema or None)
    if kind == "chunked_cached_local_relation":
        chunks = relation.chunked_cached_local_relation
        return _HashablePlace(tuple(chunks.dataHashes), "local", {"schema": chunks.schemaHash})
    if kind != "read":
        return None
    read = relation.read
    if read.HasField("named_table"):
        name = read.named_table.unparsed_identifier
        return _HashablePlace((name,), "table", dict(read.named_table.options))
    source = read.data_source
    if not source.paths and not source.HasField("schema") and "path" not in source.options:
        return None
    paths = tuple(map(as_path, source.paths or [source.options.get("path", "")]))
    options = {k: v for k, v in source.options.items() if k != "path"}
    if not paths[0]:
        return None
    return _HashablePlace(paths, source.format, options, source.schema or None)


def _point(relation: Any, slot: str) -> None:
    """Make a relation read from a slot; how the files are read stays in the plan."""
    if relation_type(relation) == "read" and relation.read.HasField("data_source"):
        source = relation.read.data_source
        source.options.pop("path", None)
        source.options.pop(BASE_PATH, None)
        del source.paths[:]
        source.paths.append(slot)
        return
    common = pb2.RelationCommon()
    common.CopyFrom(relation.common)
    kind = relation_type(relation)
    name = relation.read.named_table.unparsed_identifier if kind == "read" else None
    schema = relation.local_relation.schema if kind == "local_relation" else ""
    relation.Clear()
    relation.common.CopyFrom(common)
    target = relation
    if name is not None:
        # A query may qualify columns by the table's name.
        target.subquery_alias.alias = name.split(".")[-1].strip("`")
        target = target.subquery_alias.input
    target.read.data_source.format = "table" if name is not None else "local"
    if schema:
        target.read.data_source.schema = schema
    target.read.data_source.paths.append(slot)


def slots(plan: Any) -> Iterator[tuple[Any, str]]:
    """Yield every relation that reads from a slot, with the slot."""
    for message in walk(plan):
        if is_relation(message) and relation_type(message) == "read":
            paths = message.read.data_source.paths
            if len(paths) == 1 and paths[0].startswith(SLOT):
                yield message, paths[0]


def bind(plan: Any, inputs: Mapping[str, Place], upload: Callable[[Place], Any]) -> None:
    """Fill the slots of a lifted plan, in place.

    Args:
        plan: The lifted plan.
        inputs: Where each slot's data lies.
        upload: Turns a ``local`` place into a relation.

    Raises:
        KeyError: A slot has no input.
    """
    for relation, slot in list(slots(plan)):
        place = inputs[slot]
        source = relation.read.data_source
        if place.format == "local":
            common = pb2.RelationCommon()
            common.CopyFrom(relation.common)
            relation.CopyFrom(upload(place))
            relation.common.CopyFrom(common)
            continue
        if source.format in ("table", "local"):
            source.format = place.format
            if place.schema:
                source.schema = place.schema
            for key, value in place.options.items():
                source.options[key] = value
        if BASE_PATH in place.options:
            source.options[BASE_PATH] = place.options[BASE_PATH]
        del source.paths[:]
        source.paths.extend(map(as_pattern, place.paths))
