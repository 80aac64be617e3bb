"""The public keys of an issuer: fetched from one address, kept, and asked for again sparingly."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from lineage_graph.errors import StoreUnavailable

PATIENCE_SECONDS: Final = 60.0
"""Seconds between two fetches, whatever keys are asked for."""
FRESH_SECONDS: Final = 3600.0
"""Seconds until keys are fetched again although none is missing, so that one can be withdrawn."""
_TIMEOUT_SECONDS: Final = 5.0
_LARGEST: Final = 1 << 20
_ASYMMETRIC: Final = frozenset({"RSA", "EC", "OKP"})


class IssuerKeys:
    """The keys that an issuer signs with.

    Args:
        place: Address or file of the JWKS; no token can name another.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._keys: dict[str, Key] | None = None
        self._asked = float("-inf")

    def find(self, kid: str) -> Key | None:
        """Return the key of an id; None when the issuer has none of it.

        Raises:
            StoreUnavailable: The keys were never there yet.
        """
        # While one request fetches, the others go on with what is known.
        if self._due(kid) and self._lock.acquire(blocking=self._keys is None):
            try:
                if self._due(kid):
                    self._refresh()
            finally:
                self._lock.release()
        if self._keys is None:
            raise StoreUnavailable(
                "The keys of the issuer cannot be fetched, so nobody it vouches for can be "
                "recognised. Try again in a minute."
            )
        return self._keys.get(kid)

    def _due(self, kid: str) -> bool:
        known = self._keys is not None and kid in self._keys
        return time.monotonic() - self._asked > (FRESH_SECONDS if known else PATIENCE_SECONDS)

    def _refresh(self) -> None:
        self._asked = time.monotonic()
        try:
            self._keys = _signing(json.loads(self._fetched()))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            # What is known goes on to hold while the issuer cannot be reached.
            return

    def _fetched(self) -> bytes:
        if "://" not in self._place:
            return Path(self._place).read_bytes()
        import httpx2

        try:
            with httpx2.stream(
                "GET", self._place, timeout=_TIMEOUT_SECONDS, follow_redirects=False
            ) as answer:
                answer.raise_for_status()
                body = b""
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > _LARGEST:
                        raise ValueError("too large")
                return body
        except httpx2.HTTPError as error:
            raise OSError(str(error)) from error


def _signing(said: dict[str, Any]) -> dict[str, Key]:
    """Return the public keys for signatures by their ids; a shared secret is never one."""
    found = {}
    for key in said["keys"]:
        if key.get("kty") in _ASYMMETRIC and key.get("use", "sig") == "sig" and "kid" in key:
            # A key of a kind that is not known here takes none of the others away.
            with suppress(JoseError, ValueError, TypeError, KeyError):
                found[key["kid"]] = import_key(key)
    return found
