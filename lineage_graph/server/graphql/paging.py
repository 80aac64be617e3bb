"""Pages of lists, as Relay's connections; a cursor names the last thing of a page, not a place.

Source: GraphQL Cursor Connections Specification.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeAlias, TypeVar

import strawberry

from lineage_graph.errors import InvalidRecord

T = TypeVar("T")
LARGEST: Final = 100
"""Things on a page."""
USUAL: Final = 20

First: TypeAlias = Annotated[
    int, strawberry.argument(description=f"How many at most, from 0 to {LARGEST}.")
]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(description="Cursor of the last one before them; none for the beginning."),
]


@strawberry.type(description="What a page is among all pages.")
class PageInfo:
    """What a page is among all pages."""

    has_next_page: bool = strawberry.field(description="Whether more follow.")
    has_previous_page: bool = strawberry.field(description="Whether some come before.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first one here.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last one here.")


@strawberry.type(description="One thing on a page.")
class Edge(Generic[T]):
    """One thing on a page."""

    node: T = strawberry.field(description="The thing.")
    cursor: str = strawberry.field(description="Opaque; give it as `after` to go on from here.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = strawberry.field(description="The things on this page.")
    page_info: PageInfo = strawberry.field(description="What comes before and after.")


def opaque(text: str) -> str:
    """Return text as an opaque one that can stand in an address."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def readable(text: str) -> str | None:
    """Return what :func:`opaque` was given; None for what it has not made."""
    try:
        said = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return said if opaque(said) == text else None


def counted(first: int) -> int:
    """Return how many are wanted.

    Raises:
        InvalidRecord: Fewer than none, or more than a page holds.
    """
    if not 0 <= first <= LARGEST:
        raise InvalidRecord(f"first: {first} is not from 0 to {LARGEST}.")
    return first


def last_seen(after: str | None) -> str:
    """Return the key a cursor stands for; empty for the beginning.

    Raises:
        InvalidRecord: It is no cursor.
    """
    if after is None:
        return ""
    key = readable(after)
    if key is None:
        raise InvalidRecord("after: this is no cursor. Give one that a page has, as it is.")
    return key


def connection(
    keys: Sequence[str], first: int, after: str | None, make: Callable[[str], T]
) -> Connection[T]:
    """Return a page.

    Args:
        keys: Those after the cursor, at most one more than are wanted.
        first: How many are wanted.
        after: The cursor.
        make: Makes the thing of a key.
    """
    shown = keys[:first]
    edges = [Edge(node=make(key), cursor=opaque(key)) for key in shown]
    page = PageInfo(
        has_next_page=len(keys) > first,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=page)


def sliced(
    keys: Sequence[str], first: int, after: str | None, make: Callable[[str], T]
) -> Connection[T]:
    """Return a page of a list that only ever grows at its end.

    Args:
        keys: All of them.
        first: How many are wanted.
        after: The cursor.
        make: Makes the thing of a key.

    Raises:
        InvalidRecord: The cursor is of another list, or ``first`` is out of range.
    """
    count, seen = counted(first), last_seen(after)
    if seen and seen not in keys:
        raise InvalidRecord("after: this cursor is of another list. Give one of this list.")
    begin = keys.index(seen) + 1 if seen else 0
    return connection(keys[begin : begin + count + 1], count, after, make)
