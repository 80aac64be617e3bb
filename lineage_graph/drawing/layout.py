"""Where boxes and arrows go: columns from left to right (Sugiyama, Tagawa, Toda 1981).

Cycles are broken, every box gets a column right of everything it comes from,
long arrows get a bend in each column they pass, columns are ordered to cross few
arrows, and heights are then chosen to keep arrows straight. All measures are in
SVG user units (CSS pixels at 100 %).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from lineage_graph.drawing import Arrow, Picture

BOX_HEIGHT = 46.0
_BOX_GAP = 20.0
_BEND_GAP = 14.0
_MARGIN = 24.0
_SWEEPS = 12

Point = tuple[float, float]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Route:
    """An arrow's way.

    Attributes:
        arrow: The arrow.
        points: Start, two points for each column passed, and end; between an
            even point and the next lies a gap between two columns.
    """

    arrow: Arrow
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Where everything goes.

    Attributes:
        size: Width and height.
        centres: Centre of each box, by key.
        routes: The arrows' ways, in the picture's order.
    """

    size: Point
    centres: Mapping[str, Point]
    routes: Sequence[Route]


def arrange(picture: Picture, widths: Mapping[str, float], gap: Mapping[Pair, float]) -> Layout:
    """Return a layout for the picture.

    Args:
        picture: What is drawn.
        widths: Width of each box, by key.
        gap: Room that an arrow's label needs between two columns, by (tail, head).
    """
    keys = [box.key for box in picture.boxes]
    forward = _acyclic(keys, [(a.tail, a.head) for a in picture.arrows if a.tail != a.head])
    rank = _ranks(keys, forward)
    chains = {pair: _chain(pair, rank) for pair in forward}
    columns = _columns(keys, rank, chains)
    links = [link for chain in chains.values() for link in pairwise(chain)]
    _order(columns, links)
    heights = _heights(columns, links, frozenset(keys))
    edges = _column_edges(columns, rank, widths, gap, chains)
    middle = [(left + right) / 2 for left, right in edges]
    centres = {key: (middle[rank[key]], heights[key]) for key in keys}
    routes = _routes(picture.arrows, chains, rank, centres, heights, widths, edges)
    size = (edges[-1][1] + _MARGIN, max(heights.values()) + BOX_HEIGHT / 2 + _MARGIN)
    return Layout(size, centres, routes)


def _acyclic(keys: Sequence[str], pairs: Sequence[Pair]) -> list[Pair]:
    """Return each pair once, turned round where it would close a cycle."""
    after: dict[str, list[str]] = defaultdict(list)
    for tail, head in pairs:
        after[tail].append(head)
    state: dict[str, int] = {}
    turned: dict[Pair, None] = {}
    for start in keys:
        stack = [(start, iter(after[start]))] if start not in state else []
        state.setdefault(start, 1)
        while stack:
            tail, heads = stack[-1]
            head = next(heads, "")
            if not head:
                state[tail] = 2
                stack.pop()
                continue
            turned[(head, tail) if state.get(head) == 1 else (tail, head)] = None
            if head not in state:
                state[head] = 1
                stack.append((head, iter(after[head])))
    return list(turned)


def _ranks(keys: Sequence[str], pairs: Sequence[Pair]) -> dict[str, int]:
    """Return each key's column: the longest way to it, sources close to their first use."""
    after: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(keys, 0)
    for tail, head in pairs:
        after[tail].append(head)
        waiting[head] += 1
    sources = [key for key in keys if not waiting[key]]
    rank = dict.fromkeys(keys, 0)
    ready = list(sources)
    while ready:
        tail = ready.pop()
        for head in after[tail]:
            rank[head] = max(rank[head], rank[tail] + 1)
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    for source in sources:
        if after[source]:
            rank[source] = min(rank[head] for head in after[source]) - 1
    return rank


def _chain(pair: Pair, rank: Mapping[str, int]) -> list[str]:
    """Return the arrow's stations: its ends and a bend in each column between."""
    tail, head = pair
    return [tail, *(f"{tail}\n{head}\n{r}" for r in range(rank[tail] + 1, rank[head])), head]


def _columns(
    keys: Sequence[str], rank: Mapping[str, int], chains: Mapping[Pair, Sequence[str]]
) -> list[list[str]]:
    columns: list[list[str]] = [[] for _ in range(max(rank.values()) + 1)]
    for key in keys:
        columns[rank[key]].append(key)
    for (tail, _), chain in chains.items():
        for offset, bend in enumerate(chain[1:-1], start=1):
            columns[rank[tail] + offset].append(bend)
    return columns


