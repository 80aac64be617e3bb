"""A token that a browser sends by itself: it opens pages, and is good for nothing else.

A browser repeats what a person typed with whatever goes to the same server, also when a page of
another site makes it go there. It says where that came from, and only over connections that
nobody reads along: what does not say so is not taken.

Sources: RFC 7617 (Basic), W3C Fetch Metadata Request Headers, RFC 9110 section 11 (challenges).
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, Literal

from starlette.requests import HTTPConnection

from lineage_graph.server.failures import Refused
from lineage_graph.server.negotiation import media_type

Browsed = Literal["page", "part"]
"""A page may be opened from anywhere, such as a wiki; a part, such as a file, from our pages."""

SCHEME: Final = "basic"
CHALLENGE: Final = 'Basic realm="lineage_graph", charset="UTF-8"'
BEARER: Final = 'Bearer realm="lineage_graph"'
_OURS: Final = ("same-origin", "none")


def asked(connection: HTTPConnection, browsed: Browsed | None) -> bool:
    """Tell whether a person opens something here whose browser can ask for a token.

    Args:
        connection: What was asked.
        browsed: What its route is for browsers; None for nothing.
    """
    return (
        _allowed(connection, browsed)
        and _opens(connection)
        and media_type(connection.headers.get("accept"), ["text/html"]) is not None
    )


def token(connection: HTTPConnection, browsed: Browsed | None, credentials: str) -> str | None:
    """Return the token that a person typed as a password; None when there is none to read.

    Args:
        connection: What was asked.
        browsed: What its route is for browsers; None for nothing.
        credentials: What follows the scheme in the header.

    Raises:
        Refused: 403 when another site made the browser ask, 401 for anything but a browser that
            looks at pages; the token was not looked at.
    """
    if browsed is None or "sec-fetch-site" not in connection.headers:
        raise Refused(
            401,
            "unauthenticated",
            "A token as a password is for browsers that open pages, over https or on this "
            "machine. For anything else send the header 'Authorization: Bearer TOKEN'.",
            {"WWW-Authenticate": BEARER},
        )
    if not _allowed(connection, browsed):
        raise Refused(403, "cross-origin", "A page of another site may not ask for this.")
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.partition(":")[2]


def _allowed(connection: HTTPConnection, browsed: Browsed | None) -> bool:
    site = connection.headers.get("sec-fetch-site")
    return browsed is not None and (site in _OURS or (browsed == "page" and _opens(connection)))


def _opens(connection: HTTPConnection) -> bool:
    """Tell whether the answer is what the person looks at next, not part of something else."""
    sent = connection.headers
    return (sent.get("sec-fetch-mode"), sent.get("sec-fetch-dest")) == ("navigate", "document")
