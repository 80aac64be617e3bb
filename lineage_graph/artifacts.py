"""Artifacts: files named by the sha256 of their bytes, so that a name cannot lie.

A file is written under a temporary name, hashed, flushed to the disk, renamed, and its
folder flushed, before any ledger entry names it. A path is made of 64 hex digits alone,
never of input. Stored files are read-only (0444).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path

from lineage_graph.durable import sync_folder
from lineage_graph.errors import ArtifactBroken, NotFound, StoreUnavailable
from lineage_graph.identity import sha256

DIGEST = re.compile(r"[0-9a-f]{64}")
READ_ONLY = 0o444
BLOCK = 1 << 20


class Artifacts:
    """The content-addressed files below one folder: ``<root>/ab/<64 hex digits>``."""

    def __init__(self, root: Path) -> None:
        """Use a folder; it is made when the first file is put.

        Args:
            root: The folder.
        """
        self._root = root.absolute()

    def put_bytes(self, data: bytes) -> str:
        """Store bytes and return their digest; what is stored already is not written again.

        Raises:
            StoreUnavailable: They could not be written; nothing was left behind.
        """
        digest = sha256(data)
        if not self._here(digest):
            self._store([data])
        return digest

    def put_file(self, path: Path) -> str:
        """Store a copy of a file and return its digest, never holding it in memory.

        Raises:
            NotFound: There is no such file.
            StoreUnavailable: It could not be read or written; nothing was left behind.
        """
        digest, _ = digest_file(path)
        if self._here(digest):
            return digest
        with _reading(path) as source:
            return self._store(iter(partial(source.read, BLOCK), b""))

    def put_blocks(self, blocks: Iterable[bytes]) -> str:
        """Store what arrives in blocks and return its digest, never holding it in memory.

        Raises:
            StoreUnavailable: It could not be written; nothing was left behind.
        """
        return self._store(blocks)

    def get(self, digest: str) -> bytes:
        """Return the bytes of an artifact, which have its digest.

        Raises:
            ArtifactBroken: It is missing or was altered.
            StoreUnavailable: It cannot be read.
            ValueError: This is not a digest.
        """
        with self._opened(digest) as file:
            data = file.read()
        self._require_same(digest, sha256(data))
        return data

    def verify(self, digest: str) -> None:
        """Check that an artifact is there and has its digest.

        Raises:
            ArtifactBroken: It is missing or was altered.
            StoreUnavailable: It cannot be read.
            ValueError: This is not a digest.
        """
        with self._opened(digest) as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        self._require_same(digest, found)

    def holds(self, digest: str) -> bool:
        """Return whether there is an artifact of that name; its bytes are not checked."""
        return self._here(digest)

    def _here(self, digest: str) -> bool:
        return self._place(digest).is_file()

    def path(self, digest: str) -> Path:
        """Return where an artifact lies, whether or not it is there.

        Raises:
            ValueError: This is not a digest: 64 lower-case hex digits.
        """
        return self._place(digest)

    def _place(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not a sha256 digest: 64 lower-case hex digits.")
        return self._root / digest[:2] / digest

    def link(self, digest: str, target: Path) -> None:
        """Make an artifact appear under a name of its own, read-only, after checking it.

        A hard link where the file system can, a copy elsewhere. A link shares its bytes
        with the store: whoever uses it only reads.

        Args:
            digest: The artifact.
            target: A file that does not exist yet; its folder is made.

        Raises:
            ArtifactBroken: It is missing or was altered.
            StoreUnavailable: It cannot be read, or the target cannot be made.
            ValueError: This is not a digest.
        """
        self.verify(digest)
        with _writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(self._place(digest), target)
            except FileExistsError:
                raise
            except OSError:
                self._copy(digest, target)

    def all(self) -> Iterator[str]:
        """Yield the digest of every artifact, in order."""
        for folder in sorted(self._root.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(folder.glob("*")):
                if DIGEST.fullmatch(path.name):
                    yield path.name

    def _store(self, blocks: Iterable[bytes]) -> str:
        """Write a file and name it by what was written: a source may change meanwhile."""
        with _writing(self._root):
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix=".new-", dir=self._root)
            try:
                with open(descriptor, "wb") as file:
                    hasher = hashlib.sha256()
                    for block in blocks:
                        hasher.update(block)
                        file.write(block)
                    file.flush()
                    os.fchmod(descriptor, READ_ONLY)
                    os.fsync(descriptor)
                self._publish(Path(name), hasher.hexdigest())
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(name)
        return hasher.hexdigest()

    def _publish(self, written: Path, digest: str) -> None:
        target = self._place(digest)
        with suppress(FileExistsError):
            target.parent.mkdir()
            sync_folder(self._root)
        written.rename(target)
        sync_folder(target.parent)

    def _copy(self, digest: str, target: Path) -> None:
        try:
            shutil.copyfile(self._place(digest), target)
            target.chmod(READ_ONLY)
        except OSError:
            target.unlink(missing_ok=True)
            raise

    @contextmanager
    def _opened(self, digest: str) -> Iterator[BufferedReader]:
        path = self._place(digest)
        try:
            with path.open("rb") as file:
                yield file
        except FileNotFoundError as error:
            raise ArtifactBroken(
                f"Artifact {digest} is missing from {self._root}. Restore it from a backup."
            ) from error
        except OSError as error:
            raise _unreadable(path, error) from error

    def _require_same(self, digest: str, found: str) -> None:
        if found != digest:
            raise ArtifactBroken(
                f"Artifact {digest} in {self._root} was altered: its bytes have the digest "
                f"{found}. Restore it from a backup."
            )


def digest_file(path: Path) -> tuple[str, int]:
    """Return the hex sha256 of a file and its size in bytes.

    Raises:
        NotFound: There is no such file.
        StoreUnavailable: It cannot be read.
    """
    with _reading(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


@contextmanager
def _reading(path: Path) -> Iterator[BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}. Check the path.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be written: {error.strerror}. Check that the place is free and "
            "writable and that the disk has space, then do it again."
        ) from error


def _unreadable(path: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"{path} cannot be read: {error.strerror}. Check what it is and who may read it."
    )
