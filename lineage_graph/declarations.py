"""Finds and reads ``ontology/`` and ``queries/``: what things are, what can be asked.

A checkout reads its own top-level folders; a wheel carries them in ``_declared/``. An
organisation may add a folder with the same two names: its files join ours, and no file
may replace one of ours.

Sources: JSON-LD 1.1 section 4.1 (context), SPARQL 1.1 sections 10.2 (VALUES) and 19.2
(codepoint escapes).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

from lineage_graph.errors import DeclarationError, NotFound

PARAMETER_TYPES: Final = ("iri", "string", "integer", "dateTime", "boolean")

_HEADING = re.compile(r"^#\+\s*([\w-]+)\s*:\s*(.*?)\s*$", re.M)
_PARAMETER = re.compile(
    r"^([ \t]*VALUES \?(\w+) \{ )UNDEF( \})([ \t]*#[ \t]*(\w+):[ \t]*(\S.*?)[ \t]*)$", re.M
)
_UNDEF_LINE = re.compile(r"^.*\bVALUES\s*\?(\w+)\s*\{\s*UNDEF\s*\}.*$", re.M | re.I)
_ABSOLUTE_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|^`\\\ud800-\udfff]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TO_ESCAPE = re.compile(r'\\[uU]|["\\\n\r\t]|[\x00-\x1f\x7f]')


@dataclass(frozen=True)
class Parameter:
    """A line ``VALUES ?name { UNDEF }   # type: meaning`` of a query.

    Attributes:
        name: The variable, without its question mark.
        type: One of :data:`PARAMETER_TYPES`.
        meaning: What a person should give.
    """

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Query:
    """One SPARQL file.

    Attributes:
        name: Path below ``queries/`` without ``.rq``, such as ``records/models``.
        path: The file.
        text: The file's text, which runs as it is in any SPARQL 1.1 tool.
        headings: Its ``#+ key: value`` lines.
        parameters: Its parameters, in the order of the file.
    """

    name: str
    path: Path
    text: str
    headings: Mapping[str, str]
    parameters: tuple[Parameter, ...]

    @property
    def title(self) -> str:
        """What it answers, in a few words."""
        return self.headings["title"]

    @property
    def description(self) -> str:
        """What it answers, in a sentence."""
        return self.headings["description"]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it promises to project; empty for CONSTRUCT and ASK."""
        return tuple(self.headings.get("columns", "").split())

    def bind(self, **values: Any) -> str:
        """Return the text with parameters given; what is left out means "any".

        Args:
            **values: A value, or a list of values of which any may match. None leaves
                the parameter unbound.

        Raises:
            DeclarationError: For a parameter the query does not have, or a value that
                is not of the parameter's type.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in values.keys() - known.keys():
            raise DeclarationError(
                f"query {self.name} has no parameter {name!r}{_did_you_mean(name, known)};"
                f" it has: {', '.join(known) or 'none'}"
            )
        rows = {
            name: " ".join(self._terms(known[name], value))
            for name, value in values.items()
            if value is not None
        }

        def bound(line: re.Match[str]) -> str:
            row = rows.get(line[2], "UNDEF")
            return f"{line[1]}{row}{line[3]}{line[4]}"

        return _PARAMETER.sub(bound, self.text)

    def _terms(self, parameter: Parameter, value: Any) -> Iterator[str]:
        several = isinstance(value, Sequence | set | frozenset) and not isinstance(value, str)
        for one in value if several else (value,):
            try:
                yield term_text(parameter.type, one)
            except (TypeError, ValueError) as problem:
                raise DeclarationError(
                    f"query {self.name}: ?{parameter.name} ({parameter.meaning}) must be of"
                    f" type {parameter.type}: {problem}"
                ) from problem


class Declarations:
    """Everything that is declared, ours and an organisation's.

    Args:
        organisation: Folder with an ``ontology/`` or a ``queries/`` of its own.

    Raises:
        DeclarationError: When that folder is missing, or holds a file of the same name
            as one of ours.
    """

    def __init__(self, organisation: Path | None = None) -> None:
        self._roots = [_bundled_root()]
        if organisation is not None:
            if not any((organisation / name).is_dir() for name in ("ontology", "queries")):
                raise DeclarationError(
                    f"{organisation} holds neither ontology/ nor queries/;"
                    " create one of them there or leave the folder out"
                )
            self._roots.append(organisation)
        self._ontology = self._files("ontology", ".ttl")
        self._queries = self._files("queries", ".rq")
        self._refuse_second_context()

    def _files(self, folder: str, suffix: str) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for root in self._roots:
            for path in sorted((root / folder).rglob(f"*{suffix}")):
                name = path.relative_to(root / folder).as_posix().removesuffix(".rq")
                if name in found:
                    raise DeclarationError(
                        f"{path} has the same name as {found[name]}; rename it:"
                        " a declaration is added, never replaced"
                    )
                found[name] = path
        return found

    def _refuse_second_context(self) -> None:
        for root in self._roots[1:]:
            if (root / "ontology" / "context.jsonld").exists():
                raise DeclarationError(
                    f"{root / 'ontology' / 'context.jsonld'} has the same name as"
                    f" {self._context_path}; declare your own terms in a .ttl file"
                )

    @property
    def root(self) -> Path:
        """The folder of our own ``ontology/`` and ``queries/``."""
        return self._roots[0]

    @property
    def _context_path(self) -> Path:
        return self.root / "ontology" / "context.jsonld"

    @cached_property
    def context(self) -> dict[str, Any]:
        """The JSON-LD context: the only place where a name meets an IRI."""
        context = json.loads(_read(self._context_path))["@context"]
        assert isinstance(context, dict)
        return context

    @cached_property
    def prefixes(self) -> dict[str, str]:
        """Prefix to namespace, such as ``prov`` to the namespace of PROV-O."""
        return {
            name: value
            for name, value in self.context.items()
            if isinstance(value, str) and value[-1] in "#/" and "://" in value
        }

    @cached_property
    def terms(self) -> dict[str, str]:
        """Every term of the context that is not a prefix or a keyword, with its IRI."""
        found: dict[str, str] = {}
        for name, value in self.context.items():
            compact = value["@id"] if isinstance(value, dict) else value
            if isinstance(compact, str) and name not in self.prefixes and compact[0] != "@":
                found[name] = self._expand(compact)
        return found

    @cached_property
    def _names(self) -> dict[str, str]:
        return {iri: name for name, iri in reversed(self.terms.items())}

    def _expand(self, compact: str) -> str:
        prefix, colon, local = compact.partition(":")
        namespace = self.prefixes.get(prefix)
        return namespace + local if colon and namespace and local[:2] != "//" else compact

    def iri(self, term: str) -> str:
        """Return the IRI of a term (``used``) or of a compact name (``prov:used``).

        Raises:
            DeclarationError: When the context knows neither.
        """
        if term in self.terms:
            return self.terms[term]
        expanded = self._expand(term)
        if expanded == term:
            raise DeclarationError(
                f"{term!r} is not a term of {self._context_path}{_did_you_mean(term, self.terms)}"
            )
        return expanded

    def term(self, iri: str) -> str:
        """Return what a person reads for an IRI: its term, a compact name, or itself."""
        if iri in self._names:
            return self._names[iri]
        for prefix, namespace in self.prefixes.items():
            if iri.startswith(namespace) and len(iri) > len(namespace):
                return f"{prefix}:{iri[len(namespace) :]}"
        return iri

    def coercion(self, term: str) -> str | None:
        """Return the IRI of the datatype a term's values have, ``@id``, or None."""
        value = self.context.get(term)
        kind = value.get("@type") if isinstance(value, dict) else None
        return kind if kind is None or kind == "@id" else self._expand(kind)

    def ontology_files(self) -> tuple[Path, ...]:
        """Return every Turtle file of facts, without the shapes."""
        return tuple(p for n, p in self._ontology.items() if not n.startswith("shapes/"))

    def shapes_files(self) -> tuple[Path, ...]:
        """Return every file of shapes; ``store.ttl`` is about whole stores."""
        return tuple(p for n, p in self._ontology.items() if n.startswith("shapes/"))

    def query(self, name: str) -> Query:
        """Return one query.

        Raises:
            NotFound: When there is none of that name.
            DeclarationError: When its file cannot be used.
        """
        try:
            return read_query(name, self._queries[name])
        except KeyError:
            raise NotFound(
                f"there is no query {name!r}{_did_you_mean(name, self._queries)}"
            ) from None

    def queries(self, folder: str | None = None) -> tuple[Query, ...]:
        """Return every query, or those of one folder, sorted by name."""
        wanted = [n for n in self._queries if folder is None or n.startswith(f"{folder}/")]
        return tuple(self.query(name) for name in sorted(wanted))


