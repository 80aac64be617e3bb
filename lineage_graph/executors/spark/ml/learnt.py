"""What a stored Spark ML model has learnt, digested: equal models have equal digests.

Read off the files that Spark ML wrote, without Spark: each stage is JSON of its
parameters beside Parquet of what it learnt. Left out is what differs from run to run:
uids, times, releases, and the order of rows and files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lineage_graph.errors import PolicyRefused
from lineage_graph.executors import LearntState
from lineage_graph.identity import canonical_json, sha256

VERSION = "lgsm1"
ROOT = "pipeline"
MOST_NUMBERS = 4096
LONGEST_TEXT = 400
MOST_READABLE = 16
NOT_LEARNT = ("uid", "timestamp", "sparkVersion", "stageUids")
CLASSES = ("org.apache.spark.ml.", "pyspark.ml.")


@dataclass(frozen=True)
class StoredStage:
    """One stage of a stored model.

    Attributes:
        name: Path such as ``pipeline/2_StandardScaler``.
        folder: Where it lies.
        metadata: What Spark ML wrote about it.
    """

    name: str
    folder: Path
    metadata: dict[str, Any]


def stored_stages(folder: Path, name: str = ROOT) -> Iterator[StoredStage]:
    """Yield the stages of a stored model in order, the pipeline itself first.

    Raises:
        PolicyRefused: A stage is of a class that is not Spark ML's own.
    """
    metadata = _metadata(folder)
    if not str(metadata["class"]).startswith(CLASSES):
        raise PolicyRefused(
            f"{name}: the model holds a {metadata['class']}, which is not of Spark ML and is "
            "never loaded. Train it with stages of pyspark.ml."
        )
    yield StoredStage(name, folder, metadata)
    for inner in sorted([*folder.iterdir(), *folder.glob("stages/*")]):
        if (inner / "metadata").is_dir():
            uid = str(_metadata(inner)["uid"])
            plain = inner.name.replace(uid, uid.rpartition("_")[0])
            yield from stored_stages(inner, f"{name}/{plain}")


def learnt_state(folder: Path) -> LearntState:
    """Return the digest of a stored model, as a whole and part by part.

    Args:
        folder: Where Spark ML wrote the model.

    Raises:
        PolicyRefused: A stage is of a class that is not Spark ML's own.
    """
    parts: dict[str, str] = {}
    values: dict[str, str] = {}
    numbers: dict[str, tuple[float, ...]] = {}
    for stage in stored_stages(folder):
        parts[f"{stage.name}/params"] = sha256(canonical_json(_timeless(stage.metadata)))
        for path, kind, cells in _learnt(stage):
            parts[path] = sha256(canonical_json([kind, _exact(cells)]))
            held = cells[0] if len(cells) == 1 else cells
            text = json.dumps(_readable(held))
            if len(cells) <= MOST_READABLE and len(text) <= LONGEST_TEXT:
                values[path] = text
            flat = _numbers(_readable(held))
            if flat and len(flat) <= MOST_NUMBERS:
                numbers[path] = tuple(flat)
    digest = sha256(canonical_json([VERSION, parts]))
    return LearntState(digest, VERSION, parts, values, numbers)


def _metadata(folder: Path) -> dict[str, Any]:
    text = "".join(f.read_text() for f in sorted(folder.glob("metadata/part-*")))
    found: dict[str, Any] = json.loads(text)
    return found


def _timeless(metadata: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says when and by which object, not what was learnt."""
    uid = metadata.get("uid")
    text = json.dumps(metadata)
    plain = json.loads(text.replace(str(uid), "") if uid else text)
    params = {k: v for k, v in plain.pop("paramMap", {}).items() if k not in NOT_LEARNT}
    kept = {k: v for k, v in plain.items() if k not in NOT_LEARNT}
    return {**_exact(kept), "paramMap": _exact(params)}


def _learnt(stage: StoredStage) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield path, type and cells of each column a stage learnt."""
    tables = {f.parent for f in stage.folder.glob("*/*.parquet")}
    for folder in sorted(tables):
        below = "" if folder.name == "data" else f"/{folder.name}"
        table = _table(folder)
        rows = sorted(table.to_pylist(), key=_order)
        for column in table.schema:
            cells = [_without_times(row[column.name]) for row in rows]
            yield f"{stage.name}{below}/{column.name}", str(column.type), cells


def _table(folder: Path) -> pa.Table:
    files = sorted(folder.glob("*.parquet"))
    return pa.concat_tables([pq.ParquetFile(file).read() for file in files])


def _order(value: Any) -> Any:
    """Return a key that sorts rows by their cells, the first ones first."""
    if isinstance(value, dict):
        return tuple(_order(item) for item in value.values())
    if isinstance(value, list):
        return tuple(_order(item) for item in value)
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return (missing, None if missing else value)


def _without_times(cell: Any) -> Any:
    """Ensembles keep the metadata of their trees as text in a column."""
    if isinstance(cell, str) and cell.startswith("{") and '"uid"' in cell:
        return _timeless(json.loads(cell))
    return cell


def _exact(value: Any) -> Any:
    """Return JSON that keeps every bit of a floating point number."""
    match value:
        case float():
            return value.hex()
        case dict():
            return {name: _exact(held) for name, held in value.items()}
        case list():
            return [_exact(held) for held in value]
        case None | bool() | int() | str():
            return value
    return str(value)


def _readable(value: Any) -> Any:
    """Return vectors and matrices, which Spark stores as structs, as a person writes them."""
    match value:
        case {"type": 1, "size": _, "values": values}:
            return values
        case {"type": 0, "size": size, "indices": indices, "values": values}:
            return {"size": size, "indices": indices, "values": values}
        case {"type": 1, "numRows": rows, "numCols": columns, "values": values}:
            return {"rows": rows, "columns": columns, "values": values}
        case dict():
            return {name: _readable(held) for name, held in value.items()}
        case list():
            return [_readable(held) for held in value]
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _numbers(value: Any) -> list[float]:
    """Return the numbers in a value in order; none when it holds anything else."""
    match value:
        case bool() | str() | None:
            return []
        case int() | float():
            return [float(value)]
        case dict():
            held = [_numbers(item) for item in value.values()]
        case _:
            held = [_numbers(item) for item in value]
    return [number for some in held for number in some] if all(held) else []
