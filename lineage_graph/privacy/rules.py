"""The declared rules of recognition, read once from ``ontology/`` by ``queries/privacy``."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lineage_graph.errors import DeclarationError
from lineage_graph.privacy.types import Rows, pattern
from lineage_graph.privacy.validators import fold

QUERIES: Final = (
    "privacy/headers",
    "privacy/recognition_defaults",
    "privacy/semantic_types",
    "privacy/split_fields",
    "privacy/thresholds",
    "privacy/value_evidence",
    "privacy/value_lists",
)
"""Everything that a label depends on."""

_NOT_A_RULE: Final = frozenset({"evidence", "english", "portuguese"})

Values = frozenset[str]


@dataclass(frozen=True)
class Evidence:
    """One test of a value; it passes when every condition holds.

    Attributes:
        weight: How sure the type is by values alone, 0 to 1; 0 only supports a name.
        full: The share of values from which on it counts as passed by all.
        pattern: The whole value fits it.
        validator: Name of a check of one value.
        check: Name of a check of all values together.
        listed: The value is one of these.
        first: Its first word is one of these.
        last: Its last word is one of these.
        least: The least number.
        greatest: The greatest number.
        distinct: How many of the values must differ, 0 to 1.
        least_distinct: How many distinct values there must be.
        most_distinct: How many distinct values there may be.
        nameless: It counts only where the column's name says nothing.
    """

    weight: float
    full: float = 1.0
    pattern: re.Pattern[str] | None = None
    validator: str | None = None
    check: str | None = None
    listed: Values | None = None
    first: Values | None = None
    last: Values | None = None
    least: float | None = None
    greatest: float | None = None
    distinct: float = 0.0
    least_distinct: int = 1
    most_distinct: int | None = None
    nameless: bool = False


@dataclass(frozen=True)
class TypeRules:
    """How one type is recognised.

    Attributes:
        iri: The type.
        families: Families of datatypes it may have.
        names: Whole names of columns.
        hints: Whole names that need the support of values.
        words: Words within a name.
        contexts: Whole names that count where another column is about persons.
        kin: Whole names that count where another column is of the type.
        excepted: Names in which those words mean something else.
        evidence: Tests of values.
        accepted: Score from which on a label is accepted.
        suggested: Score from which on it is suggested.
        support: Share of values that must fit before a name counts; None: it counts alone.
    """

    iri: str
    families: frozenset[str]
    names: tuple[str, ...]
    hints: tuple[str, ...]
    words: tuple[str, ...]
    contexts: tuple[str, ...]
    kin: tuple[str, ...]
    excepted: re.Pattern[str] | None
    evidence: tuple[Evidence, ...]
    accepted: float
    suggested: float
    support: float | None


@dataclass(frozen=True)
class Defaults:
    """What counts for every type that says nothing else."""

    accepted: float
    suggested: float
    name_weight: float
    word_weight: float
    support: float
    stop_words: frozenset[str]
    modifiers: frozenset[str]
    format_modifiers: frozenset[str]
    nameless: tuple[re.Pattern[str], ...]


@dataclass(frozen=True)
class Part:
    """One part of a field that is split over several columns.

    Attributes:
        field: IRI of the field.
        name: What the part is called.
        type: IRI of the semantic type that it is of.
        pattern: The whole name of a column; None: its name says nothing.
        check: Name of a check of all its values.
        least: The least number.
        greatest: The greatest number.
    """

    field: str
    name: str
    type: str
    pattern: re.Pattern[str] | None
    check: str | None
    least: float | None
    greatest: float | None


class Rules:
    """The rules as they are declared.

    Args:
        declared: Answers queries over ``ontology/``.
    """

    def __init__(self, declared: Rows) -> None:
        self._rows = {name: declared.rows(name) for name in QUERIES}

    def content(self) -> bytes:
        """Return all rules as canonical JSON; labels for people are no part of it."""
        plain = {
            name: sorted(json.dumps(_rule(row), sort_keys=True, default=str) for row in rows)
            for name, rows in self._rows.items()
        }
        return json.dumps(plain, sort_keys=True).encode()

    def digest(self, *more: str) -> str:
        """Return a hex sha256 of the rules and of what else decides."""
        return hashlib.sha256(b"\0".join([self.content(), *map(str.encode, more)])).hexdigest()

    @cached_property
    def lists(self) -> Mapping[str, Values]:
        """IRI of a list to its entries, folded; several declarations of one list add up."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for row in self._rows["privacy/value_lists"]:
            found[str(row["list"])] |= {fold(entry) for entry in row["entries"].split(";")}
        return {iri: frozenset(entries - {""}) for iri, entries in found.items()}

    @cached_property
    def defaults(self) -> Defaults:
        """The one set of defaults.

        Raises:
            DeclarationError: There is none, or there are several.
        """
        rows = self._rows["privacy/recognition_defaults"]
        if len(rows) != 1:
            raise DeclarationError(
                f"{len(rows)} nodes are of type lg:RecognitionDefaults, and there must be one;"
                " a type says what is different for it with lg:acceptedFrom, lg:suggestedFrom"
                " and lg:leastSupport"
            )
        row = rows[0]
        nameless = [
            pattern(r["entries"], str(r["list"]))
            for r in self._rows["privacy/value_lists"]
            if r["list"] == row["nameless"]
        ]
        return Defaults(
            float(row["accepted"]),
            float(row["suggested"]),
            float(row["name"]),
            float(row["word"]),
            float(row["support"]),
            self._list(row["stopWords"]) or frozenset(),
            self._list(row["modifiers"]) or frozenset(),
            self._list(row["formatModifiers"]) or frozenset(),
            tuple(nameless),
        )

    def _list(self, iri: Any) -> Values | None:
        if iri is None:
            return None
        try:
            return self.lists[str(iri)]
        except KeyError:
            raise DeclarationError(
                f"<{iri}> is used as a list of values and no file declares it as lg:ValueList"
                " with lg:entries"
            ) from None

    @cached_property
    def types(self) -> tuple[TypeRules, ...]:
        """The rules of every type, sorted by IRI."""
        thresholds: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._rows["privacy/thresholds"]:
            thresholds[str(row["type"])].append(row)
        headers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for row in self._rows["privacy/headers"]:
            headers[str(row["type"]), row["kind"]].append(row["entry"])
        evidence: defaultdict[str, list[Evidence]] = defaultdict(list)
        for row in self._rows["privacy/value_evidence"]:
            evidence[str(row["type"])].append(self._evidence(row))
        return tuple(
            self._type(iri, rows, headers, tuple(evidence[iri]))
            for iri, rows in sorted(thresholds.items())
        )

    def _type(
        self,
        iri: str,
        rows: list[Mapping[str, Any]],
        headers: Mapping[tuple[str, str], list[str]],
        evidence: tuple[Evidence, ...],
    ) -> TypeRules:
        row = rows[0]
        excepted = "|".join(f"(?:{one})" for one in headers.get((iri, "except"), ()))
        return TypeRules(
            iri=iri,
            families=frozenset(r["family"] for r in rows if r["family"]),
            names=tuple(headers.get((iri, "name"), ())),
            hints=tuple(headers.get((iri, "hint"), ())),
            words=tuple(headers.get((iri, "word"), ())),
            contexts=tuple(headers.get((iri, "context"), ())),
            kin=tuple(headers.get((iri, "kin"), ())),
            excepted=pattern(excepted, iri) if excepted else None,
            evidence=evidence,
            accepted=_number(row["accepted"], self.defaults.accepted),
            suggested=_number(row["suggested"], self.defaults.suggested),
            support=None if row["support"] is None else float(row["support"]),
        )

    def _evidence(self, row: Mapping[str, Any]) -> Evidence:
        where = str(row["type"])
        return Evidence(
            weight=float(row["weight"]),
            full=_number(row["fullShare"], 1.0),
            pattern=pattern(row["pattern"], where) if row["pattern"] else None,
            validator=row["validator"],
            check=row["check"],
            listed=self._list(row["list"]),
            first=self._list(row["first"]),
            last=self._list(row["last"]),
            least=None if row["least"] is None else float(row["least"]),
            greatest=None if row["greatest"] is None else float(row["greatest"]),
            distinct=_number(row["leastDistinctShare"], 0.0),
            least_distinct=row["leastDistinct"] or 1,
            most_distinct=row["mostDistinct"],
            nameless=bool(row["onlyNameless"]),
        )

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of split fields."""
        return tuple(
            Part(
                str(row["field"]),
                row["part"],
                str(row["type"]),
                pattern(row["pattern"], str(row["field"])) if row["pattern"] else None,
                row["check"],
                None if row["least"] is None else float(row["least"]),
                None if row["greatest"] is None else float(row["greatest"]),
            )
            for row in self._rows["privacy/split_fields"]
        )


def _rule(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _NOT_A_RULE}


def _number(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)
