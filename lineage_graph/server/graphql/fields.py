"""How fields and the values of enums are declared: with a description, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import strawberry

F = TypeVar("F", bound=Callable[..., Any])

COST: Final = "cost"
SIZE: Final = "size"


def shown(description: str, size: int | None = None) -> Callable[[F], F]:
    """Return what makes a method a field.

    Args:
        description: For people.
        size: How many things a list holds, as far as one can say; None for a usual one.
    """
    metadata = {} if size is None else {SIZE: size}
    return cast(Callable[[F], F], strawberry.field(description=description, metadata=metadata))


def value(value: str, description: str) -> str:
    """Return a value of an enum."""
    return cast(str, strawberry.enum_value(value, description=description))
