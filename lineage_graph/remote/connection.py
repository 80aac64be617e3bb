"""The way to a server: who asks, what its refusals mean, and asking again when it was away.

Everything that is sent may be sent again: reading changes nothing, an artifact is named by
its digest, and an append by its transaction id. So a server that restarts is waited for.

Sources: RFC 6750 (Bearer), RFC 9457 (problem details), RFC 9110 section 9.2.2.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from lineage_graph.errors import (
    InvalidRecord,
    LedgerBroken,
    LineageGraphError,
    MissingExtra,
    PolicyRefused,
    StoreError,
    StoreLocked,
    StoreUnavailable,
    VisibilityChanged,
)
from lineage_graph.remote.protocol import VERSION, VERSION_HEADER
from lineage_graph.stores import Applied

if TYPE_CHECKING:
    from httpx2 import Client, Response

T = TypeVar("T")

SCHEMES: Final = ("http", "https")
PATIENCE_SECONDS: Final = 30.0
_FIRST_SECONDS: Final = 3.0
"""How long the first request waits: an address may simply be wrong."""
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_AWAY: Final = frozenset({502, 503, 504})
_LONGEST_MESSAGE: Final = 2000


@dataclass(frozen=True)
class Who:
    """What the server knows about whoever asks.

    Attributes:
        agent: IRI of the pseudonym under which it records.
        permissions: Names of what it may do.
        view: What tells one thing that may be seen from another; a digest.
        version: Release of the server.
    """

    agent: str
    permissions: frozenset[str]
    view: str
    version: str


class Connection:
    """Requests to one server; may be shared by threads.

    Args:
        address: ``http://host:port`` or ``https://...``.
        token: Who asks; None where the server asks nobody.
        patience: Seconds to wait for a server that is away.

    Attributes:
        address: Where the server is, without a slash at the end.
        seen: The end of the ledger as the last answer told it; None before the first.

    Raises:
        InvalidRecord: It is no address.
        PolicyRefused: The token would travel unencrypted to another machine.
        MissingExtra: The HTTP client is not installed.
    """

    def __init__(
        self, address: str, token: str | None = None, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self.address = _checked(address)
        if token and not is_private(self.address):
            raise PolicyRefused(
                f"The token is not sent to {self.address}: over http:// everybody on the way "
                "could read it. Give the server's https:// address."
            )
        self.seen: Applied | None = None
        self._view: str | None = None
        self._patience = patience
        self._client = _client(self.address, token)

    def close(self) -> None:
        """Let the connections go; a second call does nothing."""
        self._client.close()

    def who(self) -> Who:
        """Ask who the server takes us for, and whether it speaks as we do.

        Raises:
            StoreUnavailable: Nothing answers there.
            PolicyRefused: It does not know the token.
            StoreError: It is no such server, or of another release.
        """
        answer = self.send("GET", "/api/whoami", patience=min(_FIRST_SECONDS, self._patience))
        said = self.json_of(answer)
        spoken = answer.headers.get(VERSION_HEADER)
        if spoken != str(VERSION):
            raise StoreError(
                f"{self.address} speaks version {spoken or 'unknown'} of what clients and servers "
                f"say to each other, this release version {VERSION}. Install the same release of "
                "lineage_graph at both ends."
            )
        self._view = said["view"]
        return Who(said["agent"], frozenset(said["permissions"]), said["view"], said["version"])

    def ask(self, path: str, body: Any = None) -> Any:
        """Send JSON and return the JSON that is answered; raises as :meth:`send` does."""
        return self.json_of(self.post(path, body))

    def post(self, path: str, body: Any) -> Response:
        """Send JSON and return the answer; raises as :meth:`send` does."""
        written = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        headers = {"Content-Type": "application/json"}
        return self.send("POST", path, content=lambda: written, headers=headers)

    def get(self, path: str) -> Any:
        """Return the JSON at a path; raises as :meth:`send` does."""
        return self.json_of(self.send("GET", path))

    def saw(self, said: Mapping[str, Any]) -> None:
        """Take note of the end of the ledger that an answer tells.

        Raises:
            VisibilityChanged: What was recorded before is seen in another way by now.
        """
        if self._view not in (None, said["view"]):
            raise VisibilityChanged(
                f"What you may see of {self.address} has changed since you connected. "
                "Connect again."
            )
        self.seen = Applied(said["seq"], said["chain"])

    def send(
        self,
        method: str,
        path: str,
        *,
        content: Callable[[], Any] | None = None,
        headers: Mapping[str, str] | None = None,
        absent: bool = False,
        patience: float | None = None,
    ) -> Response:
        """Send a request, again while the server is away, and return its answer.

        Args:
            method: ``GET``, ``POST`` ...
            path: Below the address.
            content: Gives what to send; called for each attempt.
            headers: Further headers.
            absent: Whether a 404 is an answer too.
            patience: Seconds to wait for a server that is away.

        Raises:
            StoreUnavailable: It does not answer.
            PolicyRefused: It does not know who asks, or refuses it.
            LineageGraphError: Whatever else it says.
        """

        def attempt() -> Response:
            with _explained(self.address):
                body = content() if content else None
                answer = self._client.request(
                    method, path, headers=dict(headers or {}), content=body
                )
            if answer.is_success or (absent and answer.status_code == 404):
                return answer
            raise _refusal(self.address, answer)

        return _patiently(attempt, self._patience if patience is None else patience)

    def download(self, path: str, take: Callable[[Iterator[bytes]], T]) -> T:
        """Return what is made of the bytes at a path, again while the server is away.

        Args:
            path: Below the address.
            take: Given the bytes as they arrive, from their beginning for each attempt.

        Raises:
            LineageGraphError: As :meth:`send` does.
        """

        def attempt() -> T:
            with _explained(self.address), self._client.stream("GET", path) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(self.address, answer)
                return take(answer.iter_bytes())

        return _patiently(attempt, self._patience)

    def json_of(self, answer: Response) -> Any:
        """Return the JSON of an answer.

        Raises:
            StoreError: It is none, so something else answers at the address.
        """
        try:
            return answer.json()
        except ValueError as error:
            raise _no_server(self.address) from error


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES or not parts.hostname or parts.query or parts.fragment:
        raise InvalidRecord(f"{address!r} is no address of a server: say http://HOST:PORT.")
    if parts.username is not None or parts.password is not None:
        raise InvalidRecord(
            "The address names a user or a password. Leave them out and give token=..., or set "
            "LINEAGE_GRAPH_TOKEN."
        )
    return address.rstrip("/")


def is_private(address: str) -> bool:
    """Whether what is sent to an address can be read by nobody on the way."""
    parts = urlsplit(address)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _client(address: str, token: str | None) -> Client:
    try:
        import httpx2
    except ModuleNotFoundError as error:
        raise MissingExtra(
            'The HTTP client is not installed. Type: pip install "lineage-graph[client]"'
        ) from error
    headers = {VERSION_HEADER: str(VERSION)}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    # Settings of the environment could send the token to a proxy, or another in its place.
    return httpx2.Client(
        base_url=address, headers=headers, timeout=httpx2.Timeout(120, connect=10), trust_env=False
    )


def _patiently(attempt: Callable[[], T], patience: float) -> T:
    """Return what an attempt gives, waiting for a server that is away."""
    until = time.monotonic() + patience
    pauses = itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))
    while True:
        pause = next(pauses) * random.uniform(0.5, 1)
        try:
            return attempt()
        except (StoreUnavailable, StoreLocked):
            if time.monotonic() + pause > until:
                raise
        time.sleep(pause)


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Let no error of the HTTP client through, only what it means."""
    import httpx2

    try:
        yield
    except (httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError) as error:
        raise StoreUnavailable(
            f"The server {address} does not answer ({type(error).__name__}). Check the address "
            "and that it runs: lineage-graph serve. What was acknowledged is on its disk; do the "
            "rest again."
        ) from error


