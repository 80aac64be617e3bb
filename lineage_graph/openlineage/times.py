"""Times of events, as the moments they name.

Source: RFC 3339, section 5.6.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from lineage_graph.declarations import utc_text
from lineage_graph.openlineage.documents import quoted

_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(?:[.](\d{1,6})\d*)?([Zz]|[+-]\d\d:\d\d)"
)


@lru_cache(maxsize=8192)
def moment(text: str) -> str:
    """Return a time in UTC with microseconds, so that times are in the order of their texts.

    A leap second is the last second before it.

    Raises:
        ValueError: It is no time with a zone, or lies outside the years 1 to 9999.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{quoted(text)} is no time with a zone. Write it as 2026-05-01T12:00:00.000Z."
        )
    day, hour, second, fraction, zone = found.groups()
    second = "59" if second == "60" else second
    zone = "+00:00" if zone in "Zz" else zone
    try:
        at = datetime.fromisoformat(f"{day}T{hour}{second}.{(fraction or '0'):0<6}{zone}")
        return utc_text(at.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{quoted(text)} is no time of the years 1 to 9999: {error}.") from error
