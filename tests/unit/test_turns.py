"""Whose turn it is at what has few places."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from lineage_graph.access.principals import Principal
from lineage_graph.errors import StoreUnavailable
from lineage_graph.server import turns
from lineage_graph.server.turns import Turns


def somebody(name: str) -> Principal:
    return Principal(f"urn:lineage-graph:agent:{name}", frozenset(), None, name)


ANA, BRUNO, CARLA = map(somebody, ("ana", "bruno", "carla"))


class Work:
    """Work that ends when it is told to, and remembers who began in which order."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_end = threading.Event()

    def of(self, who: Principal) -> str:
        self.begun.append(who.name)
        self.may_end.wait()
        return who.name


@contextmanager
def ending(work: Work) -> Iterator[None]:
    try:
        yield
    finally:
        work.may_end.set()


async def begun(work: Work, count: int) -> None:
    while len(work.begun) < count:
        await asyncio.sleep(0.001)


def test_one_principal_never_has_all_places() -> None:
    work, places = Work(), Turns(3, 2)

    async def all_of_them() -> list[str]:
        with ending(work):
            ana = [asyncio.create_task(places.take(ANA, lambda: work.of(ANA))) for _ in range(9)]
            await begun(work, 2)
            bruno = asyncio.create_task(places.take(BRUNO, lambda: work.of(BRUNO)))
            await begun(work, 3)
            assert work.begun == ["ana", "ana", "bruno"]
        return await asyncio.gather(*ana, bruno)

    assert asyncio.run(all_of_them()) == ["ana"] * 9 + ["bruno"]


def test_who_came_first_is_next() -> None:
    work, places = Work(), Turns(1, 1)

    async def all_of_them() -> None:
        with ending(work):
            tasks = []
            for who in (ANA, BRUNO, ANA, CARLA):
                tasks.append(asyncio.create_task(places.take(who, partial(work.of, who))))
                await asyncio.sleep(0)
            await begun(work, 1)
        await asyncio.gather(*tasks)

    asyncio.run(all_of_them())
    assert work.begun[0] == "ana"
    assert work.begun.index("bruno") < work.begun.index("carla")


def test_who_waits_too_long_or_too_often_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(turns, "WAITING", 1)
    work, places = Work(), Turns(2, 1)

    async def all_of_them() -> None:
        with ending(work):
            first = asyncio.create_task(places.take(ANA, lambda: work.of(ANA)))
            await begun(work, 1)
            second = asyncio.create_task(places.take(ANA, lambda: work.of(ANA)))
            await asyncio.sleep(0)
            with pytest.raises(StoreUnavailable, match="1 requests of yours wait"):
                await places.take(ANA, lambda: work.of(ANA))
            with pytest.raises(StoreUnavailable, match="none of them was done"):
                await second
        assert await first == "ana"
        assert await places.take(ANA, lambda: "again") == "again"

    asyncio.run(all_of_them())


def test_what_fails_gives_its_place_back() -> None:
    places = Turns(1, 1)

    def fails() -> None:
        raise KeyError("x")

    async def twice() -> None:
        for _ in range(2):
            with pytest.raises(KeyError):
                await places.take(ANA, fails)

    asyncio.run(twice())
