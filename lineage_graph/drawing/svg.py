"""A picture as one static SVG: no script, no style sheet, no external resource.

Only presentation attributes are used, because a style element would leak into
the page or notebook around the picture. Shape and caption tell the kinds apart,
colour only repeats it. Accessible names follow WAI-ARIA Graphics (role, title, desc).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import pairwise
from string import Template

from lineage_graph.drawing import Box, Picture
from lineage_graph.drawing.layout import BOX_HEIGHT, Point, Route, arrange
from lineage_graph.drawing.text import elided, printable, width
from lineage_graph.identity import sha256

_NAME_COLUMNS = 26
_LABEL_COLUMNS = 30
_NAME_UNITS = 7.4
_LABEL_UNITS = 6.2
_ARROW = 9.0
_INK, _FAINT, _PAPER = "#1c2733", "#55606e", "#ffffff"
_COLOURS: Mapping[str, tuple[str, str]] = {
    "dataset": ("#e6effa", "#24568f"),
    "prediction": ("#e4f3e8", "#1d6b3a"),
    "model": ("#fcf0d9", "#8a5a00"),
    "file": ("#f2f2f2", "#555555"),
    "column": ("#f0eafa", "#5b3a9e"),
}
_PLAIN = ("#ffffff", "#55606e")


def draw(picture: Picture) -> str:
    """Return the picture as an SVG document that can also be put into a page."""
    if not picture.boxes:
        return _document(picture, (320.0, 64.0), [_note("Nothing to draw.", 36.0)])
    widths = {box.key: _box_width(box) for box in picture.boxes}
    room = {(a.tail, a.head): _label_width(a.label) + 56 for a in picture.arrows}
    layout = arrange(picture, widths, room)
    body = [_arrow(route) for route in layout.routes]
    body += _labels(layout.routes)
    body += [_box(box, layout.centres[box.key], widths[box.key]) for box in picture.boxes]
    across, down = layout.size
    if picture.hidden:
        across = max(across, 24 + 6.4 * width(_hidden(picture)) + 24)
        body.append(_note(_hidden(picture), down + 10))
        down += 30
    return _document(picture, (across, down), body)


def _document(picture: Picture, size: Point, body: Sequence[str]) -> str:
    title, description = _text(picture.title), _text(picture.description)
    # Two pictures in one notebook must not share ids, and one picture twice may.
    mark = sha256("".join((title, description, *body)).encode())[:12]
    across, down = (str(math.ceil(length)) for length in size)
    return _frame().substitute(
        across=across,
        down=down,
        mark=mark,
        title=title,
        description=description,
        paper=_PAPER,
        body="\n".join(body),
    )


@cache
def _frame() -> Template:
    return Template(files("lineage_graph.drawing").joinpath("frame.svg").read_text("utf-8"))


def _hidden(picture: Picture) -> str:
    return f"{picture.hidden:,} more not drawn; the HTML page and the JSON list all."


def _note(text: str, y: float) -> str:
    return f'<text x="24" y="{y:.1f}" font-size="12" fill="{_FAINT}">{_text(text)}</text>'


def _text(text: str) -> str:
    return escape(printable(text))


def _box_width(box: Box) -> float:
    name = elided(printable(box.name), _NAME_COLUMNS)
    return min(250.0, max(112.0, width(name) * _NAME_UNITS + 44))


def _label_width(label: str) -> float:
    return width(elided(printable(label), _LABEL_COLUMNS)) * _LABEL_UNITS


def _box(box: Box, centre: Point, across: float) -> str:
    x, y = centre
    fill, stroke = _COLOURS.get(box.kind, _PLAIN)
    thick = "2.6" if box.root else "1.3"
    weight = "700" if box.root else "500"
    name = elided(printable(box.name), _NAME_COLUMNS)
    outline, fold = _outline(box.kind, x, y, across)
    more = ""
    if box.more:
        more = (
            f'<text x="{x:.1f}" y="{y + BOX_HEIGHT / 2 + 13:.1f}" text-anchor="middle"'
            f' font-size="11" fill="{_FAINT}">+{box.more:,} not drawn</text>'
        )
    return (
        f"<g><title>{_text(box.name)} ({_text(box.kind)})\n{_text(box.key)}</title>"
        f'<path d="{outline}" fill="{fill}" stroke="{stroke}" stroke-width="{thick}"/>'
        f'<path d="{fold}" fill="none" stroke="{stroke}" stroke-width="1.1"/>'
        f'<text x="{x:.1f}" y="{y - 4:.1f}" text-anchor="middle" font-size="10"'
        f' letter-spacing="0.6" fill="{stroke}">{_text(box.kind)}</text>'
        f'<text x="{x:.1f}" y="{y + 13:.1f}" text-anchor="middle" font-weight="{weight}"'
        f' fill="{_INK}" unicode-bidi="plaintext">{escape(name)}</text>{more}</g>'
    )


def _outline(kind: str, x: float, y: float, across: float) -> tuple[str, str]:
    """Return the outline of a kind's shape, and an inner line where it has one."""
    left, right, top, low = x - across / 2, x + across / 2, y - BOX_HEIGHT / 2, y + BOX_HEIGHT / 2
    if kind == "dataset":  # a cylinder, as databases are drawn
        lid = f"{across / 2:.1f} 4 0 0"
        path = (
            f"M{left:.1f} {top + 3:.1f}A{lid} 1 {right:.1f} {top + 3:.1f}V{low - 3:.1f}"
            f"A{lid} 1 {left:.1f} {low - 3:.1f}Z"
        )
        return path, f"M{left:.1f} {top + 3:.1f}A{lid} 0 {right:.1f} {top + 3:.1f}"
    if kind == "model":  # a hexagon
        corners = [(left, y), (left + 14, top), (right - 14, top), (right, y), (right - 14, low)]
        return _polygon([*corners, (left + 14, low)]), "M0 0"
    if kind == "prediction":  # a parallelogram, output in flow charts
        slanted = [(left + 7, top), (right + 7, top), (right - 7, low), (left - 7, low)]
        return _polygon(slanted), "M0 0"
    if kind == "file":  # a sheet with a folded corner
        sheet = [(left, top), (right - 12, top), (right, top + 12), (right, low), (left, low)]
        return _polygon(sheet), f"M{right - 12:.1f} {top:.1f}v12h12"
    radius = BOX_HEIGHT / 2 if kind == "column" else 3.0
    return _rounded(left, top, across, radius), "M0 0"


