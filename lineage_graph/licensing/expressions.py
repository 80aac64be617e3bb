"""Reads licence expressions: which licences bind together, and between which one may choose.

Source: SPDX 2.3, annex D (``AND`` binds closer than ``OR``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, product
from typing import Any, Final

from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.licensing.names import Names

MOST_ALTERNATIVES: Final = 64
LONGEST: Final = 4000
NOTHING: Final = "NOASSERTION"

Alternatives = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Expression:
    """A licence expression that was understood.

    Attributes:
        text: As SPDX writes it, which reads as the same expression again.
        alternatives: Ids of the licences that bind together, one set for each way to
            choose; what only adds licences to another way is left out.
        exceptions: Ids behind ``WITH``: set aside, for we do not know what they add.
        without_terms: Ids that SPDX lists and of which nothing is declared.
    """

    text: str
    alternatives: tuple[frozenset[str], ...]
    exceptions: tuple[str, ...] = ()
    without_terms: tuple[str, ...] = ()

    @classmethod
    def nothing(cls) -> Expression:
        """Return what is said where nobody said anything."""
        return cls(NOTHING, (frozenset({NOTHING}),))

    @property
    def means(self) -> tuple[frozenset[frozenset[str]], frozenset[str]]:
        """What tells expressions apart, in whatever order they were written."""
        return frozenset(self.alternatives), frozenset(self.exceptions)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all licences of the alternatives, sorted."""
        return tuple(sorted(frozenset(chain.from_iterable(self.alternatives))))


@dataclass(frozen=True)
class _Part:
    """A part of an expression; ``joint`` is AND or OR, or empty for one licence."""

    text: str
    alternatives: Alternatives
    exceptions: tuple[str, ...] = ()
    joint: str = ""
    operands: tuple[_Part, ...] = ()


def read(text: str, names: Names, declared: Callable[[str], bool]) -> Expression:
    """Read an id, a name, an address, or an expression of them.

    Args:
        text: What somebody wrote.
        names: Finds ids.
        declared: Tells whether the terms of an id are declared.

    Raises:
        InvalidRecord: It is empty, is no expression, names a licence nobody knows, or
            offers too many alternatives.
    """
    wanted = " ".join(text.split())
    if not wanted:
        raise InvalidRecord(
            f"the licence is empty; give an SPDX id such as CC-BY-4.0, or {NOTHING} if it"
            " is not known"
        )
    if len(wanted) > LONGEST:
        raise InvalidRecord(
            f"the licence has {len(wanted)} characters, more than {LONGEST}; give an SPDX"
            " expression, not the text of the licence"
        )
    try:
        part = _Reader(wanted, names).part()
    except RecursionError:
        raise InvalidRecord(f"{_short(wanted)} is nested too deeply; write it flatter") from None
    ids = sorted(frozenset(chain.from_iterable(part.alternatives)))
    return Expression(
        part.text,
        tuple(sorted(part.alternatives, key=sorted)),
        tuple(dict.fromkeys(part.exceptions)),
        tuple(id_ for id_ in ids if not declared(id_)),
    )


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, names: Names) -> None:
        self._text = text
        self._names = names

    def part(self) -> _Part:
        from license_expression import ExpressionError, Licensing

        if self._names.find(self._text) is not None:
            return self._license(self._text)
        try:
            source = self._names.addresses_replaced(self._text)
            tree = Licensing().parse(source)
        except NotFound as problem:
            raise InvalidRecord(
                f"{problem}; give the licence's SPDX id, or add the address as rdfs:seeAlso to"
                " its file in ontology/licenses/ of your folder"
            ) from problem
        # It raises IndexError for a text of parentheses alone.
        except (ExpressionError, IndexError) as problem:
            raise self._unreadable(source, problem) from problem
        return self._read(tree)

    def _unreadable(self, source: str, problem: Exception) -> InvalidRecord:
        position = getattr(problem, "position", -1)
        at = f" at character {position + 1} of {_short(source)}" if position >= 0 else ""
        return InvalidRecord(
            f"the licence {_short(self._text)} cannot be read{at}: {problem}; join SPDX ids with"
            " AND or OR, and close every parenthesis"
        )

    def _read(self, tree: Any) -> _Part:
        from license_expression import LicenseWithExceptionSymbol

        if tree.isliteral:
            if isinstance(tree, LicenseWithExceptionSymbol):
                return self._excepted(tree.license_symbol.key, tree.exception_symbol.key)
            return self._license(tree.key)
        joint = tree.operator.strip()
        return _joined(joint, [self._read(argument) for argument in tree.args])

    def _license(self, key: str) -> _Part:
        found = self._names.find(key)
        if found is not None:
            id_, _, exception = found.partition(" WITH ")
            return _Part(found, _one(id_), (exception,) if exception else ())
        base = self._names.find(key[:-1]) if key.endswith("+") else None
        if base is None or " WITH " in base:
            raise self._unknown(key)
        return _Part(f"{base}+", _one(base))

    def _excepted(self, key: str, written: str) -> _Part:
        license_, exception = self._license(key), self._names.exception(written)
        if exception is None:
            raise InvalidRecord(
                f"{_short(written)} is no licence exception that SPDX lists"
                f"{_meant(self._names.near_exceptions(written))}"
            )
        if license_.exceptions:
            raise InvalidRecord(f"{_short(key)} has an exception already; give one WITH")
        return _Part(f"{license_.text} WITH {exception}", license_.alternatives, (exception,))

    def _unknown(self, key: str) -> InvalidRecord:
        return InvalidRecord(
            f"{_short(key)} is no licence that SPDX lists or that is declared"
            f"{_meant(self._names.near(key))}; give an SPDX id, or declare it in"
            " ontology/licenses/<id>.ttl of your folder, with an id that begins with LicenseRef-"
        )


def _joined(joint: str, parts: Iterable[_Part]) -> _Part:
    flat = chain.from_iterable(p.operands if p.joint == joint else (p,) for p in parts)
    operands = tuple({part.text: part for part in flat}.values())
    if len(operands) == 1:
        return operands[0]
    alternatives = operands[0].alternatives
    for part in operands[1:]:
        alternatives = _combined(joint, alternatives, part.alternatives)
    texts = (f"({part.text})" if part.joint else part.text for part in operands)
    exceptions = tuple(chain.from_iterable(part.exceptions for part in operands))
    return _Part(f" {joint} ".join(texts), alternatives, exceptions, joint, operands)


def _combined(joint: str, one: Alternatives, other: Alternatives) -> Alternatives:
    together = one | other if joint == "OR" else {a | b for a, b in product(one, other)}
    if len(together) > 2 * MOST_ALTERNATIVES:
        raise _too_many()
    least = frozenset(a for a in together if not any(b < a for b in together))
    if len(least) > MOST_ALTERNATIVES:
        raise _too_many()
    return least


def _too_many() -> InvalidRecord:
    return InvalidRecord(
        f"the licence offers more than {MOST_ALTERNATIVES} alternatives; state the one that"
        " was chosen"
    )


def _one(id_: str) -> Alternatives:
    return frozenset({frozenset({id_})})


def _meant(near: list[str]) -> str:
    return f"; did you mean {' or '.join(near)}" if near else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
