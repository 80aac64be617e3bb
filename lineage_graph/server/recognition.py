"""Who asks: nobody but this machine, a token, or a person whom an issuer vouches for.

Sources: RFC 6750 (bearer tokens: the header alone, no address and no form), RFC 9110 section 11
(challenges); for what browsers send by themselves, :mod:`lineage_graph.server.browsers`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from lineage_graph.access.principals import Principal
from lineage_graph.access.roles import Roles
from lineage_graph.access.tokens import PREFIX, Tokens
from lineage_graph.access.vouched import Vouched
from lineage_graph.server import browsers
from lineage_graph.server.browsers import BEARER, CHALLENGE, Browsed
from lineage_graph.server.failures import Failures, Refused
from lineage_graph.server.settings import Settings

LOCAL: Final = "local"
_INVALID: Final = f'{BEARER}, error="invalid_token"'


class Recognition:
    """Tells who a request is from.

    Args:
        settings: What the operator decided.
        roles: Every role there is.
        tokens: The tokens of the store.
        vouched: People whom an issuer vouches for; None where no issuer is believed.
        local: Gives the agent of whoever sits at this machine.

    Attributes:
        refused: How many tokens were refused, by the reason.
    """

    def __init__(
        self,
        settings: Settings,
        roles: Roles,
        tokens: Tokens,
        vouched: Vouched | None,
        local: Callable[[], str],
    ) -> None:
        self._roles = roles
        self._tokens = tokens
        self._vouched = vouched
        self._local = local
        self._failures = Failures()
        self.refused: Counter[str] = Counter()
        self._demanded = vouched is not None or not settings.loopback

    async def principal(
        self, connection: HTTPConnection, browsed: Browsed | None = None
    ) -> Principal:
        """Return who a request is from.

        Args:
            connection: The request.
            browsed: What its route is for browsers that send a token by themselves, if anything.

        Raises:
            Refused: 401 for nobody that is known, 429 after too many of these, 403 when another
                site made a browser ask.
            StoreUnavailable: The tokens cannot be read.
        """
        given = connection.headers.getlist("authorization")
        if not given:
            if self._open():
                return Principal(self._local(), self._roles.permissions, None, LOCAL)
            challenge = CHALLENGE if browsers.asked(connection, browsed) else BEARER
            raise _unauthenticated(
                "Say who asks: send the header 'Authorization: Bearer TOKEN'.", challenge
            )
        scheme, _, credentials = given[0].partition(" ")
        secret, challenge = _read(connection, browsed, scheme.lower(), credentials.strip())
        if len(given) > 1 or secret is None or " " in secret:
            raise self._failed(connection, "malformed", challenge)
        found = await self._found(secret)
        if isinstance(found, str):
            raise self._failed(connection, found, challenge)
        return found

    async def _found(self, secret: str) -> Principal | str:
        """Return whose token it is, or why it is nobody's."""
        if self._vouched is not None and not secret.startswith(PREFIX):
            # A signature takes its time, and the issuer's keys may have to be fetched.
            return await run_in_threadpool(self._vouched.recognised, secret) or "signed"
        token = self._tokens.found(secret)
        if token is None:
            return "unknown"
        if token.state != "live":
            return token.state
        permissions = self._roles.granted(token.roles)
        if token.scopes is not None:
            permissions &= token.scopes
        return Principal(token.agent, permissions, token.clearances, f"token:{token.name}")

    def _open(self) -> bool:
        # Once there was a token, authentication is demanded until the process ends.
        self._demanded = self._demanded or self._tokens.any()
        return not self._demanded

    def _failed(self, connection: HTTPConnection, reason: str, challenge: str) -> Refused:
        self.refused[reason] += 1
        self._failures.add(connection.client.host if connection.client else "")
        # Which of the reasons it was is nobody's business but the operator's.
        return _unauthenticated(
            "The token is not accepted: it is unknown, expired, revoked or not well formed.",
            challenge,
        )


def _read(
    connection: HTTPConnection, browsed: Browsed | None, scheme: str, credentials: str
) -> tuple[str | None, str]:
    """Return the token in a header, if there is one, and the challenge when it is a wrong one."""
    if scheme == browsers.SCHEME:
        secret = browsers.token(connection, browsed, credentials)
        return secret, CHALLENGE if browsers.asked(connection, browsed) else _INVALID
    return credentials if scheme == "bearer" else None, _INVALID


def _unauthenticated(detail: str, challenge: str) -> Refused:
    return Refused(401, "unauthenticated", detail, {"WWW-Authenticate": challenge})
