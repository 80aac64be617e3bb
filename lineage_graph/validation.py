"""Checks records against the shapes of ``ontology/shapes``, before and after they are kept.

A bundle is checked alone, so its shapes never ask about nodes that other bundles describe;
``shapes/store.ttl`` holds what only a whole store can show.

Source: SHACL, sections 2 to 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import shacl

from lineage_graph.declarations import Declarations
from lineage_graph.errors import DeclarationError, InvalidRecord

_WHOLE_STORE: Final = "store.ttl"
_SHOWN: Final = 5


@dataclass(frozen=True)
class Violation:
    """One sh:ValidationResult.

    Attributes:
        shape: IRI of the shape that is broken.
        node: IRI of the node that breaks it.
        path: The property, as a person reads it; None when it is about the node itself.
        value: The value at fault, if the shape names one.
        fix: What to do.
    """

    shape: str
    node: str
    path: str | None
    value: str | None
    fix: str

    def __str__(self) -> str:
        """Say it in one line."""
        at = f" {self.path}" if self.path else ""
        found = f" (found {self.value!r})" if self.value is not None else ""
        return f"{self.node}{at}: {self.fix}{found} [{self.shape}]"


class Validator:
    """Checks bundles; compiled once, safe to share between threads.

    Args:
        declarations: Where the shapes are.

    Raises:
        DeclarationError: A file of shapes does not parse or declares none.
    """

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations
        files = declarations.shapes_files()
        self._bundle = _compiled(path for path in files if path.name != _WHOLE_STORE)
        self._store = _compiled(path for path in files if path.name == _WHOLE_STORE)

    def violations(self, nquads: bytes) -> list[Violation]:
        """Return what one bundle breaks, sorted by node and property."""
        return self._found(self._bundle, nquads)

    def check(self, nquads: bytes) -> None:
        """Refuse a bundle that breaks a shape.

        Args:
            nquads: Canonical N-Quads of one bundle.

        Raises:
            InvalidRecord: Names node, property, what to do and the shape, for the first
                few violations.
        """
        found = self.violations(nquads)
        if found:
            lines = [f"  {violation}" for violation in found[:_SHOWN]]
            more = len(found) - len(lines)
            if more:
                lines.append(f"  and {more} more")
            head = "the bundle breaks a shape; nothing was written:"
            raise InvalidRecord("\n".join([head, *lines]))

    def validate_store(self, nquads: bytes) -> list[Violation]:
        """Return what all bundles together break: what is referred to and not described.

        Args:
            nquads: All bundles, as ``Store.dump()`` gives them.
        """
        return self._found(self._store, nquads)

    def _found(self, shapes: shacl.Shapes, nquads: bytes) -> list[Violation]:
        report = shapes.validate_text(nquads.decode(), format="nquads")
        found = {self._violation(result) for result in report.results}
        return sorted(found, key=lambda v: (v.node, v.path or "", v.shape, v.value or ""))

    def _violation(self, result: shacl.Result) -> Violation:
        return Violation(
            shape=_bare(result.source_shape or result.root_shape or ""),
            node=_bare(result.focus_node),
            path=self._declarations.term(_bare(result.path)) if result.path else None,
            value=result.value_plain,
            fix=result.message or "make it conform to the shape",
        )


def _bare(term: str) -> str:
    return term[1:-1] if term[:1] == "<" else term


def _compiled(files: Iterable[Path]) -> shacl.Shapes:
    paths = list(files)
    for path in paths:
        try:
            declared = len(shacl.Shapes.from_turtle(path.read_text(encoding="utf-8")))
        except ValueError as problem:
            raise DeclarationError(f"{path} does not parse: {problem}") from problem
        if not declared:
            raise DeclarationError(f"{path} declares no shape; add one or remove the file")
    return shacl.Shapes.from_turtle("\n".join(p.read_text(encoding="utf-8") for p in paths))
