"""What somebody else's name for a person is replaced by, the same each time."""

from __future__ import annotations

import hashlib
import hmac
from functools import cached_property
from pathlib import Path
from typing import Final

from lineage_graph.identity import digested
from lineage_graph.membership.key import Keyring

_DIGITS: Final = 32


class Pseudonyms:
    """Makes pseudonyms under a key of the store; without the key nobody can make them again.

    Args:
        folder: Where the key lies; made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self._keyring = Keyring(folder)

    @cached_property
    def _secret(self) -> bytes:
        return self._keyring.make().secret

    def of(self, issuer: str, subject: str) -> str:
        """Return the IRI of an agent.

        Args:
            issuer: Who names the person.
            subject: The name; it is kept nowhere.

        Raises:
            StoreUnavailable: The key cannot be read or made.
        """
        # Lengths keep two pairs that join to the same text apart.
        message = f"{len(issuer)}:{issuer}{subject}".encode()
        digest = hmac.new(self._secret, message, hashlib.sha256).hexdigest()
        return digested("agent", digest[:_DIGITS])