def _codes() -> Mapping[str, type[LineageGraphError]]:
    """Return every failure by its code."""
    found: dict[str, type[LineageGraphError]] = {}
    waiting: list[type[LineageGraphError]] = [LineageGraphError]
    while waiting:
        kind = waiting.pop()
        found[kind.code] = kind
        waiting += kind.__subclasses__()
    return found


def _refusal(address: str, answer: Response) -> LineageGraphError:
    """Return the failure that an answer tells of."""
    said = _problem(answer)
    detail = str(said.get("detail", ""))[:_LONGEST_MESSAGE]
    kind = _codes().get(str(said.get("code")))
    status = answer.status_code
    if status == 401:
        return PolicyRefused(
            f"{address} does not know who asks. Give token=..., or set LINEAGE_GRAPH_TOKEN; an "
            "operator makes one with: lineage-graph tokens create NAME --role contributor."
        )
    if kind is not None and kind not in (LineageGraphError, StoreError):
        return LedgerBroken(detail) if kind is LedgerBroken else kind(detail)
    if status == 403:
        return PolicyRefused(f"{address} refuses this: {detail or 'it is not permitted'}")
    if status == 404:
        return _no_server(address)
    if status == 413:
        return InvalidRecord(f"{address} takes no more at once: {detail}")
    if status in _AWAY:
        return StoreUnavailable(f"{address} cannot answer now. {detail}")
    return StoreError(f"{address} answered with status {status}. {detail}")


def _problem(answer: Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _no_server(address: str) -> StoreError:
    return StoreError(
        f"{address} does not answer as a lineage_graph server of this release does. Check the "
        "address, and that both ends have the same release."
    )
