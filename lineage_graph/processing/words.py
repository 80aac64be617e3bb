"""Which term somebody means who writes a purpose, a person, a measure, a country or an article.

Words are the local names and the labels, in either language, of what ``ontology/`` declares,
an organisation's own files included.

Sources: DPV 2.3; GDPR and LGPD as ``ontology/regulations`` has them; ISO 3166-1 by pycountry.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from lineage_graph.declarations import Declarations
from lineage_graph.errors import MissingExtra
from lineage_graph.stores import Row

BASES: Final = {
    "basis": ("GeneralBasis", "SpecialCategoryBasis", "ChildBasis"),
    "mechanism": ("TransferBasis",),
    "conservation": ("ConservationBasis",),
}
"""Where a legal basis stands in a file, and of which kinds it may be there."""

_PLACES: Final = {
    "basis": "legal_basis",
    "mechanism": "basis of a transfer",
    "conservation": "basis of a retention",
}
_LAW: Final = re.compile(r"(?:\s|^)(gdpr|rgpd|dsgvo|lgpd)\b", re.IGNORECASE)
_LAWS: Final = {"rgpd": "gdpr", "dsgvo": "gdpr"}
_SILENT: Final = re.compile(
    r"\b(?:art(?:icle|igo)?|inciso|al[ií]nea|par[aá]grafo|subparagraph|second|n[oº]?)\b\.?|[ºª°]",
    re.IGNORECASE,
)
_PARAGRAPH: Final = re.compile(r"§\s*(\d+)\s*o?")


class Unfit(Exception):
    """A word that is not known where it stands; the message says what to write."""


class Rows(Protocol):
    """Answers named queries over what is declared."""

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a query over ``ontology/``."""


@dataclass(frozen=True)
class Basis:
    """A legal basis.

    Attributes:
        law: Name of the law, such as ``gdpr``.
        kind: Local name of its kind, such as ``GeneralBasis``.
        article: As it is cited, such as ``GDPR Art. 6(1)(f)``.
        label: What it is, in English.
    """

    iri: str
    law: str
    kind: str
    article: str
    label: str