@cache
def bundled() -> Declarations:
    """Return what comes with the package, read once."""
    return Declarations()


@cache
def read_query(name: str, path: Path) -> Query:
    """Read one query file.

    Raises:
        DeclarationError: For a missing title or description, a parameter without a
            type or with an unknown one, or one name with two types.
    """
    text = _read(path)
    headings = dict(_HEADING.findall(text))
    for needed in ("title", "description"):
        if not headings.get(needed):
            raise DeclarationError(f"{path} lacks a heading; add a line '#+ {needed}: ...'")
    parameters: dict[str, Parameter] = {}
    for line in _UNDEF_LINE.finditer(text):
        parameter = _parameter(path, line[0])
        first = parameters.setdefault(parameter.name, parameter)
        if first.type != parameter.type:
            raise DeclarationError(
                f"{path}: ?{parameter.name} is {first.type} in one place and"
                f" {parameter.type} in another; give it one type"
            )
    return Query(name, path, text, headings, tuple(parameters.values()))


def _parameter(path: Path, line: str) -> Parameter:
    fits = _PARAMETER.fullmatch(line)
    if fits is None or fits[5] not in PARAMETER_TYPES:
        raise DeclarationError(
            f"{path}: parameter line {line.strip()!r} must read"
            f" 'VALUES ?name {{ UNDEF }}   # type: meaning', type one of"
            f" {', '.join(PARAMETER_TYPES)}"
        )
    return Parameter(fits[2], fits[5], fits[6])


