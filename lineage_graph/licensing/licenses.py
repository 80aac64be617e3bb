"""The licences that ``ontology/licenses`` declares, ours and an organisation's.

A licence is one file, checked against ``ontology/shapes/license.ttl`` when it is read. What
its rules mean is asked of the graph; here is what identifies a licence, and who means it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lineage_graph.declarations import Declarations
from lineage_graph.errors import DeclarationError, NotFound
from lineage_graph.licensing.expressions import NOTHING, Expression, read
from lineage_graph.licensing.names import Names, address_key, name_key

__all__ = ["NOTHING", "Expression", "License", "Licenses"]

_FOLDER: Final = ("ontology", "licenses")
_SHAPES: Final = "license.ttl"
_FIELDS: Final = {
    "dcterms:identifier": "id",
    "dcterms:title": "title",
    "skos:altLabel": "names",
    "rdfs:seeAlso": "texts",
    "rdfs:comment": "comment",
    "lg:family": "family",
    "lg:revocability": "revocability",
    "lg:jurisdiction": "jurisdiction",
    "lg:checked": "checked",
    "lg:grantable": "grantable",
    "lg:unknownTerms": "unknown_terms",
}


@dataclass(frozen=True)
class License:
    """One licence.

    Attributes:
        iri: What the graph calls it.
        id: Its SPDX id, a ``LicenseRef-``, ``NONE`` or ``NOASSERTION``.
        title: Its name.
        family: IRI of its family in ``ontology/rights.ttl``.
        revocability: IRI of how it can end.
        jurisdiction: Which law and which rights matter.
        names: Other names people use.
        texts: Addresses of its text, the one to name first.
        checked: When its terms were compared with the text; None if none are declared.
        grantable: Whether one may give it to others.
        unknown_terms: Whether its terms are not known, so that nothing is permitted.
        comment: Caveats by language, ``en`` and ``pt-BR``.
        path: The file that declares it; None for a licence of SPDX's list that no file
            declares.
    """

    iri: str
    id: str
    title: str
    family: str
    revocability: str
    jurisdiction: str = ""
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    checked: date | None = None
    grantable: bool = True
    unknown_terms: bool = False
    comment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    path: Path | None = None

    @property
    def declared(self) -> bool:
        """Whether a file says what its terms are."""
        return self.path is not None


class Licenses:
    """The licences there are.

    Args:
        declarations: Where the files are.

    Raises:
        DeclarationError: A file does not parse or breaks the shape, or two files declare
            the same licence, name or address.
    """

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        readings = [
            _Reading(declarations, path)
            for path in declarations.ontology_files()
            if _is_license_file(path)
        ]
        _check(declarations, readings)
        self._all = tuple(sorted((one for r in readings for one in r.licenses()), key=_by_id))
        _refuse_twins(self._all)
        self._by_iri = {one.iri: one for one in self._all}
        self._by_id = {one.id: one for one in self._all}
        self._names = Names(
            (one.id, (one.title, *one.names), (one.iri, *one.texts)) for one in self._all
        )
        self._parsed: dict[str, Expression] = {}

    def all(self) -> tuple[License, ...]:
        """Return the declared licences, by id."""
        return self._all

    def get(self, id_or_iri: str) -> License:
        """Return a licence by its id, whatever its case, its IRI, or a name people use.

        One that SPDX lists and no file declares comes with unknown terms.

        Raises:
            NotFound: With ids that may have been meant.
        """
        found = self._by_iri.get(id_or_iri) or self._by_id.get(id_or_iri)
        if found is not None:
            return found
        id_ = (self._names.find(id_or_iri) or "").partition(" WITH ")[0]
        if not id_:
            near = self._names.near(id_or_iri)
            meant = f"; did you mean {' or '.join(near)}" if near else ""
            raise NotFound(
                f"there is no licence {id_or_iri!r}{meant}; declare it in"
                " ontology/licenses/<id>.ttl of your folder"
            )
        return self._by_id.get(id_) or self._undeclared(id_)

    def _undeclared(self, id_: str) -> License:
        return License(
            iri=self._declarations.iri(f"license-iri:{id_}"),
            id=id_,
            title=self._names.listed_name(id_),
            family=self._declarations.iri("lg:NoLicenseFamily"),
            revocability=self._declarations.iri("lg:UnknownRevocability"),
            grantable=False,
            unknown_terms=True,
        )

    def near(self, text: str) -> list[str]:
        """Return up to three ids that a text may have been meant for."""
        return self._names.near(text)

    def iri(self, id: str) -> str:
        """Return the IRI of a licence by its id.

        Raises:
            NotFound: With ids that may have been meant.
        """
        return self.get(id).iri

    def parse(self, text: str) -> Expression:
        """Read what somebody wrote as a licence.

        Args:
            text: An SPDX id or expression, a common name, or an address.

        Raises:
            InvalidRecord: It is empty, is no expression, names a licence nobody knows
                (with ids that may have been meant), or offers too many alternatives.
        """
        known = self._parsed.get(text)
        if known is None:
            known = self._parsed[text] = read(text, self._names, self._by_id.__contains__)
        return known


class _Reading:
    """One file, parsed."""

    def __init__(self, declarations: Declarations, path: Path) -> None:
        from lineage_graph.stores import rdf

        self.path = path
        self.text = path.read_bytes()
        fields = {declarations.iri(name): field_ for name, field_ in _FIELDS.items()}
        type_, license_ = declarations.iri("rdf:type"), declarations.iri("lg:License")
        self._said: defaultdict[str, list[tuple[str, Any, str | None]]] = defaultdict(list)
        declared: dict[str, None] = {}
        subjects: dict[str, None] = {}
        for quad in rdf.parse(self.text, "turtle", source=str(path)):
            subject, predicate = str(rdf.value_of(quad.subject)), quad.predicate.value
            subjects[subject] = None
            value = rdf.value_of(quad.object)
            if predicate == type_ and value == license_:
                declared[subject] = None
            elif predicate in fields:
                language = getattr(quad.object, "language", None)
                self._said[subject].append((fields[predicate], value, language))
        self._declared = tuple(declared)
        self._refuse_others(subjects)

    def _refuse_others(self, subjects: Iterable[str]) -> None:
        if not self._declared:
            raise DeclarationError(
                f"{self.path} declares no lg:License; write one, or move the file out of licenses/"
            )
        for subject in subjects:
            if subject not in self._declared and not subject.startswith("_:"):
                raise DeclarationError(
                    f"{self.path} says something about {subject}, which it does not declare as"
                    " lg:License; a licence is declared in one file, and nothing else is there"
                )

    def licenses(self) -> list[License]:
        """Return the licences the file declares, once it keeps to the shape."""
        return [self._license(iri) for iri in self._declared]

    def _license(self, iri: str) -> License:
        one: dict[str, Any] = {}
        comment: dict[str, str] = {}
        several: dict[str, list[str]] = {"names": [], "texts": []}
        for name, value, language in self._said[iri]:
            if name in several:
                several[name].append(str(value))
            elif name == "comment":
                comment[_language(language or "")] = value
            else:
                one[name] = value
        one["checked"] = date.fromisoformat(one["checked"][:10])
        lists = {name: tuple(values) for name, values in several.items()}
        return License(
            iri=iri, path=self.path, comment=MappingProxyType(comment), **{**one, **lists}
        )


def _is_license_file(path: Path) -> bool:
    return any((above.parent.name, above.name) == _FOLDER for above in path.parents)


def _check(declarations: Declarations, readings: Sequence[_Reading]) -> None:
    import shacl

    ours = next(path for path in declarations.shapes_files() if path.name == _SHAPES)
    shapes = shacl.Shapes.from_turtle(ours.read_text(encoding="utf-8"))
    others = [p.read_bytes() for p in declarations.ontology_files() if not _is_license_file(p)]
    # A rule about an action that nobody declares would say nothing, and nobody would notice.
    actions = b"\n".join(text for text in others if b"odrl:Action" in text)
    # All at once is quick; one by one only where something is to be found.
    every = b"\n".join([*(reading.text for reading in readings), actions])
    if shapes.validate_turtle(every.decode()).conforms:
        return
    for reading in readings:
        report = shapes.validate_turtle((reading.text + b"\n" + actions).decode())
        faults = sorted({_fault(declarations, result) for result in report.results})
        if faults:
            raise DeclarationError("\n".join([f"{reading.path} breaks the shape:", *faults]))


def _fault(declarations: Declarations, result: Any) -> str:
    path = declarations.term(result.path.strip("<>")) if result.path else "the licence"
    found = f" (found {result.value_plain!r})" if result.value_plain is not None else ""
    return f"  {path}: {result.message}{found}"


def _refuse_twins(licenses: Iterable[License]) -> None:
    first: dict[tuple[str, str], License] = {}
    for one in licenses:
        claims = [("IRI", one.iri, one.iri), ("identifier", name_key(one.id), one.id)]
        claims += [("name", name_key(name), name) for name in (one.id, one.title, *one.names)]
        claims += [("address", address_key(text), text) for text in (one.iri, *one.texts)]
        for kind, key, written in claims:
            twin = first.setdefault((kind, key), one)
            if twin is not one:
                raise DeclarationError(
                    f"{twin.path} and {one.path} both declare the {kind} {written}; remove it"
                    " from one of them: a declaration is added, never replaced"
                )


def _by_id(one: License) -> str:
    return one.id


def _language(tag: str) -> str:
    primary, _, region = tag.partition("-")
    return f"{primary.lower()}-{region.upper()}" if region else primary.lower()
