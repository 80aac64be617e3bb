"""Which classes and functions may be imported: the rows of ``ontology/estimators.ttl``.

Nothing outside this list is imported, called or loaded from a file, whatever a
program or a model file says.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Both register estimators in their public modules, where a program looks for them.
from sklearn.experimental import enable_halving_search_cv as _halving_search_cv
from sklearn.experimental import enable_iterative_imputer as _iterative_imputer

from lineage_graph.errors import PolicyRefused

EXPERIMENTAL = (_halving_search_cv, _iterative_imputer)
DEFAULT_KIND = "Training"
Row = tuple[str, str | None, str | None]


def public_name(module: str, name: str) -> str:
    """Return the name people import by: private modules on the way are left out.

    ``sklearn.svm._classes`` and ``SVC`` give ``sklearn.svm.SVC``.
    """
    public: list[str] = []
    for piece in module.split("."):
        if piece.startswith("_"):
            break
        public.append(piece)
    return ".".join([*public, name])


def name_of(thing: Any) -> str:
    """Return the dotted name a class or function can be imported by again.

    The public name where it leads to the same object, otherwise the defining module's.
    """
    module = getattr(thing, "__module__", None) or type(thing).__module__
    name = getattr(thing, "__qualname__", None) or thing.__name__
    public = public_name(module, name)
    return public if _found(public) is thing else f"{module}.{name}"


def _found(dotted: str) -> Any:
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError):
        return None


@dataclass(frozen=True)
class Estimators:
    """What is declared about estimators and about the types models are made of.

    Attributes:
        kinds: Dotted class name to the derivation kind that fitting it is; any
            other class is plain ``Training``.
        types: Dotted names of trusted classes; one that ends in a dot trusts all
            classes below it.
        functions: The same for functions.
    """

    kinds: Mapping[str, str]
    types: tuple[str, ...]
    functions: tuple[str, ...]

    @classmethod
    def from_rows(cls, rows: Iterable[Row]) -> Estimators:
        """Read the answer of ``queries/records/estimators.rq``.

        Args:
            rows: ``(name, kind, trusted)``: a dotted name, the term of a
                derivation kind or None, and ``type``, ``function`` or None.
        """
        table = sorted(set(rows), key=repr)
        return cls(
            kinds={name: kind for name, kind, _ in table if kind},
            types=tuple(name for name, _, trusted in table if trusted == "type"),
            functions=tuple(name for name, _, trusted in table if trusted == "function"),
        )

    def kind(self, names: Iterable[str]) -> str:
        """Return the derivation kind of fitting an estimator made of these classes.

        A pipeline keeps training rows as soon as one of its parts does.
        """
        found = {self.kinds.get(name, DEFAULT_KIND) for name in names}
        return next(iter(sorted(found - {DEFAULT_KIND})), DEFAULT_KIND)

    def trusts_type(self, dotted: str) -> bool:
        """Return whether a class of this dotted name may be used."""
        return _listed(dotted, self.types)

    def trusts_function(self, dotted: str) -> bool:
        """Return whether a function of this dotted name may be used."""
        return _listed(dotted, self.functions)

    def type_named(self, dotted: str, at: str) -> Any:
        """Import a trusted class.

        Raises:
            PolicyRefused: It is not trusted, absent, or not a class.
        """
        found = _found(dotted) if self.trusts_type(dotted) else None
        if not isinstance(found, type):
            raise refused(f"the class {dotted}", at)
        return found

    def function_named(self, dotted: str, at: str) -> Any:
        """Import a trusted function.

        Raises:
            PolicyRefused: It is not trusted, absent, or not a function.
        """
        found = _found(dotted) if self.trusts_function(dotted) else None
        if not callable(found) or isinstance(found, type):
            raise refused(f"the function {dotted}", at)
        return found


def refused(what: str, at: str) -> PolicyRefused:
    """Return the error for something outside the trusted list."""
    return PolicyRefused(
        f"{what} at {at} is not in the trusted list, so it could not be built again from a "
        "record. Use an estimator or function that ontology/estimators.ttl names, or declare "
        "it there if you trust the package."
    )


def _listed(dotted: str, names: tuple[str, ...]) -> bool:
    return any(dotted == n or (n.endswith(".") and dotted.startswith(n)) for n in names)
