"""The base as one file that processes share by mapping it into memory.

A heading in JSON says what is in the file, with a CRC-32 of each array; the heading itself
has a sha256. The file is written under another name and renamed, so a reader meets the old
one or the new one; what a power cut leaves of it has not its sums and counts as absent.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from lineage_graph.identity import canonical_json, sha256
from lineage_graph.index.arrays import Array, Base

FORMAT = 2
MAGIC = b"LGINDEX\n"
NAME = "base"
LOCK = "lock"
ALIGNED = 64
_HEX = 64
_LENGTH = 8

Mark = tuple[int, int, int]
"""What tells one file of a name from the next: inode, time and length."""


def mark(folder: Path) -> Mark | None:
    """Return which base lies in the folder; None for none."""
    try:
        found = (folder / NAME).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def read(folder: Path) -> Base | None:
    """Map the base that lies in a folder.

    Returns:
        None when there is none, and when it is not whole.
    """
    try:
        with (folder / NAME).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _read(mapped)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(folder: Path, base: Base) -> None:
    """Put a base in place of the one in the folder; the caller holds the lock.

    Raises:
        OSError: It could not be written; what was there is still there.
    """
    for left in folder.glob(f".{NAME}.*"):
        left.unlink(missing_ok=True)
    made = folder / f".{NAME}.{uuid4().hex}"
    try:
        with made.open("wb") as file:
            heading, arrays = _heading(base)
            file.write(heading)
            for array in arrays:
                file.write(bytes(-file.tell() % ALIGNED))
                file.write(_bytes(array))
        made.replace(folder / NAME)
    except BaseException:
        with suppress(OSError):
            made.unlink()
        raise


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold the right to replace the base, unless another process has it or nobody can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _bytes(array: Array) -> memoryview:
    return np.ascontiguousarray(array).view(np.uint8).data if array.size else memoryview(b"")


def _heading(base: Base) -> tuple[bytes, list[Array]]:
    said, arrays = [], []
    for name, array in base.arrays():
        said.append([name, array.dtype.str, array.size, zlib.crc32(_bytes(array))])
        arrays.append(array)
    stated = {
        "format": FORMAT,
        "applied_seq": base.applied_seq,
        "chain": base.chain,
        "arrays": said,
    }
    text = canonical_json(stated)
    return MAGIC + sha256(text).encode() + len(text).to_bytes(_LENGTH, "little") + text, arrays


def _read(mapped: mmap.mmap) -> Base:
    """Return the base in a mapped file.

    Raises:
        ValueError: It is not whole, or not of this format.
    """
    begin = len(MAGIC) + _HEX + _LENGTH
    length = int.from_bytes(mapped[begin - _LENGTH : begin], "little")
    text = mapped[begin : begin + length]
    if mapped[: begin - _LENGTH] != MAGIC + sha256(text).encode():
        raise ValueError("its heading is not whole")
    stated: dict[str, Any] = json.loads(text)
    if stated["format"] != FORMAT:
        raise ValueError("it has another format")
    at, arrays = begin + length, []
    for _, dtype, count, sum_ in stated["arrays"]:
        before, at = at, at + -at % ALIGNED
        if mapped[before:at].strip(b"\0"):
            raise ValueError("there is something between its arrays")
        array = np.frombuffer(mapped, np.dtype(dtype), count, at) if count else np.zeros(0, dtype)
        if zlib.crc32(_bytes(array)) != sum_:
            raise ValueError("an array does not have its sum")
        at += array.nbytes
        arrays.append(array)
    if at != len(mapped):
        raise ValueError("it has another length")
    return Base.of(stated["applied_seq"], stated["chain"], arrays)
