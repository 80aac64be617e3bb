"""Looking a person up in the indexes of versions: what is found, and what is not covered.

A version's answer covers it when one of its columns has an identifier of an asked type in
every row, every column that holds such an identifier is indexed under the key there is, and
somebody has looked at what each of its columns holds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lineage_graph.errors import InvalidRecord, LineageGraphError, NotFound
from lineage_graph.membership.files import Membership
from lineage_graph.membership.key import Key
from lineage_graph.privacy.types import SemanticType, SemanticTypes


class Held(NamedTuple):
    """What the columns of a version hold, as far as it matters here.

    Attributes:
        direct: Those that name a person directly, each with its type.
        unexamined: Those that nobody looked at.
    """

    direct: Collection[tuple[str, str | None]] = ()
    unexamined: Collection[str] = ()


Holds = Callable[[str], Held]
"""Gives what the columns of a version hold."""
_SHOWN = 2
_LONG = 8


@dataclass(frozen=True)
class Registered:
    """One index, as it is recorded.

    Attributes:
        version: IRI of the version.
        column: Name of the column.
        semantic_type: IRI of its type.
        key: The key it was made with.
        digest: Digest of the file.
        indexed: How many rows have an identifier.
        rows: How many rows the version has; None when that is not recorded.
    """

    version: str
    column: str
    semantic_type: str
    key: str
    digest: str
    indexed: int
    rows: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Registered:
        """Return what a row of ``privacy/indexes`` says."""
        from lineage_graph.identity import name_of

        return cls(
            version=str(row["version"]),
            column=name_of(str(row["column"]).partition("#")[2]),
            semantic_type=str(row["type"]),
            key=row["key"],
            digest=row["digest"],
            indexed=row["indexed"],
            rows=row["rows"],
        )


@dataclass(frozen=True)
class Looked:
    """What looking a person up in a version gave.

    Attributes:
        rows: In how many rows the person is.
        by: Names of columns that were asked.
        gap: Why that does not cover the version; empty when it does.
    """

    rows: int
    by: tuple[str, ...]
    gap: str


@dataclass(frozen=True)
class Person:
    """Whom one asks about: canonical identifiers by type, never shown.

    Attributes:
        types: The types asked by.
    """

    types: tuple[SemanticType, ...]
    _values: Mapping[str, str]

    @classmethod
    def of(cls, types: SemanticTypes, identities: Mapping[str, Any]) -> Person:
        """Return who has some identifiers.

        Args:
            types: What is declared.
            identities: Short name of a type to the person's value.

        Raises:
            NotFound: There is no such type.
            InvalidRecord: A value is none of its type, or nobody can be looked up by it.
                The value is not repeated.
        """
        if not identities:
            raise InvalidRecord('Whose impact? Say who, such as {"cpf": "..."}.')
        found: dict[str, str] = {}
        asked: list[SemanticType] = []
        for name, value in identities.items():
            type_ = _named(types, name)
            if not type_.indexable:
                able = ", ".join(one.name for one in types.all() if one.indexable)
                raise InvalidRecord(f"Nobody is looked up by {type_.name}. Use one of: {able}.")
            if not isinstance(value, str):
                kind = type(value).__name__
                raise InvalidRecord(f"Give the {type_.name} as text, not as {kind}.")
            if not type_.valid(value):
                raise InvalidRecord(
                    f"{masked(value)} is no {type_.name}: its form or its check digits are wrong. "
                    "Correct it and ask again."
                )
            asked.append(type_)
            found[type_.iri] = type_.canonical(value)
        return cls(tuple(asked), found)

    def hashed(self, type_: SemanticType, key: Key) -> int:
        """Return what stands for the person in indexes of a type."""
        return key.hashed(type_.name, self._values[type_.iri])

    def __repr__(self) -> str:
        return f"Person({', '.join(type_.name for type_ in self.types)})"


def _named(types: SemanticTypes, name: str) -> SemanticType:
    """Return a type, not repeating what could be a value in the place of its name.

    Raises:
        NotFound: There is none; the nearest is named.
    """
    near = types.near(name)
    hint = f" Did you mean {near!r}?" if near else ""
    with suppress(NotFound):
        return types.named(name)
    raise NotFound(
        f"There is no such semantic type.{hint} Say TYPE=VALUE; 'lineage-graph types list' shows "
        "the types."
    )


def masked(value: str) -> str:
    """Return enough of a value to find a slip, and too little to know it."""
    return f"***{value[-_SHOWN:]}" if len(value) >= _LONG else "***"


def look_up(
    person: Person,
    indexes: Iterable[Registered],
    key: Key | None,
    folder: Path,
    holds: Holds,
) -> dict[str, Looked]:
    """Return what each version with an index says about a person, by its IRI.

    Args:
        person: Whom one asks about.
        indexes: All that are recorded.
        key: The key there is; None when it was destroyed.
        folder: Where the files lie.
        holds: What the columns of a version hold.
    """
    of: defaultdict[str, list[Registered]] = defaultdict(list)
    for index in indexes:
        of[index.version].append(index)
    hashes = {} if key is None else {t.iri: person.hashed(t, key) for t in person.types}
    names = {type_.iri: type_.name for type_ in person.types}
    return {
        version: _looked(found, key, hashes, names, folder, holds(version))
        for version, found in of.items()
    }


def _looked(
    indexes: Iterable[Registered],
    key: Key | None,
    hashes: Mapping[str, int],
    names: Mapping[str, str],
    folder: Path,
    holds: Held,
) -> Looked:
    found: Counter[int] = Counter()
    gaps: list[str] = []
    broken: dict[str, str] = {}
    asked: dict[str, bool] = {}
    every = list(indexes)
    live = {index.column for index in every if key is not None and index.key == key.id}
    for index in every:
        if key is None or index.key != key.id:
            if index.column not in live:
                gaps.append(f"the key of the index of {index.column} was destroyed")
        elif index.semantic_type in hashes:
            try:
                file = Membership(folder, index.digest, key.id)
                found |= Counter(file.rows(hashes[index.semantic_type]))
                asked[index.column] = index.rows == index.indexed
            except LineageGraphError as error:
                broken[index.column] = str(error)
    # An index that was made again takes the place of one that cannot be read.
    gaps += [why for column, why in broken.items() if column not in asked]
    return Looked(found.total(), tuple(asked), _gap(asked, gaps, names, holds))


def _gap(
    asked: Mapping[str, bool],
    gaps: list[str],
    names: Mapping[str, str],
    holds: Held,
) -> str:
    """Return why what was asked does not cover a version."""
    for column, type_ in holds.direct:
        if type_ is not None and type_ in names and column not in asked and not gaps:
            return f"{column} holds {names[type_]} and has no index"
    if any(asked.values()) and not gaps:
        unseen = ", ".join(holds.unexamined)
        return f"nobody examined {unseen}, which may hold identifiers" if unseen else ""
    if asked and not gaps:
        return f"not every row has an identifier in {' or '.join(asked)}"
    return "; ".join(dict.fromkeys(gaps)) or f"it has no index by {' or '.join(names.values())}"
