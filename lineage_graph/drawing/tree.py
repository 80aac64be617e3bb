"""A graph as lines for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from lineage_graph.drawing.text import printable

_DEEPEST_INDENT = 24
_LINES = ("\u251c\u2500 ", "\u2514\u2500 ", "\u2502  ", "   ")
_ASCII_LINES = ("|- ", "`- ", "|  ", "   ")


def draw(
    roots: Sequence[str],
    below: Mapping[str, Mapping[str, str]],
    said: Callable[[str], str],
    *,
    ascii_only: bool,
) -> Iterator[str]:
    """Yield the lines; a node met again is referred to instead of expanded.

    A stack takes the place of recursion, because chains can be longer than Python's
    own, and far down the level is written as a number instead of more indentation.

    Args:
        roots: Where to start.
        below: For each node, the nodes below it and how they are linked to it.
        said: Returns how a node is shown.
        ascii_only: Whether branches are drawn in ASCII.
    """
    branch, last, pipe, blank = _ASCII_LINES if ascii_only else _LINES
    shown: set[str] = set()
    # A node, its link, its level, its own prefix and that of what is below it.
    stack = [(root, "", 0, "", "") for root in reversed(roots)]
    while stack:
        key, link, level, prefix, deeper = stack.pop()
        children = below.get(key, {})
        again = bool(children) and key in shown
        shown.add(key)
        via = f" via {link}" if link else ""
        yield f"{prefix}{printable(said(key))}{via}{', see above' if again else ''}"
        if again:
            continue
        if level and level % _DEEPEST_INDENT == 0:
            deeper = f"[{level}] "
        for index, (child, how) in reversed(list(enumerate(children.items()))):
            head, rest = (last, blank) if index == len(children) - 1 else (branch, pipe)
            stack.append((child, how, level + 1, deeper + head, deeper + rest))
