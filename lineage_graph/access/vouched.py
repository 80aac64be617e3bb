"""People whom an issuer vouches for with a signed token (OpenID Connect).

Sources: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (what to check), RFC 9068 (access tokens).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from lineage_graph.access.issuers import Issuer
from lineage_graph.access.principals import Principal
from lineage_graph.access.pseudonyms import Pseudonyms
from lineage_graph.access.roles import Roles
from lineage_graph.access.signatures import IssuerKeys

LONGEST: Final = 16 << 10
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_SHOWN: Final = 8


class Vouched:
    """Recognises people by what an issuer signed.

    Args:
        issuer: Who is believed, and what is made of it.
        roles: Every role there is.
        pseudonyms: What people are called here.

    Raises:
        NotFound: The issuer's file names a role that there is not.
    """

    def __init__(self, issuer: Issuer, roles: Roles, pseudonyms: Pseudonyms) -> None:
        roles.check(sorted(frozenset().union(*issuer.roles.values())))
        self._issuer = issuer
        self._roles = roles
        self._pseudonyms = pseudonyms
        self._keys = IssuerKeys(issuer.keys)
        self._claims = JWTClaimsRegistry(
            leeway=issuer.leeway,
            iss={"essential": True, "value": issuer.issuer},
            aud={"essential": True, "value": issuer.audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    def recognised(self, token: str) -> Principal | None:
        """Return who a token is about; None for one that is not accepted.

        Raises:
            StoreUnavailable: The issuer's keys, or the key of pseudonyms, cannot be had.
        """
        header = _header(token)
        if header is None or not self._acceptable(header):
            return None
        key = self._keys.find(header["kid"])
        if key is None:
            return None
        try:
            claims = jwt.decode(token, key, algorithms=list(self._issuer.algorithms)).claims
            self._claims.validate(claims)
        except (JoseError, ValueError, TypeError):
            return None
        return self._principal(claims)

    def _acceptable(self, header: Mapping[str, Any]) -> bool:
        kind = header.get("typ")
        return (
            isinstance(header.get("kid"), str)
            and header.get("alg") in self._issuer.algorithms
            and (kind is None or (isinstance(kind, str) and kind.lower() in _TYPES))
            and "crit" not in header
        )

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        agent = self._pseudonyms.of(claims["iss"], claims["sub"])
        groups = frozenset(_groups(claims, self._issuer.roles_claim))
        return Principal(
            agent,
            self._roles.granted(self._issuer.roles_of(groups)),
            self._issuer.clearances_of(groups),
            f"oidc:{agent.rpartition(':')[2][:_SHOWN]}",
        )


def _header(token: str) -> dict[str, Any] | None:
    """Return what a token says of itself, before anything of it is believed."""
    if len(token) > LONGEST or token.count(".") != 2 or not token.isascii():
        return None
    first = token.partition(".")[0]
    try:
        said = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _groups(claims: Any, way: str) -> Iterator[str]:
    """Yield the names in a claim: a list, or one text with spaces as in ``scope``."""
    for step in way.split("."):
        claims = claims.get(step) if isinstance(claims, dict) else None
    if isinstance(claims, str):
        yield from claims.split()
    elif isinstance(claims, list):
        yield from (name for name in claims if isinstance(name, str))
