"""What the name of a column says: the lexicon, and names made comparable.

Names come as ``dt_nasc``, ``dataNascimento``, ``Data de Nascimento`` or in a wrong
encoding; all are read as the same words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal

from lineage_graph.privacy.rules import Defaults, TypeRules

Strength = Literal["name", "context", "kin", "word", "hint"]
RANK: Final[dict[str, int]] = {"name": 5, "context": 4, "kin": 3, "word": 2, "hint": 1}

_LONGEST: Final = 200
_LONG_WORD: Final = 6
_FILLING: Final = 8
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGITS = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=65536)
def words(name: str, stop_words: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the words of a name, without accents, case, plural and stop words."""
    text = _repaired(name[:_LONGEST])
    decomposed = unicodedata.normalize("NFKD", text)
    text = "".join(char for char in decomposed if not unicodedata.combining(char))
    text = _DIGITS.sub(" ", _CAMEL.sub(" ", text))
    found = [_singular(word) for word in _WORD.findall(text.casefold())]
    kept = [word for word in found if word not in stop_words]
    return tuple(kept or found)


def _repaired(name: str) -> str:
    """Undo UTF-8 that was read as Latin-1; anything else is left as it is."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def _singular(word: str) -> str:
    long = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return word[:-1] if long else word


@dataclass(frozen=True)
class Match:
    """What the lexicon says of a name for one type.

    Attributes:
        entry: The entry that matched.
        strength: ``name`` for the whole name, ``context`` for one that counts only among
            columns about persons, ``kin`` for one among columns of the same type, ``word``
            for words in it, ``hint`` for a whole name that counts only with the support of
            values.
        weight: How sure it is, 0 to 1.
    """

    entry: str
    strength: Strength
    weight: float


@dataclass(frozen=True)
class Table:
    """What is known of the columns of a table by themselves.

    Attributes:
        about_persons: One of them is about persons.
        types: IRIs of the types that they hold.
    """

    about_persons: bool = False
    types: frozenset[str] = frozenset()


ALONE: Final = Table()
"""Nothing is known of other columns."""


class Lexicon:
    """Reads names of columns.

    Args:
        rules: The declared rules of every type.
        defaults: What counts for all.
    """

    def __init__(self, rules: Iterable[TypeRules], defaults: Defaults) -> None:
        self._rules = tuple(rules)
        self._defaults = defaults

    @cached_property
    def _whole(self) -> dict[str, list[tuple[str, str, Strength]]]:
        """The joined words of a whole name to type, entry and strength."""
        found: dict[str, list[tuple[str, str, Strength]]] = {}
        for rule in self._rules:
            lists: tuple[tuple[Strength, tuple[str, ...]], ...] = (
                ("name", rule.names),
                ("hint", rule.hints),
                ("context", rule.contexts),
                ("kin", rule.kin),
            )
            for strength, entries in lists:
                for entry in entries:
                    key = "".join(self.words(entry))
                    found.setdefault(key, []).append((rule.iri, entry, strength))
        return found

    @cached_property
    def _phrases(self) -> dict[tuple[str, ...], list[tuple[str, str]]]:
        found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for rule in self._rules:
            for entry in rule.words:
                found.setdefault(self.words(entry), []).append((rule.iri, entry))
        return found

    @cached_property
    def _long_words(self) -> tuple[tuple[str, str, str], ...]:
        """Single words that are told even where they are run together with others."""
        return tuple(
            (phrase[0], iri, entry)
            for phrase, found in self._phrases.items()
            if len(phrase) == 1 and len(phrase[0]) >= _LONG_WORD
            for iri, entry in found
        )

    @cached_property
    def _excepted(self) -> dict[str, re.Pattern[str]]:
        return {rule.iri: rule.excepted for rule in self._rules if rule.excepted}

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words of a name that say something."""
        return words(name, self._defaults.stop_words)

    def text(self, name: str) -> str:
        """Return a name's words with spaces between them."""
        return " ".join(self.words(name))

    def nameless(self, name: str) -> bool:
        """Tell whether a name says nothing at all, such as ``_c0`` or an empty one."""
        text = " ".join(words(name))
        return any(one.fullmatch(text) for one in self._defaults.nameless)

    def matches(self, name: str, table: Table = ALONE) -> dict[str, Match]:
        """Return type to what its lexicon says of a name, the strongest entry of each.

        Args:
            name: Of the column.
            table: What is known of the table's other columns.
        """
        found: dict[str, Match] = {}
        for iri, match in self._all(name):
            if match.strength == "context" and not table.about_persons:
                continue
            if match.strength == "kin" and iri not in table.types:
                continue
            held = found.get(iri)
            if held is None or (match.weight, RANK[match.strength]) > (
                held.weight,
                RANK[held.strength],
            ):
                found[iri] = match
        return found

    def _all(self, name: str) -> Iterator[tuple[str, Match]]:
        parts = self.words(name)
        for iri, entry, strength in self._whole.get("".join(parts), ()):
            yield iri, Match(entry, strength, self._defaults.name_weight)
        text = " ".join(parts)
        for start in range(len(parts)):
            for end in range(start + 1, min(len(parts), start + 5) + 1):
                rest = {*parts[:start], *parts[end:]}
                for iri, entry in self._phrases.get(parts[start:end], ()):
                    if self._turned(iri, rest) or self._vetoed(iri, text):
                        continue
                    yield iri, Match(entry, "word", self._weight(end - start, len(parts)))
        yield from self._run_together(parts, text)

    def _run_together(self, parts: tuple[str, ...], text: str) -> Iterator[tuple[str, Match]]:
        for part in parts:
            for word, iri, entry in self._long_words:
                if not (part.startswith(word) or part.endswith(word)):
                    continue
                other = self._turned(iri, {*parts}) or self._vetoed(iri, text)
                if 0 < len(part) - len(word) <= _FILLING and not other:
                    yield iri, Match(entry, "word", self._defaults.word_weight)

    @cached_property
    def _formatted(self) -> frozenset[str]:
        return frozenset(rule.iri for rule in self._rules if rule.support is not None)

    def _turned(self, iri: str, rest: set[str]) -> bool:
        """Tell whether other words make a name mean something about the thing, not it."""
        formatted = iri in self._formatted and rest & self._modifiers[1]
        return bool(rest & self._modifiers[0] or formatted)

    @cached_property
    def _modifiers(self) -> tuple[frozenset[str], frozenset[str]]:
        lists = self._defaults.modifiers, self._defaults.format_modifiers
        every, formats = (frozenset(w for one in found for w in words(one)) for found in lists)
        return every, formats

    def _vetoed(self, iri: str, text: str) -> bool:
        excepted = self._excepted.get(iri)
        return excepted is not None and excepted.search(text) is not None

    def _weight(self, matched: int, of: int) -> float:
        """Words that are more of the name, and more words, say more."""
        lowest, highest = self._defaults.word_weight, self._defaults.name_weight
        cover = matched / of
        return lowest + (highest - lowest) * (0.7 * cover + 0.3 * (1 - 1 / (1 + matched))) * 0.99
