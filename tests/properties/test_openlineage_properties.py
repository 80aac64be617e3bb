"""Whatever the order of events, and however often each is sent, the graph is the same."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.houses import Edges, House
from tests.producers import (
    DATABASE,
    PUBLISHED,
    STORY,
    Event,
    columns,
    dataset,
    facet,
    published,
    run,
    schema,
    symlink,
)

SCENARIOS = sorted(path.name for path in (PUBLISHED / "events").iterdir())
MEMORY = Path("/dev/shm")
ORDERS = 200


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder in memory where there is one: so many commits wait long for a disk."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as made:
        yield Path(made)


def told(folder: Path, events: Sequence[Event], orders: random.Random) -> tuple[bytes, Edges]:
    """Send events twice in some order, ask meanwhile, and return what holds in the end."""
    own = Path(tempfile.mkdtemp(dir=folder))
    house = House(own)
    sent = [*events, *events]
    orders.shuffle(sent)
    while sent:
        size = orders.randint(1, len(sent))
        house.take(*sent[:size])
        del sent[:size]
        if orders.random() < 0.5:
            house.queries.up_to_date()
    found = house.graph(), house.edges() | house.edges("column")
    house.close()
    return found


@pytest.mark.parametrize("scenario", [*SCENARIOS, "STORY"])
def test_200_orders_with_everything_sent_twice_are_the_same_graph(
    folder: Path, scenario: str
) -> None:
    events = STORY if scenario == "STORY" else published(scenario)
    expected = told(folder, events, random.Random(0))
    for seed in range(1, ORDERS):
        assert told(folder, events, random.Random(seed)) == expected, seed


NAMES = st.sampled_from(["a", "b", "c"])
COLUMNS = st.lists(st.sampled_from("xyz"), min_size=1, max_size=2, unique=True)
LINKS = st.tuples(NAMES, st.sampled_from(["TABLE", "LOCATION", "OTHER"]))
FACETS = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from("12").map(lambda number: facet(datasetVersion=number)),
        "symlinks": LINKS.map(lambda link: symlink(link[0], DATABASE, link[1])),
        "schema": COLUMNS.map(lambda names: schema(*names)),
        "documentation": st.sampled_from("pq").map(lambda text: facet(description=text)),
        "columnLineage": st.tuples(NAMES, st.sampled_from("xyz")).map(lambda of: columns(k=[of])),
    },
)
DATASETS = st.builds(lambda name, facets: dataset(name, **facets), NAMES, FACETS)
SOME = st.lists(DATASETS, max_size=2, unique_by=lambda one: one["name"])
EVENTS = st.builds(
    run,
    st.sampled_from(["r1", "r2", "r3"]),
    st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]),
    st.integers(10, 20).map(lambda hour: f"{hour}:00:00"),
    inputs=SOME,
    outputs=SOME,
)


@given(st.lists(EVENTS, min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_any_events_in_any_order_are_the_same_graph(
    folder: Path, events: list[Event], orders: random.Random
) -> None:
    first = told(folder, events, orders)
    assert told(folder, events, orders) == first