class Words:
    """Finds terms.

    Args:
        declared: Answers queries over the declarations.
        declarations: Where names meet IRIs.
    """

    def __init__(self, declared: Rows, declarations: Declarations) -> None:
        self._declared = declared
        self._declarations = declarations

    @cached_property
    def _terms(self) -> Mapping[str, Mapping[str, str]]:
        """For each kind, what a word is reduced to, and the term it means."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        rows = self._declared.rows("processing/words")
        # A local name is never taken from its term by another's label.
        for row in rows:
            found[row["kind"]].setdefault(word_key(_local(row["term"])), str(row["term"]))
        for row in rows:
            found[row["kind"]].setdefault(word_key(row["label"]), str(row["term"]))
        return found

    @cached_property
    def _bases(self) -> dict[str, Basis]:
        lg = self._declarations.iri("lg:GeneralBasis").removesuffix("GeneralBasis")
        return {
            str(row["basis"]): Basis(
                str(row["basis"]),
                row["law"],
                str(row["kind"]).removeprefix(lg),
                row["article"],
                row["label"],
            )
            for row in self._declared.rows("processing/bases")
        }

    def find(self, kind: str, text: str) -> str | None:
        """Return the IRI of the term of a kind that a word means, or None.

        Args:
            kind: ``purpose``, ``subject``, ``measure``, ``involvement``, ``scale``,
                ``category``, ``role`` or ``country``.
            text: Local name, label, compact name or IRI.
        """
        known = self._terms.get(kind, {})
        iri = self._iri(text)
        return (iri if iri in known.values() else None) if iri else known.get(word_key(text))

    def near(self, kind: str, text: str) -> str:
        """Return what to write instead, as the end of a sentence; nothing if nothing is near."""
        known = self._terms.get(kind, {})
        close = difflib.get_close_matches(word_key(_local(text)), known, n=2, cutoff=0.6)
        names = dict.fromkeys(_local(known[key]) for key in close)
        return f"; did you mean {' or '.join(map(repr, names))}?" if names else ""

    def is_iri(self, text: str) -> bool:
        """Tell whether text is an IRI or a compact name, and no word."""
        return self._iri(text) is not None

    def _iri(self, text: str) -> str | None:
        prefix, colon, local = text.partition(":")
        if not colon or not local or " " in text:
            return None
        if local.startswith("//") or prefix == "urn":
            return text
        namespace = self._declarations.prefixes.get(prefix)
        return namespace + local if namespace else None

    def basis(self, place: str, text: str) -> str:
        """Return the IRI of the legal basis that is cited.

        Args:
            place: Where it stands, a key of :data:`BASES`.
            text: Such as ``GDPR 6(1)(f)`` or ``LGPD art. 7º, IX``, or an IRI.

        Raises:
            Unfit: There is none of that law, or it is for another place.
        """
        found = self._bases.get(self._iri(text) or "") or self._cited(text)
        if found.kind not in BASES[place]:
            other = next(where for where, kinds in BASES.items() if found.kind in kinds)
            raise Unfit(
                f"{found.article} ({found.label}) cannot stand here; it is a {_PLACES[other]}"
            )
        return found.iri

    def _cited(self, text: str) -> Basis:
        named = _LAW.search(text)
        laws = sorted({basis.law for basis in self._bases.values()})
        if named is None:
            raise Unfit(
                f"is no legal basis; say the law and its article, such as 'GDPR 6(1)(f)'"
                f" or 'LGPD 7 IX' (laws: {', '.join(map(str.upper, laws))})"
            )
        law = named[1].casefold()
        law = _LAWS.get(law, law)
        key = article_key(text.replace(named[1], " ", 1))
        same = [basis for basis in self._bases.values() if key in _keys(basis)]
        for basis in same:
            if basis.law == law:
                return basis
        elsewhere = "".join(
            f"; {b.law.upper()} has one: {b.article!r} ({b.label})" for b in same if b.law != law
        )
        raise Unfit(f"is no legal basis of {law.upper()}{elsewhere or self._near(law, key)}")

    def _near(self, law: str, key: str) -> str:
        known = {k: b for b in self._bases.values() if b.law == law for k in _keys(b)}
        close = difflib.get_close_matches(key, known, n=2, cutoff=0.6)
        named = dict.fromkeys(f"{known[k].article} ({known[k].label})" for k in close)
        return f"; did you mean {' or '.join(named)}?" if named else ""

    def country(self, text: str) -> str:
        """Return the IRI of a country by its ISO 3166-1 code or its name in either language.

        Raises:
            Unfit: There is none of that name.
            MissingExtra: The list of countries is not installed.
        """
        known = self.find("country", text)
        if known:
            return known
        namespace = self._declarations.prefixes["loc"]
        bare = (self._iri(text) or text).removeprefix(namespace)
        code = _iso_code(bare)
        if code is None:
            raise Unfit(f"is no country; write its ISO code, such as BR{_near_name(bare)}")
        return namespace + code


def word_key(text: str) -> str:
    """Return what is left of a word without case, accents, spaces and punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def article_key(text: str) -> str:
    """Return the numbers and letters of an article: ``art. 7º, IX`` and ``7 IX`` are one."""
    bare = _PARAGRAPH.sub(r" p\1 ", text)
    return ".".join(re.findall(r"p\d+|\d+|[a-z]+", _SILENT.sub(" ", bare).casefold()))


def _keys(basis: Basis) -> Iterable[str]:
    """Yield how an article may be cited: as the law does, and as its term is called."""
    yield article_key(re.sub(_LAW, " ", basis.article))
    yield article_key(_local(basis.iri).removeprefix("A"))


def _local(iri: str) -> str:
    return re.split(r"[#/:]", iri)[-1]


def _iso_code(text: str) -> str | None:
    try:
        import pycountry
    except ImportError as problem:
        raise MissingExtra(
            "Whether a country is one cannot be told without pycountry. Type: pip install pycountry"
        ) from problem
    try:
        return str(pycountry.countries.lookup(text).alpha_2)
    except LookupError:
        return None


def _near_name(text: str) -> str:
    import pycountry

    names = {word_key(country.name): country for country in pycountry.countries}
    close = difflib.get_close_matches(word_key(text), names, n=1, cutoff=0.6)
    return f"; did you mean {names[close[0]].alpha_2} ({names[close[0]].name})?" if close else ""
