"""How a recorded program reads its inputs, when other files take the place of what it read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lineage_graph.errors import InvalidRecord
from lineage_graph.executors import BASE_PATH, Place, Program
from lineage_graph.executors.spark.plans import decode, encode, slots

TAKEN_FROM_PLACE = ("table", "local")


def reread(program: Program, readings: Mapping[str, tuple[Sequence[Place], Place]]) -> Program:
    """Return a program that reads some of its slots as other files are to be read.

    How files are read is part of a program: with the columns of the old ones, files
    whose columns stand in another order would be read wrongly. A reading that the
    program alone knows is its own, and stays.

    Args:
        program: Of Spark's.
        readings: Slot to the ways in which what filled it is recorded to be read, and
            how what fills it now is read.

    Raises:
        InvalidRecord: The program reads a format of its own, and the files have another.
    """
    plan, functions = decode(program.body)
    changed = False
    for relation, slot in slots(plan):
        if slot in readings:
            changed |= _reread(relation.read.data_source, *readings[slot])
    return Program(program.executor, encode(plan, functions)) if changed else program


def _reread(source: Any, was: Sequence[Place], now: Place) -> bool:
    if source.format in TAKEN_FROM_PLACE:
        changed = now.format != "local" and source.schema != (now.schema or "")
        if changed:
            _set_schema(source, now.schema)
        return changed
    reading = _reading(source.format, source.options, source.schema)
    wanted = _reading(now.format, now.options, now.schema)
    if reading not in [_reading(p.format, p.options, p.schema) for p in was]:
        if source.format.lower() != now.format.lower():
            raise InvalidRecord(
                f"it reads {source.format}, and {', '.join(now.paths)} is {now.format}. "
                f"Give an edition that is {source.format}."
            )
        return False
    if reading == wanted:
        return False
    source.format = now.format
    source.options.clear()
    source.options.update({k: v for k, v in now.options.items() if k != BASE_PATH})
    _set_schema(source, now.schema)
    return True


def _set_schema(source: Any, schema: str | None) -> None:
    source.ClearField("schema")
    if schema is not None:
        source.schema = schema


def _reading(format_: str, options: Mapping[str, str], schema: str | None) -> tuple[Any, ...]:
    """Return what tells readings apart: a schema in JSON by what it says."""
    said = json.loads(schema) if schema and schema.startswith("{") else schema or None
    kept = {key.lower(): value for key, value in options.items() if key != BASE_PATH}
    return format_.lower(), kept, said
