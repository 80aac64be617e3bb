"""Roles and what they grant, as ``ontology/access.ttl`` and an organisation declare them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_graph.errors import DeclarationError, NotFound


@dataclass(frozen=True)
class Roles:
    """Every role there is.

    Attributes:
        grants: Names of the permissions of each role, by its name.
    """

    grants: Mapping[str, frozenset[str]]

    @classmethod
    def declared(cls, rows: Iterable[Mapping[str, Any]]) -> Roles:
        """Return the roles in the rows of the query ``access/roles``.

        Raises:
            DeclarationError: A role grants what is declared as no permission.
        """
        grants: dict[str, frozenset[str]] = {}
        for row in rows:
            if row["permission"] is None:
                raise DeclarationError(
                    f"The role {row['role']!r} grants <{row['granted']}>, which is no permission."
                    " Name one of those in ontology/access.ttl."
                )
            grants[row["role"]] = grants.get(row["role"], frozenset()) | {row["permission"]}
        return cls(grants)

    @property
    def permissions(self) -> frozenset[str]:
        """Every permission that some role grants."""
        return frozenset().union(*self.grants.values())

    def granted(self, names: Iterable[str]) -> frozenset[str]:
        """Return what roles grant together; a role that is declared no more grants nothing."""
        return frozenset().union(*(self.grants.get(name, frozenset()) for name in names))

    def check(self, names: Iterable[str]) -> None:
        """Refuse a name that is no role.

        Raises:
            NotFound: It is none.
        """
        _known("role", names, self.grants)

    def check_permissions(self, names: Iterable[str]) -> None:
        """Refuse a name that is no permission.

        Raises:
            NotFound: It is none.
        """
        _known("permission", names, self.permissions)


def _known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    there = sorted(known)
    for name in names:
        if name not in there:
            close = difflib.get_close_matches(name, there, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise NotFound(f"There is no {kind} {name!r}.{hint} There are: {', '.join(there)}.")
