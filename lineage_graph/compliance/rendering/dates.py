"""When a report was made, as documents keep it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.]\d+)?(?:Z|[+-]\d\d:\d\d)?)?")


def made_at(text: str) -> datetime | None:
    """Return the ISO 8601 date in a text, in UTC; None when there is none."""
    for found in _ISO.finditer(text):
        try:
            moment = datetime.fromisoformat(found[0])
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None
