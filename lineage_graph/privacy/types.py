"""What columns can mean, as it is declared: the semantic types of ``ontology/semantic-types.ttl``.

An organisation adds a type in a Turtle file of its own; nothing here knows one by name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Protocol

from lineage_graph.declarations import Declarations
from lineage_graph.errors import DeclarationError, NotFound

ANY_NUMBER: Final = r"(?!-?0+$|-1$)(?s:.*[0-9].*)"
"""What names somebody where nothing else is declared: it has a digit, and is more than zero."""


class Rows(Protocol):
    """Answers declared queries over ``ontology/``."""

    def rows(self, name: str) -> list[Any]:
        """Return the rows of a named query."""
        ...


@dataclass(frozen=True)
class SemanticType:
    """One thing that a column can mean.

    Attributes:
        iri: Its IRI.
        name: Short name, such as ``cpf``.
        labels: Language to what a person reads.
        categories: IRIs of the categories of personal data in DPV.
        role: Term of how a value leads to a person, such as ``DirectIdentifier``.
        needs_context: Values are no sign of persons by themselves.
        small_domain: There are so few values that a hash without a key can be tried out.
        possible_proxy: Values may reveal special categories.
        removes: Regular expression of characters that are no part of a value's identity.
        lower: Upper and lower case make no difference to it.
        validator: Name of the check of a value's check digits or form.
        indexable: A person can be looked up by a value.
        gdpr: The article of the GDPR that values fall under.
        lgpd: The article of the LGPD that values fall under.
        width: How many digits a value has; a number that has lost zeros gets them back.
        form: Regular expression of a whole canonical value that can name somebody; ``N/A``
            and the like do not.
    """

    iri: str
    name: str
    labels: Mapping[str, str]
    categories: tuple[str, ...]
    role: str
    needs_context: bool = False
    small_domain: bool = False
    possible_proxy: bool = False
    removes: str | None = None
    lower: bool = False
    validator: str | None = None
    indexable: bool = False
    gdpr: str | None = None
    lgpd: str | None = None
    width: int | None = None
    form: str = ANY_NUMBER
    _pattern: re.Pattern[str] | None = field(default=None, repr=False, compare=False)

    def canonical(self, text: str) -> str:
        """Return what makes a value the same as another; doing it twice changes nothing."""
        while True:
            short = self._pattern.sub("", text) if self._pattern else text
            short = short.strip()
            short = short.lower() if self.lower else short
            if short == text:
                return self._padded(short)
            text = short

    def _padded(self, text: str) -> str:
        digits = text.isascii() and text.isdigit()
        return text.zfill(self.width) if self.width and digits else text

    def names(self, text: str) -> bool:
        """Tell whether a value can name somebody at all, right or wrong: ``N/A`` does not."""
        return re.fullmatch(self.form, self.canonical(text)) is not None

    def valid(self, text: str) -> bool:
        """Tell whether a value has the form and the check digits of the type.

        A type without a check of its own takes any value that is not empty.
        """
        from lineage_graph.privacy.validators import validator

        value = self.canonical(text)
        return bool(value) and (self.validator is None or validator(self.validator)(value))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        plain = {key: value for key, value in vars(self).items() if key[0] != "_"}
        return {**plain, "labels": dict(self.labels), "categories": list(self.categories)}


class SemanticTypes:
    """The declared types, read once.

    Args:
        declared: Answers queries over ``ontology/``.
        declarations: Where terms meet IRIs.
    """

    def __init__(self, declared: Rows, declarations: Declarations) -> None:
        self._declared = declared
        self._term = declarations.term

    @cached_property
    def _types(self) -> dict[str, SemanticType]:
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for row in self._declared.rows("privacy/semantic_types"):
            rows.setdefault(str(row["type"]), []).append(row)
        return {iri: self._read(iri, found) for iri, found in rows.items()}

    def _read(self, iri: str, rows: list[Mapping[str, Any]]) -> SemanticType:
        row = rows[0]
        labels = {"en": row["english"], "pt-BR": row["portuguese"]}
        return SemanticType(
            iri=iri,
            name=row["name"],
            labels={language: label for language, label in labels.items() if label},
            categories=tuple(dict.fromkeys(str(r["category"]) for r in rows if r["category"])),
            role=self._term(str(row["role"])).removeprefix("lg:"),
            needs_context=bool(row["needsContext"]),
            small_domain=bool(row["smallDomain"]),
            possible_proxy=bool(row["possibleProxy"]),
            removes=row["removes"],
            lower=bool(row["lowers"]),
            validator=row["validator"],
            indexable=bool(row["indexable"]),
            gdpr=row["gdpr"],
            lgpd=row["lgpd"],
            width=row["width"],
            form=_form(row["form"], row["width"], iri),
            _pattern=pattern(row["removes"], iri) if row["removes"] else None,
        )

    def all(self) -> tuple[SemanticType, ...]:
        """Return every type, sorted by its short name."""
        return tuple(sorted(self._types.values(), key=lambda one: (one.name, one.iri)))

    def get(self, iri: str) -> SemanticType:
        """Return the type of an IRI.

        Raises:
            NotFound: No file declares it.
        """
        try:
            return self._types[iri]
        except KeyError:
            raise NotFound(
                f"There is no semantic type <{iri}>. It may be declared in a folder of an"
                " organisation that is not given here."
            ) from None

    @cached_property
    def _by_name(self) -> dict[str, SemanticType]:
        return {one.name.casefold(): one for one in self.all()}

    def named(self, name: str) -> SemanticType:
        """Return a type by its short name, in any case, or by its IRI.

        Raises:
            NotFound: There is none; the nearest is named.
        """
        found = self._by_name.get(name.strip().casefold()) or self._types.get(name)
        if found is not None:
            return found
        near = self.near(name)
        hint = f" Did you mean {near!r}?" if near else ""
        raise NotFound(
            f"There is no semantic type {name!r}.{hint} 'lineage-graph types list' shows them all."
        )

    def near(self, name: str) -> str | None:
        """Return the short name that is most like another; None when none is."""
        close = difflib.get_close_matches(name.casefold(), self._by_name, n=1, cutoff=0.5)
        return close[0] if close else None


def _form(declared: str | None, width: int | None, where: str) -> str:
    """Return what a whole value has to be like to name somebody.

    Raises:
        DeclarationError: It is declared, and no regular expression.
    """
    if declared is not None:
        return pattern(declared, where).pattern
    return rf"(?!([0-9])\1*$)[0-9]{{{width}}}" if width else ANY_NUMBER


def pattern(text: str, where: str) -> re.Pattern[str]:
    """Compile a declared regular expression.

    Raises:
        DeclarationError: It is none.
    """
    try:
        return re.compile(text)
    except re.error as problem:
        raise DeclarationError(
            f"<{where}> declares {text!r}, which is no regular expression: {problem};"
            " correct it in the Turtle file"
        ) from problem
