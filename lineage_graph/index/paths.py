"""One shortest path between two nodes, searched from both of its ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lineage_graph.index.overlay import Link
from lineage_graph.index.view import Neighbours

Met = dict[int, Link | None]
"""Nodes that one search met: how each was met, None for where it began."""


class Step(NamedTuple):
    """One derivation on a path.

    Attributes:
        derived: Number of what came out.
        source: Number of what went in.
        kinds: Terms of the derivation kinds.
        activity: Number of the activity that did it.
        code: Code of the kind set.
    """

    derived: int
    source: int
    kinds: tuple[str, ...]
    activity: int
    code: int


def connect(
    away: Neighbours, back: Neighbours, starts: Iterable[int], goal: int, downstream: bool
) -> tuple[Step, ...] | None:
    """Return the steps of a shortest path from one of the starts to a goal.

    The search that has fewer nodes at its edge goes on; a goal that few things lead to is
    found without looking at all that the start leads to.

    Args:
        away: Edges away from the starts.
        back: The same edges the other way.
        starts: Where it may begin.
        goal: Where it ends.
        downstream: Whether ``away`` leads to what was derived.

    Returns:
        The steps, none when the goal is a start; None when there is no path.
    """
    ahead: Met = dict.fromkeys(starts)
    behind: Met = {goal: None}
    if goal in ahead:
        return ()
    front, rear = list(ahead), [goal]
    while front and rear:
        if len(front) <= len(rear):
            front, middle = _further(away, front, ahead, behind)
        else:
            rear, middle = _further(back, rear, behind, ahead)
        if middle is not None:
            return _joined(away, ahead, behind, middle, downstream)
    return None


def _further(
    neighbours: Neighbours, frontier: list[int], met: Met, other: Met
) -> tuple[list[int], int | None]:
    """Go on by one hop; return the new frontier, and a node that both searches met."""
    further: list[int] = []
    for node in frontier:
        for end, kind, run in neighbours.links(node):
            if end not in met:
                met[end] = node, kind, run
                if end in other:
                    return further, end
                further.append(end)
    return further, None


def _joined(
    neighbours: Neighbours, ahead: Met, behind: Met, middle: int, downstream: bool
) -> tuple[Step, ...]:
    found: list[tuple[int, Link]] = []
    node = middle
    while (link := ahead[node]) is not None:
        found.append((node, link))
        node = link[0]
    found.reverse()
    node = middle
    while (link := behind[node]) is not None:
        found.append((link[0], (node, *link[1:])))
        node = link[0]
    view = neighbours.view
    return tuple(
        Step(
            *((far, near) if downstream else (near, far)),
            view.state.kind_sets[kind],
            view.activity(run),
            kind,
        )
        for far, (near, kind, run) in found
    )
