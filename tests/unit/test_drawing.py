"""Pictures: what is drawn is complete, safe, readable and fits its frame."""

from __future__ import annotations

import html.parser
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_graph.drawing import Arrow, Box, Picture, Table, dot, svg
from lineage_graph.drawing import html as page
from lineage_graph.drawing.layout import BOX_HEIGHT, Layout, arrange
from lineage_graph.drawing.text import elided, printable, width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "</title><script>alert('x')</script>",
    'a "quoted" & \\ name',
    "\x1b[31mred\x00",
    "\u0631\u062d\u0644\u0627\u062a@3",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 fam\u00edlia",
    "lone \ud800 surrogate",
    "gpj\u202eexe.txt",
    "x" * 500,
    "",
    "]]>",
]

keys = st.integers(0, 15).map(str)
graphs = st.lists(st.tuples(keys, keys), max_size=40, unique=True)


def picture(arrows: list[tuple[str, str]], hidden: int = 0, label: str = "Filter") -> Picture:
    names = dict.fromkeys(["0", *(k for arrow in arrows for k in arrow)])
    boxes = [Box(key=k, name=f"name {k}", kind="dataset", root=k == "0") for k in names]
    return Picture("A title", "A description", boxes, [Arrow(*a, label) for a in arrows], hidden)


def laid_out(drawn: Picture) -> Layout:
    return arrange(drawn, {box.key: 120.0 for box in drawn.boxes}, {})


@settings(deadline=None)
@given(graphs)
def test_no_two_boxes_overlap_and_all_are_inside(arrows: list[tuple[str, str]]) -> None:
    layout = laid_out(picture(arrows))
    across, down = layout.size
    columns: dict[float, list[float]] = {}
    for x, y in layout.centres.values():
        columns.setdefault(x, []).append(y)
        assert 60 <= x <= across - 60
        assert BOX_HEIGHT / 2 <= y <= down - BOX_HEIGHT / 2
    for ys in columns.values():
        assert all(low - high >= BOX_HEIGHT for high, low in pairwise(sorted(ys)))
    assert all(b - a > 120 for a, b in pairwise(sorted(columns)))


@settings(deadline=None)
@given(graphs)
def test_every_arrow_is_drawn_once_between_its_boxes(arrows: list[tuple[str, str]]) -> None:
    layout = laid_out(picture(arrows))
    assert [(r.arrow.tail, r.arrow.head) for r in layout.routes] == [
        a for a in arrows if a[0] != a[1]
    ]
    for route in layout.routes:
        for key, (x, y) in (
            (route.arrow.tail, route.points[0]),
            (route.arrow.head, route.points[-1]),
        ):
            centre = layout.centres[key]
            assert abs(x - centre[0]) == pytest.approx(60)
            assert abs(y - centre[1]) <= BOX_HEIGHT / 2


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(keys, keys).filter(lambda a: int(a[0]) < int(a[1])), max_size=40, unique=True
    )
)
def test_without_cycles_every_arrow_runs_to_the_right(arrows: list[tuple[str, str]]) -> None:
    layout = laid_out(picture(arrows))
    for tail, head in arrows:
        assert layout.centres[tail][0] < layout.centres[head][0]


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=5), st.text())
def test_any_text_makes_well_formed_xml(names: list[str], label: str) -> None:
    boxes = [Box(str(i), name, kind=name) for i, name in enumerate(names)]
    drawn = svg.draw(Picture(label, label, boxes, [Arrow("0", str(len(names) - 1), label)]))
    assert ElementTree.fromstring(drawn).get("role") == "img"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_text_in_every_format(name: str) -> None:
    drawn = Picture(
        name, name, [Box("a", name, "dataset"), Box("b", name, "model")], [Arrow("a", "b", name)]
    )
    root = ElementTree.fromstring(svg.draw(drawn))
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "title", "desc", "rect", "g", "path", "text",
    }  # fmt: skip
    titles = [e.text or "" for e in root.iter(f"{SVG}title")]
    assert any(title.startswith(f"{printable(name)} (dataset)") for title in titles)
    tags = Tags()
    tags.feed(page.page(drawn, [Table(name, [name], [[name]])]))
    assert "script" not in tags.seen
    assert not tags.external
    for line in dot.draw(drawn).splitlines():
        assert len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0


class Tags(html.parser.HTMLParser):
    """Collects a page's elements and whatever would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.external: list[str] = []
        self.lang: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.external += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag == "html":
            self.lang = dict(attrs)["lang"]


def test_a_picture_says_what_it_is_to_who_cannot_see_it() -> None:
    root = ElementTree.fromstring(svg.draw(picture([("1", "0")])))
    named = {e.get("id"): e.text for e in root if e.get("id")}
    assert [named[i] for i in (root.get("aria-labelledby") or "").split()] == [
        "A title",
        "A description",
    ]


def test_two_pictures_on_one_page_share_no_ids() -> None:
    first, second = (
        set(re.findall(r' id="([^"]+)"', svg.draw(picture(a)))) for a in ([], [("1", "0")])
    )
    assert first and second and not first & second


def test_kinds_differ_in_shape_not_only_in_colour() -> None:
    outlines = set()
    kinds = ("dataset", "model", "prediction", "file", "column", "content")
    for kind in kinds:
        drawn = svg.draw(Picture("t", "d", [Box("a", "same", kind)], []))
        outlines.add(re.findall(r'<path d="([^"]+)"', drawn)[0])
        assert f">{kind}</text>" in drawn
    assert len(outlines) == len(kinds)


def test_what_was_left_out_is_said_in_the_picture() -> None:
    drawn = Picture("t", "d", [Box("a", "a", "dataset", more=7)], [], hidden=1234)
    assert "1,234 more not drawn" in svg.draw(drawn)
    assert "+7 not drawn" in svg.draw(drawn)


def test_the_page_is_one_file_with_a_language_and_the_same_facts_as_tables() -> None:
    tags = Tags()
    text = page.page(picture([("1", "0")]), [Table("Derivations", ["How"], [["Filter"]])])
    tags.feed(text)
    assert tags.lang == "en"
    assert {"svg", "table", "caption", "th", "main", "h1"} <= tags.seen
    assert "default-src 'none'" in text


def test_labels_do_not_lie_on_each_other_where_there_is_room() -> None:
    drawn = svg.draw(picture([(str(i), "0") for i in range(1, 9)]))
    boxes = [
        tuple(map(float, found))
        for found in re.findall(r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)"', drawn)
    ]
    assert len(boxes) == 8
    for i, (x, y, w) in enumerate(boxes):
        assert all(abs(y - v) >= 13 or x + w <= u or u + t <= x for u, v, t in boxes[:i])


@settings(deadline=None)
@given(st.text(), st.integers(8, 60))
def test_elided_text_fits_and_short_text_is_untouched(text: str, columns: int) -> None:
    short = elided(text, columns)
    assert width(short) <= columns
    assert short == text or width(text) > columns


def test_eliding_keeps_the_version_at_the_end() -> None:
    assert elided("a very long name of a dataset indeed@12", 20).endswith("@12")


@settings(deadline=None)
@given(st.text())
def test_printable_text_encodes_and_is_stable(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert printable(shown) == shown
    assert not any(c in shown for c in "\x00\x1b\n\x9b\u202e\u2028")


def test_printable_keeps_what_people_write() -> None:
    for text in ("S\u00e3o Paulo", "\u0631\u062d\u0644\u0627\u062a", HOSTILE[4], "\u822a\u73ed"):
        assert printable(text) == text
