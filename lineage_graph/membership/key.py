"""The key that identifiers are hashed with: made when it is first needed, and destroyable."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lineage_graph.durable import sync_folder
from lineage_graph.errors import StoreError, StoreUnavailable
from lineage_graph.identity import sha256, uuid7

SIZE: Final = 32
PREFIX: Final = 8
"""Bytes of a hash that are kept."""
ROW: Final = "|"
"""Begins what is hashed for a row; what is hashed for an identifier begins with its type."""
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True)
class Key:
    """A secret of one store.

    Attributes:
        secret: 32 random bytes.
    """

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """What the key is called: the first 16 hex digits of its sha256."""
        return sha256(self.secret)[:16]

    def hashed(self, type_name: str, canonical: str) -> int:
        """Return what stands for an identifier in an index.

        Args:
            type_name: Short name of its type, such as ``cpf``.
            canonical: What makes it the same as another of its type.
        """
        return int.from_bytes(self._beginning(f"{type_name}|{canonical}"), "big")

    def row(self, row_hash: int) -> int:
        """Return what stands for a row in an index, so that nobody can try rows without the key.

        Args:
            row_hash: The row's hash, as it is part of a fingerprint.
        """
        return int.from_bytes(self._beginning(f"{ROW}{row_hash}"), "big", signed=True)

    def _beginning(self, message: str) -> bytes:
        return hmac.new(self.secret, message.encode(), hashlib.sha256).digest()[:PREFIX]


class Keyring:
    """The key below one folder, if there is one.

    Args:
        folder: Where it lies; made when a key is first made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "key"

    def current(self) -> Key | None:
        """Return the key; None when none was made yet, or it was destroyed.

        Raises:
            StoreUnavailable: It cannot be read.
            StoreError: What lies there is no key.
        """
        try:
            secret = self._file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(
                f"The key {self._file} cannot be read: {error.strerror}. Check who may read it."
            ) from error
        if len(secret) != SIZE:
            raise StoreError(
                f"{self._file} is no key: it has {len(secret)} bytes, not {SIZE}. Restore it from "
                "a backup, or remove it and index again."
            )
        return Key(secret)

    def make(self) -> Key:
        """Return the key, making it when there is none.

        Raises:
            StoreUnavailable: It cannot be written.
        """
        known = self.current()
        if known is not None:
            return known
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            drawn = self._folder / f".{uuid7()}"
            _write(drawn, secrets.token_bytes(SIZE))
            # A link is made whole or not at all, whoever else makes it at this moment.
            with suppress(FileExistsError):
                os.link(drawn, self._file)
            drawn.unlink()
            sync_folder(self._folder)
        except OSError as error:
            raise StoreUnavailable(
                f"The key {self._file} cannot be made: {error.strerror}. Check that the place is "
                "writable and that the disk has space."
            ) from error
        return self.make()

    def destroy(self) -> str | None:
        """Overwrite the key and remove it; no index made with it can be asked any more.

        What a disk or a backup keeps of it beside the file is out of reach from here.

        Returns:
            What the key was called; None when there was none.

        Raises:
            StoreUnavailable: It cannot be removed.
        """
        known = self.current()
        if known is None:
            return None
        try:
            with self._file.open("r+b") as file:
                file.write(bytes(SIZE))
                file.flush()
                os.fsync(file.fileno())
            self._file.unlink()
            sync_folder(self._folder)
        except OSError as error:
            raise StoreUnavailable(
                f"The key {self._file} cannot be destroyed: {error.strerror}. Check who may "
                "write it."
            ) from error
        return known.id


def _write(path: Path, secret: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with open(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(descriptor)
