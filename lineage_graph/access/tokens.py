"""Tokens of programs and people: random, shown once, kept as digests, revocable at once.

A token is looked up by its SHA-256: 256 random bits need no salt and no slow hash, and how long a
look-up takes tells about the digest, from which the token does not follow.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lineage_graph.errors import InvalidRecord, NotFound, RecordConflict, StoreUnavailable
from lineage_graph.identity import fresh

PREFIX: Final = "lgt_"
"""What every token begins with, so that people and scanners recognise one."""

_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS token (
  digest blob PRIMARY KEY,
  name text NOT NULL UNIQUE,
  roles text NOT NULL,
  scopes text,
  clearances text,
  agent text NOT NULL UNIQUE,
  created text NOT NULL,
  expires text,
  revoked text
) WITHOUT ROWID
"""
_COLUMNS: Final = "name, roles, scopes, clearances, agent, created, expires, revoked"


@dataclass(frozen=True)
class Token:
    """What is known about a token; never the token itself.

    Attributes:
        name: What it is called in lists and logs.
        roles: Names of its roles.
        scopes: The only permissions of those roles that it has; None for all of them.
        clearances: Visibility labels it may see; None for every one.
        agent: IRI of the pseudonym under which it records.
        created: When it was made.
        expires: From when on it is refused; None for never.
        revoked: When it was taken back; None when it was not.
    """

    name: str
    roles: frozenset[str]
    scopes: frozenset[str] | None
    clearances: frozenset[str] | None
    agent: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    @property
    def state(self) -> str:
        """``live``, ``expired`` or ``revoked``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires and self.expires <= datetime.now(UTC) else "live"


class Tokens:
    """The tokens of a store.

    Args:
        folder: Where they lie; made with the first token.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "tokens.db"
        self._lock = threading.Lock()
        self._open: tuple[tuple[int, int], sqlite3.Connection] | None = None

    def create(
        self,
        name: str,
        roles: Collection[str],
        *,
        scopes: Collection[str] | None = None,
        clearances: Collection[str] | None = (),
        expires: datetime | None = None,
    ) -> tuple[str, Token]:
        """Make a token.

        Args:
            name: What it is called; no person's name, since it stands in logs.
            roles: Names of its roles.
            scopes: The only permissions of those roles that it has; None for all of them.
            clearances: Visibility labels it may see; None for every one.
            expires: From when on it is refused; None for never.

        Returns:
            The token, which nobody can be told again, and what is known about it.

        Raises:
            InvalidRecord: The name is none.
            RecordConflict: A token has the name, or had it.
            StoreUnavailable: It cannot be kept.
        """
        if not _NAME.fullmatch(name):
            raise InvalidRecord(
                f"{name!r} cannot name a token. Take up to 64 letters, digits, '.', '_' and '-', "
                "such as nightly-etl."
            )
        secret = PREFIX + secrets.token_urlsafe(_BYTES)
        now = datetime.now(UTC)
        made = Token(
            name, frozenset(roles), _set(scopes), _set(clearances), fresh("agent"), now, expires,
            None,
        )  # fmt: skip
        row = (
            _digest(secret), name, _text(made.roles), _text(made.scopes), _text(made.clearances),
            made.agent, now.isoformat(), expires and expires.isoformat(), None,
        )  # fmt: skip
        with self._connected(make=True) as connection:
            try:
                connection.execute("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as taken:
                raise RecordConflict(
                    f"There is a token {name!r}, or there was one. Choose another name, such as "
                    f"{name}-2."
                ) from taken
        return secret, made

    def found(self, secret: str) -> Token | None:
        """Return what is known about a token, live or not; None for one that is none of ours.

        Raises:
            StoreUnavailable: The tokens cannot be read.
        """
        # What cannot be encoded was never given out, and takes the same way.
        digest = _digest(secret.encode(errors="replace").decode())
        rows = self._rows("WHERE digest = ?", digest)
        return _token(rows[0]) if rows else None

    def any(self) -> bool:
        """Tell whether a token was ever made, live or not."""
        return bool(self._rows("LIMIT 1"))

    def all(self) -> list[Token]:
        """Return every token that was made, in the order of their names.

        Raises:
            StoreUnavailable: The tokens cannot be read.
        """
        return [_token(row) for row in self._rows("ORDER BY name")]

    def revoke(self, name: str) -> Token:
        """Take a token back; the next request with it is refused.

        Raises:
            NotFound: There is none of that name.
            StoreUnavailable: The tokens cannot be written.
        """
        rows = self._rows("WHERE name = ?", name)
        if not rows:
            raise NotFound(f"There is no token {name!r}. 'lineage-graph tokens list' shows all.")
        with self._connected() as connection:
            connection.execute(
                "UPDATE token SET revoked = ? WHERE name = ? AND revoked IS NULL",
                (datetime.now(UTC).isoformat(), name),
            )
        return _token(self._rows("WHERE name = ?", name)[0])

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._forget()

    def _rows(self, condition: str, *values: Any) -> list[tuple[Any, ...]]:
        if not self._path.exists():
            return []
        with self._connected() as connection:
            return connection.execute(
                f"SELECT {_COLUMNS} FROM token {condition}", values
            ).fetchall()

    @contextmanager
    def _connected(self, make: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if make:
                    self._make()
                yield self._connection()
            except (sqlite3.Error, OSError) as error:
                self._forget()
                raise StoreUnavailable(
                    f"The tokens {self._path} cannot be used: {error}. Check who may read and "
                    "write the file, and that the disk has space."
                ) from error

    def _connection(self) -> sqlite3.Connection:
        status = self._path.stat()
        file = (status.st_dev, status.st_ino)
        # A file that was put in the other's place, such as a backup, counts from then on.
        if self._open is None or self._open[0] != file:
            self._forget()
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA synchronous = FULL")
            self._open = file, connection
        return self._open[1]

    def _make(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.touch(mode=0o600)
        connection = self._connection()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(_SCHEMA)

    def _forget(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _set(names: Collection[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _text(names: frozenset[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names))


def _token(row: tuple[Any, ...]) -> Token:
    name, roles, scopes, clearances, agent, *times = row
    created, expires, revoked = (t and datetime.fromisoformat(t) for t in times)
    return Token(
        name,
        frozenset(json.loads(roles)),
        None if scopes is None else frozenset(json.loads(scopes)),
        None if clearances is None else frozenset(json.loads(clearances)),
        agent,
        created,
        expires,
        revoked,
    )
