"""Values that GraphQL has no type for."""

from __future__ import annotations

from typing import Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)
"""A whole number that may be beyond 32 bits."""

SCALARS: Final[dict[object, ScalarDefinition]] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number that may be beyond 32 bits; exact up to 2^53.",
        serialize=int,
        parse_value=int,
    )
}


def big(value: int | None) -> BigInt | None:
    """Return a number of rows or bytes."""
    return None if value is None else BigInt(int(value))
