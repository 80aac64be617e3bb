"""Where OpenLineage events are sent, and how: one request each, no redirect, no proxy.

Source: OpenLineage's HTTP transport; RFC 6750 (Bearer).
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

from lineage_graph.errors import InvalidRecord, PolicyRefused
from lineage_graph.remote.connection import SCHEMES, is_private

PATH: Final = "/api/v1/lineage"
_SECONDS: Final = 5.0
_TAKEN: Final = range(200, 300)


class NotTaken(Exception):
    """The endpoint answered, and did not take the event."""


class Endpoint:
    """Takes events of runs.

    Args:
        address: ``http(s)://host:port``, with a path when it is not the usual one.
        token: Who sends; None where nobody is asked.

    Attributes:
        shown: The address as it may be told: without its query.

    Raises:
        InvalidRecord: It is no address, or names a user or a password.
        PolicyRefused: The token would travel unencrypted to another machine.
    """

    def __init__(self, address: str, token: str | None = None) -> None:
        parts = urlsplit(address)
        if parts.username is not None or parts.password is not None:
            raise InvalidRecord(
                "The address for OpenLineage events names a user or a password. Leave them out "
                "and set LINEAGE_GRAPH_OPENLINEAGE_TOKEN."
            )
        if parts.scheme not in SCHEMES or not parts.hostname or not _has_port(address):
            raise InvalidRecord(
                f"{address.partition('?')[0]!r} is no address for OpenLineage events: say "
                "http://HOST:PORT, or https://HOST/PATH."
            )
        path = parts.path if parts.path.strip("/") else PATH
        self.shown = f"{parts.scheme}://{parts.netloc}{path}"
        if token and not is_private(address):
            raise PolicyRefused(
                f"The token is not sent to {self.shown}: over http:// everybody on the way could "
                "read it. Give the endpoint's https:// address."
            )
        self._is_plain = parts.scheme == "http"
        self._host, self._port = parts.hostname, parts.port
        self._target = f"{path}?{parts.query}" if parts.query else path
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one event.

        Raises:
            NotTaken: With the status that was answered.
            OSError: Nothing answers, or not in time.
            http.client.HTTPException: What answers does not speak HTTP.
        """
        body = json.dumps(event, ensure_ascii=False, allow_nan=False).encode()
        with closing(self._connection()) as connection:
            connection.request("POST", self._target, body, self._headers)
            status = connection.getresponse().status
        if status not in _TAKEN:
            raise NotTaken(f"status {status}")

    def _connection(self) -> http.client.HTTPConnection:
        if self._is_plain:
            return http.client.HTTPConnection(self._host, self._port, timeout=_SECONDS)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=_SECONDS, context=context
        )


def _has_port(address: str) -> bool:
    """Tell whether the port is a number, if one is given."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False
