"""One index as a file: entries sorted by hash, in blocks, with a digest of each block.

The file begins with a head: what it is, which key it was made with, how many entries there
are, and for each block its first hash and its digest. The file is named by the sha256 of the
head, so the name stands for all of it. A question reads the head and the one or two blocks in
which a hash can be, and checks them: what was damaged is refused, whatever was asked.

::

    8 bytes   magic          4  version      4  entries in a block
    8         key id         8  entries
    24 each   block: first hash (8), BLAKE2b of its bytes (16)
    16 each   entry: hash (8), keyed hash of the row (8)

All numbers are little-endian.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from lineage_graph.durable import sync_folder
from lineage_graph.errors import ArtifactBroken, InvalidRecord, StoreUnavailable
from lineage_graph.identity import sha256, uuid7

Entries = np.ndarray[Any, Any]

MAGIC: Final = b"LGMEMBER"
VERSION: Final = 2
BLOCK: Final = 1024
SUFFIX: Final = ".members"
ENTRY: Final = np.dtype([("subject", "<u8"), ("row", "<i8")])
_FENCE_SIZE: Final = 24
_FIXED: Final = struct.Struct("<8sII8sQ")


class Membership:
    """An index, open to be asked.

    Args:
        folder: Where indexes lie.
        digest: Digest of its head, by which it is named.
        key_id: The key it is expected to be made with.

    Raises:
        ArtifactBroken: It is missing, damaged, or of another key; the file is named.
        StoreUnavailable: It cannot be read.
    """

    def __init__(self, folder: Path, digest: str, key_id: str) -> None:
        self._path = path_of(folder, digest)
        self._bytes = _mapped(self._path)
        if len(self._bytes) < _FIXED.size:
            raise self._broken("it is cut off")
        magic, version, block, key, rows = _FIXED.unpack_from(self._bytes)
        if magic != MAGIC or version != VERSION or block == 0:
            raise self._broken("it is no index of this version")
        blocks = -(-rows // block)
        self._begin = _FIXED.size + blocks * _FENCE_SIZE
        if len(self._bytes) != self._begin + rows * ENTRY.itemsize:
            raise self._broken("its length is not what its head says")
        if sha256(self._bytes[: self._begin]) != digest:
            raise self._broken("its head was altered")
        if key.hex() != key_id:
            raise self._broken(f"it was made with key {key.hex()}, not with {key_id}")
        self._block, self._rows = block, rows
        # Bytes that end in zero lose it as S16, so digests are compared where they lie.
        self._first = np.frombuffer(self._bytes, "<u8", blocks * 3, _FIXED.size)[::3]

    def __len__(self) -> int:
        """Return how many entries there are."""
        return int(self._rows)

    def rows(self, subject: int) -> list[int]:
        """Return what stands for the rows in which an identifier occurs, each as often.

        Args:
            subject: What stands for the identifier; see :meth:`Key.hashed`.

        Raises:
            ArtifactBroken: A block that had to be read is damaged.
        """
        wanted = np.uint64(subject)
        first = max(int(np.searchsorted(self._first, wanted, "left")) - 1, 0)
        last = int(np.searchsorted(self._first, wanted, "right"))
        found: list[int] = []
        for number in range(first, last):
            entries = self._checked(number)
            low = np.searchsorted(entries["subject"], wanted, "left")
            high = np.searchsorted(entries["subject"], wanted, "right")
            found += entries["row"][low:high].tolist()
        return found

    def verify(self) -> None:
        """Check every block.

        Raises:
            ArtifactBroken: One is damaged.
        """
        for number in range(len(self._first)):
            self._checked(number)

    def _checked(self, number: int) -> Entries:
        begin = self._begin + number * self._block * ENTRY.itemsize
        some = self._bytes[begin : begin + self._block * ENTRY.itemsize]
        said = _FIXED.size + number * _FENCE_SIZE + 8
        if _digest(some) != self._bytes[said : said + 16]:
            raise self._broken(f"block {number} was altered")
        return np.frombuffer(some, ENTRY)

    def _broken(self, why: str) -> ArtifactBroken:
        return ArtifactBroken(
            f"The index {self._path.name} in {self._path.parent} cannot be used: {why}. "
            "Restore it from a backup, or type: lineage-graph subject index"
        )


def path_of(folder: Path, digest: str) -> Path:
    """Return where an index of a digest lies, whether or not it is there."""
    return folder / f"{digest}{SUFFIX}"


def write(folder: Path, key_id: str, total: int, entries: Iterable[Entries]) -> str:
    """Write an index whole or not at all, and return its digest.

    Args:
        folder: Where indexes lie; it is made.
        key_id: The key the identifiers were hashed with.
        total: How many entries there will be.
        entries: They, in order of hash and row, in arrays of :data:`ENTRY` of any size.

    Raises:
        InvalidRecord: They are not in order, or not as many.
        StoreUnavailable: It could not be written; nothing was left behind.
    """
    blocks = -(-total // BLOCK)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = folder / f".{uuid7()}"
    try:
        with written.open("xb") as file:
            file.seek(_FIXED.size + blocks * _FENCE_SIZE)
            fences, count = bytearray(), 0
            for block in _blocks(entries):
                some = block.tobytes()
                fences += some[:8] + _digest(some)
                count += block.size
                file.write(some)
            if count != total:
                raise InvalidRecord(f"There were {count} entries, not {total}. Index again.")
            head = _FIXED.pack(MAGIC, VERSION, BLOCK, bytes.fromhex(key_id), total) + fences
            file.seek(0)
            file.write(head)
            file.flush()
            os.fchmod(file.fileno(), 0o400)
            os.fsync(file.fileno())
        digest = sha256(head)
        written.rename(path_of(folder, digest))
        sync_folder(folder)
    except OSError as error:
        raise StoreUnavailable(
            f"{folder} cannot be written: {error.strerror}. Check that the place is writable and "
            "that the disk has space, then type: lineage-graph subject index"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            written.unlink()
    return digest


def _blocks(entries: Iterable[Entries]) -> Iterable[Entries]:
    """Yield entries in full blocks, the last one perhaps not, checking their order.

    Raises:
        InvalidRecord: They are not in order.
    """
    left = np.empty(0, ENTRY)
    last = 0
    for some in entries:
        joined = np.concatenate([left, some])
        subjects = some["subject"]
        if subjects.size and (subjects[0] < last or (subjects[1:] < subjects[:-1]).any()):
            raise InvalidRecord("The entries of an index are not in order. Index again.")
        full = joined.size - joined.size % BLOCK
        for begin in range(0, full, BLOCK):
            yield joined[begin : begin + BLOCK]
        last = int(subjects[-1]) if subjects.size else last
        left = joined[full:]
    if left.size:
        yield left


def _digest(some: bytes) -> bytes:
    return hashlib.blake2b(some, digest_size=16).digest()


def _mapped(path: Path) -> mmap.mmap | bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                return b""
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise ArtifactBroken(
            f"The index {path.name} is missing from {path.parent}. Restore it from a backup, or "
            "type: lineage-graph subject index"
        ) from error
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be read: {error.strerror}. Check what it is and who may read it."
        ) from error