def _polygon(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def _rounded(left: float, top: float, across: float, r: float) -> str:
    flat, tall = across - 2 * r, BOX_HEIGHT - 2 * r
    return (
        f"M{left + r:.1f} {top:.1f}h{flat:.1f}a{r} {r} 0 0 1 {r} {r}v{tall:.1f}"
        f"a{r} {r} 0 0 1 -{r} {r}h-{flat:.1f}a{r} {r} 0 0 1 -{r} -{r}v-{tall:.1f}"
        f"a{r} {r} 0 0 1 {r} -{r}Z"
    )


def _arrow(route: Route) -> str:
    """Return a smooth line with a head; it is level at every station."""
    points = list(route.points)
    (before, _), (tip, level) = points[-2:]
    way = 1 if tip > before else -1
    points[-1] = (tip - way * (_ARROW - 1), level)
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        bend = (x1 - x0) * 0.45
        path += f"C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    back = tip - way * _ARROW
    head = _polygon([(tip, level), (back, level - 4), (back, level + 4)])
    title = f"<title>{_text(route.arrow.label)}</title>" if route.arrow.label else ""
    return (
        f'<g>{title}<path d="{path}" fill="none" stroke="#7a8694" stroke-width="1.4"/>'
        f'<path d="{head}" fill="#55606e"/></g>'
    )


def _labels(routes: Sequence[Route]) -> list[str]:
    """Return the arrows' labels, each at the first place along it that is still free."""
    taken: list[tuple[float, float, float]] = []
    labels = []
    for route in routes:
        if not route.arrow.label:
            continue
        half = _label_width(route.arrow.label) / 2
        x, y = _free(_places(route), half, taken)
        taken.append((x, y, half))
        text = escape(elided(printable(route.arrow.label), _LABEL_COLUMNS))
        labels.append(
            f"<g><title>{_text(route.arrow.label)}</title>"
            f'<rect x="{x - half:.1f}" y="{y - 7:.1f}" width="{2 * half:.1f}" height="14"'
            f' fill="{_PAPER}" fill-opacity="0.88"/>'
            f'<text x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="middle" font-size="11"'
            f' fill="{_INK}">{text}</text></g>'
        )
    return labels


def _places(route: Route) -> Iterator[Point]:
    for share in (0.5, 0.38, 0.62, 0.28, 0.72):
        for (x0, y0), (x1, y1) in zip(route.points[::2], route.points[1::2], strict=True):
            # The line is a smooth step: this cubic is what its Bezier is within a pixel or two.
            yield x0 + (x1 - x0) * share, y0 + (y1 - y0) * share * share * (3 - 2 * share)


def _free(
    places: Iterator[Point], half: float, taken: Sequence[tuple[float, float, float]]
) -> Point:
    first: Point | None = None
    for x, y in places:
        first = first or (x, y)
        if all(abs(y - v) >= 13 or abs(x - u) >= half + w + 4 for u, v, w in taken):
            return x, y
    assert first is not None, "a route has at least one gap"
    return first
