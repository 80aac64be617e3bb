"""Whoever asks: what they may do, and what they may see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """A person or program that was recognised.

    Attributes:
        agent: IRI of the pseudonym under which it records.
        permissions: Names of what it may do, as ``ontology/access.ttl`` declares them.
        clearances: Visibility labels it may see; None for every one.
        name: What it is called in logs; never a secret, never a person's name.
    """

    agent: str
    permissions: frozenset[str]
    clearances: frozenset[str] | None
    name: str

    def may(self, permission: str) -> bool:
        """Tell whether it has a permission."""
        return permission in self.permissions
