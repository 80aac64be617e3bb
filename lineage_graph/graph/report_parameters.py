"""What a report is asked about: names as people give them, as values that queries take."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from typing import Any

from lineage_graph.declarations import Declarations, is_absolute_iri
from lineage_graph.errors import InvalidRecord, NotFound
from lineage_graph.graph.catalogue import Catalogue
from lineage_graph.identity import NAMESPACE, kind_of, name_of, named

_THINGS = ("dataset", "model")
_COUNTRY_LETTERS = 2


class ReportParameters:
    """Turns names into IRIs and texts into times.

    Args:
        declarations: Where the prefix of countries is.
        catalogue: Knows datasets and models.
        processes: IRIs of the declared processes.
    """

    def __init__(
        self, declarations: Declarations, catalogue: Catalogue, processes: Collection[str]
    ) -> None:
        self._declarations = declarations
        self._catalogue = catalogue
        self._processes = processes

    def bound(self, name: str, value: Any) -> Any:
        """Return the value of a parameter as queries take it.

        Raises:
            NotFound: Nothing has that name; near ones are suggested.
            InvalidRecord: It is no time where one is wanted.
        """
        if name == "at":
            return _time(value)
        if not isinstance(value, str) or (is_absolute_iri(value) and not value.startswith(_THINGS)):
            return value
        if name in _THINGS:
            return self._thing(name, value)
        if name == "process":
            return self._process(value)
        if name == "node":
            return self._place(value)
        return value

    def _thing(self, kind: str, value: str) -> str:
        """Return a version when its number is given, else the dataset or model itself."""
        bare = value.removeprefix(f"{kind}:")
        versions = self._catalogue.all_versions(f"{kind}:{bare}")
        thing = named(kind, bare)
        return thing if self._catalogue.knows(bare) or not versions else versions[0]

    def _process(self, value: str) -> str:
        iri = named("process", value)
        if iri in self._processes:
            return iri
        names = sorted(name_of(one) for one in self._processes)
        near = get_close_matches(value, names, 3, 0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Declared are: {_list(names)}."
        raise NotFound(f"There is no process {value!r}. {hint}")

    def _place(self, value: str) -> str:
        if value.startswith(NAMESPACE) and kind_of(value):
            return value
        for kind in _THINGS:
            if value.startswith(f"{kind}:"):
                return self._thing(kind, value)
        if len(value) == _COUNTRY_LETTERS and value.isalpha():
            return self._declarations.iri(f"loc:{value.upper()}")
        raise NotFound(
            f"There is no place {value!r}. Give a country by its two letters, model:NAME or"
            " dataset:NAME, or the IRI of a place."
        )


def _time(value: Any) -> datetime:
    """Return a time in UTC; a day begins at midnight."""
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime.combine(value, time())
    else:
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError as problem:
            raise InvalidRecord(
                f"at={value!r} is no time. Give a date such as 2026-05-01, or 2026-05-01T10:00Z."
            ) from problem
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _list(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
