"""What only the server can answer: is its record whole, and where is a person in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage_graph.remote.connection import Connection


class RemoteAnswers:
    """Answers that are computed where the record, the indexes and their key lie.

    Args:
        connection: The way to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._connection.address

    def verify(self) -> dict[str, Any]:
        """Return how much the server checked of its record.

        Raises:
            PolicyRefused: Whoever asks may not.
            StoreError: The first thing that is wrong, by name.
        """
        found: dict[str, Any] = self._connection.ask("/api/verify")
        return found

    def looked_up(self, identities: Mapping[str, str]) -> dict[str, tuple[int, list[str], str]]:
        """Return what each version's index says about a person, by the version's IRI.

        Args:
            identities: Short name of a semantic type to the person's value; they are sent
                to the server and kept nowhere.

        Returns:
            In how many rows the person is, by which columns, and what is not covered.

        Raises:
            PolicyRefused: Whoever asks may not.
        """
        found = self._connection.ask("/api/subjects/rows", dict(identities))
        return {version: (rows, by, gap) for version, (rows, by, gap) in found.items()}
