"""Counts failed authentications, so that trying costs time and is seen."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

from starlette.exceptions import HTTPException

MOST: Final = 20
"""Failures of one address in a window; what fails beyond them is told to wait."""
WINDOW_SECONDS: Final = 60.0
_MOST_ADDRESSES: Final = 10_000


class Refused(HTTPException):
    """An answer that is no.

    Attributes:
        code: Stable identifier for programs.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.code = code


class Failures:
    """Failures by address, forgotten with each window.

    Who has a good token is never refused for the failures of others behind the same proxy: 256
    random bits and signatures are not guessed by trying.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._counts: Counter[str] = Counter()

    def add(self, address: str) -> None:
        """Count a failure.

        Raises:
            Refused: 429, the address has failed too often.
        """
        left = self._since + WINDOW_SECONDS - time.monotonic()
        if left <= 0 or len(self._counts) >= _MOST_ADDRESSES:
            self._since, left = time.monotonic(), WINDOW_SECONDS
            self._counts.clear()
        self._counts[address] += 1
        if self._counts[address] > MOST:
            raise Refused(
                429,
                "too-many-failures",
                "Too many failed authentications from this address. Wait, then try again.",
                {"Retry-After": str(int(left) + 1)},
            )
