"""A load generator: many connections that each send the next request once the last is answered.

Plain sockets and requests made beforehand, so that it takes as little as it can of the two
cores that it shares with the server it measures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Load:
    """What was sent and how long each answer took.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Seconds that each request took.
        failed: Status lines of the answers that were no success.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the milliseconds that a share of the requests took at most."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def post(address: str, path: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """Return a request with a JSON body, as bytes."""
    given = {"Host": urlsplit(address).netloc, "Content-Type": "application/json", **dict(headers)}
    lines = [f"{name}: {value}" for name, value in given.items()]
    head = "\r\n".join([f"POST {path} HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body


def send(address: str, requests: list[bytes], connections: int = 16) -> Load:
    """Send requests over so many connections at once.

    Args:
        address: Of the server.
        requests: What to send, in this order.
        connections: How many requests are under way at the same time.
    """
    load = Load()
    waiting = iter(requests)
    begun = time.perf_counter()
    asyncio.run(_send_all(address, waiting, connections, load))
    load.seconds = time.perf_counter() - begun
    return load


async def _send_all(address: str, waiting: Iterator[bytes], connections: int, load: Load) -> None:
    await asyncio.gather(*(_send(address, waiting, load) for _ in range(connections)))


async def _send(address: str, waiting: Iterator[bytes], load: Load) -> None:
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    for request in waiting:
        begun = time.perf_counter()
        writer.write(request)
        status = await _answer(reader)
        load.latencies.append(time.perf_counter() - begun)
        if not status.startswith("HTTP/1.1 2"):
            load.failed.append(status)
    writer.close()
    await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, _, lines = head.partition("\r\n")
    for line in lines.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            await reader.readexactly(int(value))
    return status