def _order(columns: list[list[str]], links: Sequence[Pair]) -> None:
    """Sort every column by the mean place of its neighbours; keep the best sweep."""
    before, after = _neighbours(links)
    best, fewest = [list(c) for c in columns], _crossings(columns, links)
    for sweep in range(_SWEEPS):
        beside = before if sweep % 2 == 0 else after
        place = {key: float(i) for column in columns for i, key in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            mean = {
                k: fmean(place[n] for n in beside[k]) if beside[k] else place[k] for k in column
            }
            column.sort(key=mean.__getitem__)
            place.update((key, float(i)) for i, key in enumerate(column))
        crossings = _crossings(columns, links)
        if crossings < fewest:
            best, fewest = [list(c) for c in columns], crossings
    columns[:] = best


def _crossings(columns: Sequence[Sequence[str]], links: Sequence[Pair]) -> int:
    place = {key: (c, i) for c, column in enumerate(columns) for i, key in enumerate(column)}
    gaps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for tail, head in links:
        gaps[place[tail][0]].append((place[tail][1], place[head][1]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for gap in gaps.values()
        for i, a in enumerate(gap)
        for b in gap[:i]
    )


def _neighbours(links: Sequence[Pair]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for tail, head in links:
        before[head].append(tail)
        after[tail].append(head)
    return before, after


def _heights(
    columns: Sequence[Sequence[str]], links: Sequence[Pair], boxes: frozenset[str]
) -> dict[str, float]:
    """Return the y of every station, drawn towards its neighbours but never overlapping."""
    before, after = _neighbours(links)
    need = {k: BOX_HEIGHT + _BOX_GAP if k in boxes else _BEND_GAP for c in columns for k in c}
    y = {key: 0.0 for column in columns for key in column}
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wished = [_wish(key, y, before, after) for key in column]
            y.update(zip(column, _spread(wished, [need[k] for k in column]), strict=True))
    top = min(y[key] - (BOX_HEIGHT / 2 if key in boxes else 0) for key in y) - _MARGIN
    return {key: value - top for key, value in y.items()}


def _wish(
    key: str,
    y: Mapping[str, float],
    before: Mapping[str, Sequence[str]],
    after: Mapping[str, Sequence[str]],
) -> float:
    near = [*before.get(key, ()), *after.get(key, ())]
    return fmean(y[n] for n in near) if near else y[key]


def _spread(wished: Sequence[float], need: Sequence[float]) -> list[float]:
    """Return places nearest the wished ones, in order and far enough apart.

    Least squares under minimum distances is isotonic regression once the
    distances are taken off (pool adjacent violators).
    """
    shift = [0.0]
    for upper, lower in pairwise(need):
        shift.append(shift[-1] + (upper + lower) / 2)
    pools: list[tuple[float, int]] = []
    for wish, offset in zip(wished, shift, strict=True):
        total, count = wish - offset, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            earlier, members = pools.pop()
            total, count = total + earlier, count + members
        pools.append((total, count))
    level = [total / count for total, count in pools for _ in range(count)]
    return [a + b for a, b in zip(level, shift, strict=True)]


def _column_edges(
    columns: Sequence[Sequence[str]],
    rank: Mapping[str, int],
    widths: Mapping[str, float],
    gap: Mapping[Pair, float],
    chains: Mapping[Pair, Sequence[str]],
) -> list[Point]:
    """Return the left and right edge of every column."""
    # Steep lines need room: the more stations beside a gap, the wider it is.
    beside = zip(columns, [*columns[1:], []], strict=True)
    room = [52.0 + 4 * max(len(left), len(right)) for left, right in beside]
    for (tail, head), chain in chains.items():
        label = gap.get((tail, head), gap.get((head, tail), 0.0))
        for r in range(rank[tail], rank[tail] + len(chain) - 1):
            room[r] = max(room[r], label)
    edges, x = [], _MARGIN
    for index, column in enumerate(columns):
        right = x + max((widths[key] for key in column if key in widths), default=0.0)
        edges.append((x, right))
        x = right + room[index]
    return edges


def _routes(
    arrows: Sequence[Arrow],
    chains: Mapping[Pair, Sequence[str]],
    rank: Mapping[str, int],
    centres: Mapping[str, Point],
    heights: Mapping[str, float],
    widths: Mapping[str, float],
    edges: Sequence[Point],
) -> list[Route]:
    """Return each arrow's points; one that was turned round runs back to the left."""
    leaving, entering = _ports(chains, heights)
    routes = []
    for arrow in arrows:
        pair = (arrow.tail, arrow.head)
        chain = chains.get(pair) or chains.get(pair[::-1])
        if chain is None:
            continue
        key = (chain[0], chain[-1])
        points = [(centres[key[0]][0] + widths[key[0]] / 2, leaving[key])]
        for offset, bend in enumerate(chain[1:-1], start=1):
            left, right = edges[rank[key[0]] + offset]
            points += [(left, heights[bend]), (right, heights[bend])]
        points.append((centres[key[1]][0] - widths[key[1]] / 2, entering[key]))
        routes.append(Route(arrow, tuple(points if key == pair else reversed(points))))
    return routes


def _ports(
    chains: Mapping[Pair, Sequence[str]], heights: Mapping[str, float]
) -> tuple[dict[Pair, float], dict[Pair, float]]:
    """Return where each arrow leaves and enters, so that arrows do not share a point."""
    ends: tuple[dict[str, list[tuple[float, Pair]]], ...] = (defaultdict(list), defaultdict(list))
    for pair, chain in chains.items():
        ends[0][pair[0]].append((heights[chain[1]], pair))
        ends[1][pair[1]].append((heights[chain[-2]], pair))
    ports: tuple[dict[Pair, float], ...] = ({}, {})
    for side, found in zip(ports, ends, strict=True):
        for key, members in found.items():
            step = min(9.0, (BOX_HEIGHT - 18) / len(members))
            for index, (_, pair) in enumerate(sorted(members)):
                side[pair] = heights[key] + (index - (len(members) - 1) / 2) * step
    return ports[0], ports[1]
