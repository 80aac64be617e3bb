"""Who asks: nobody but this machine, a token, or a person whom an issuer vouches for.

Sources: RFC 6750 (bearer tokens: the header alone, no address and no form), RFC 9110 section 11
(challenges).
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
from lineage_graph.server.failures import Failures, Refused
from lineage_graph.server.settings import Settings

LOCAL: Final = "local"
_CHALLENGE: Final = 'Bearer realm="lineage_graph"'
_INVALID: Final = f'{_CHALLENGE}, error="invalid_token"'


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

    async def principal(self, connection: HTTPConnection) -> Principal:
        """Return who a request is from.

        Raises:
            Refused: 401 for nobody that is known, 429 after too many of these.
            StoreUnavailable: The tokens cannot be read.
        """
        given = connection.headers.getlist("authorization")
        if not given:
            if self._open():
                return Principal(self._local(), self._roles.permissions, None, LOCAL)
            raise Refused(
                401,
                "unauthenticated",
                "Say who asks: send the header 'Authorization: Bearer TOKEN'.",
                {"WWW-Authenticate": _CHALLENGE},
            )
        scheme, _, secret = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer" or " " in secret.strip():
            raise self._failed(connection, "malformed")
        return await self._bearer(connection, secret.strip())

    async def _bearer(self, connection: HTTPConnection, secret: str) -> Principal:
        if self._vouched is not None and not secret.startswith(PREFIX):
            # A signature takes its time, and the issuer's keys may have to be fetched.
            person = await run_in_threadpool(self._vouched.recognised, secret)
            if person is None:
                raise self._failed(connection, "signed")
            return person
        token = self._tokens.found(secret)
        if token is None:
            raise self._failed(connection, "unknown")
        if token.state != "live":
            raise self._failed(connection, token.state)
        permissions = self._roles.granted(token.roles)
        if token.scopes is not None:
            permissions &= token.scopes
        return Principal(token.agent, permissions, token.clearances, f"token:{token.name}")

    def _open(self) -> bool:
        # Once there was a token, authentication is demanded until the process ends.
        self._demanded = self._demanded or self._tokens.any()
        return not self._demanded

    def _failed(self, connection: HTTPConnection, reason: str) -> Refused:
        self.refused[reason] += 1
        self._failures.add(connection.client.host if connection.client else "")
        # Which of the reasons it was is nobody's business but the operator's.
        return Refused(
            401,
            "unauthenticated",
            "The token is not accepted: it is unknown, expired, revoked or not well formed.",
            {"WWW-Authenticate": _INVALID},
        )