def is_absolute_iri(text: str) -> bool:
    """Tell whether text can stand between angle brackets as an absolute IRI."""
    return _ABSOLUTE_IRI.fullmatch(text) is not None


def term_text(kind: str, value: Any) -> str:
    """Return a value as a term in SPARQL's own syntax.

    Args:
        kind: One of :data:`PARAMETER_TYPES`.
        value: ``str``, ``int``, ``bool`` or an aware ``datetime``.

    Raises:
        TypeError: When the value has another Python type.
        ValueError: When it cannot be said, such as an IRI with a space.
    """
    match kind, value:
        case "iri", str():
            if not is_absolute_iri(value):
                raise ValueError(f"{value!r} is not an absolute IRI")
            return f"<{value}>"
        case "string", str():
            return string_text(value)
        case "boolean", bool():
            return "true" if value else "false"
        case "integer", int() if not isinstance(value, bool):
            return str(value)
        case "dateTime", datetime():
            return f'"{utc_text(value)}"^^<{bundled().iri("xsd:dateTime")}>'
    raise TypeError(f"got {value!r}, of type {type(value).__name__}")


def string_text(value: str) -> str:
    r"""Return a string literal that every SPARQL server reads as the same text.

    A server may resolve ``\uXXXX`` before it looks for quotes (SPARQL 1.1, 19.2), so the
    ``u`` behind a backslash is itself written as a codepoint: neither order of reading
    can end the literal early.

    Raises:
        ValueError: For a lone surrogate, which no encoding can carry.
    """
    value.encode()

    def escaped(found: re.Match[str]) -> str:
        text = found[0]
        if len(text) == 2:
            return f"\\\\\\u{ord(text[1]):04X}"
        return _ESCAPES.get(text) or f"\\u{ord(text):04X}"

    return f'"{_TO_ESCAPE.sub(escaped, value)}"'


def utc_text(value: datetime) -> str:
    """Return an aware time in UTC with microseconds, as xsd:dateTime writes it.

    Raises:
        ValueError: For a time without a zone.
    """
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone; use an aware datetime")
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def _bundled_root() -> Path:
    package = Path(__file__).parent
    for root in (package / "_declared", package.parent):
        if (root / "ontology" / "context.jsonld").is_file():
            return root
    raise DeclarationError(
        f"neither {package / '_declared'} nor {package.parent} holds ontology/context.jsonld;"
        " the installation is incomplete: install the package again"
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DeclarationError(f"{path} cannot be read: {problem}") from problem
