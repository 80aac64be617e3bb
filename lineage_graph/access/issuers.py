"""Whose signed tokens are believed, and what they let people do: an operator's TOML file.

::

    issuer = "(the iss of the tokens, as it is written there)"
    audience = "lineage-graph"
    keys = "(address or file of the issuer's JWKS)"
    roles-claim = "realm_access.roles"

    [roles]
    data-people = ["reader", "contributor"]

    [clearances]
    hr-people = ["hr"]
    auditors = "*"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from lineage_graph.errors import DeclarationError

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "RS384", "RS512", "PS384", "PS512",
                     "ES384", "ES512", "Ed25519")  # fmt: skip
"""Signatures that may be allowed; none is made with a secret that the server would share."""

_USUAL: Final = ("RS256", "PS256", "ES256", "Ed25519")
_EVERY_LABEL: Final = "*"
_MOST_LEEWAY: Final = 120
_KEYS: Final = frozenset(
    {
        "issuer",
        "audience",
        "keys",
        "algorithms",
        "leeway-seconds",
        "roles-claim",
        "roles",
        "clearances",
    }
)


@dataclass(frozen=True)
class Issuer:
    """Who vouches for people, and what is made of what it says.

    Attributes:
        issuer: What ``iss`` has to be.
        audience: What has to be among ``aud``.
        keys: Address or file of its public keys (JWKS).
        algorithms: Signatures that are accepted.
        leeway: Seconds that clocks may differ.
        roles_claim: Way to the claim that names groups, with dots.
        roles: Names of our roles by the name of a group.
        clearances: Visibility labels by the name of a group; None for every one.
    """

    issuer: str
    audience: str
    keys: str
    algorithms: tuple[str, ...]
    leeway: int
    roles_claim: str
    roles: Mapping[str, frozenset[str]]
    clearances: Mapping[str, frozenset[str] | None]

    @classmethod
    def read(cls, path: Path) -> Issuer:
        """Read the file.

        Raises:
            DeclarationError: It cannot be used; says what is wrong where.
        """
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DeclarationError(f"{path} cannot be read as TOML: {error}") from error
        reading = _Reading(path, said)
        reading.only(_KEYS)
        return cls(
            reading.text("issuer"),
            reading.text("audience"),
            reading.place("keys"),
            reading.algorithms(),
            reading.leeway(),
            reading.text("roles-claim", "roles"),
            {group: reading.names("roles", group) for group in reading.groups("roles")},
            {group: reading.labels(group) for group in reading.groups("clearances")},
        )

    def roles_of(self, groups: Iterable[str]) -> frozenset[str]:
        """Return the roles of whoever is in some groups."""
        return frozenset().union(*(self.roles.get(group, frozenset()) for group in groups))

    def clearances_of(self, groups: Iterable[str]) -> frozenset[str] | None:
        """Return the visibility labels that whoever is in some groups may see."""
        found: frozenset[str] = frozenset()
        for group in groups:
            labels = self.clearances.get(group, frozenset())
            if labels is None:
                return None
            found |= labels
        return found


@dataclass(frozen=True)
class _Reading:
    path: Path
    said: Mapping[str, Any]

    def only(self, known: frozenset[str]) -> None:
        for key in self.said.keys() - known:
            raise self.wrong(f"{key!r} means nothing there. Known are: {', '.join(sorted(known))}")

    def text(self, key: str, otherwise: str | None = None) -> str:
        value = self.said.get(key, otherwise)
        if not isinstance(value, str) or not value:
            raise self.wrong(f"{key!r} has to be a text")
        return value

    def place(self, key: str) -> str:
        """Return an address that nobody on the way can answer for, or a file beside this one."""
        value = self.text(key)
        address = urlsplit(value)
        if not address.scheme:
            return str(self.path.parent / value)
        if address.scheme == "https" or (address.scheme == "http" and _here(address.hostname)):
            return value
        raise self.wrong(f"{key!r} has to be a file, or an address with https")

    def algorithms(self) -> tuple[str, ...]:
        given = self.said.get("algorithms", list(_USUAL))
        if not isinstance(given, list) or not given or not set(given) <= set(ALGORITHMS):
            raise self.wrong(f"'algorithms' has to list some of: {', '.join(ALGORITHMS)}")
        return tuple(given)

    def leeway(self) -> int:
        given = self.said.get("leeway-seconds", 30)
        if type(given) is not int or not 0 <= given <= _MOST_LEEWAY:
            raise self.wrong(f"'leeway-seconds' has to be between 0 and {_MOST_LEEWAY}")
        return given

    def groups(self, key: str) -> Mapping[str, Any]:
        given = self.said.get(key, {})
        if not isinstance(given, dict):
            raise self.wrong(f"[{key}] has to be a table of groups")
        return given

    def names(self, key: str, group: str) -> frozenset[str]:
        given = self.groups(key)[group]
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise self.wrong(f"{group!r} in [{key}] has to be a list of names")
        return frozenset(given)

    def labels(self, group: str) -> frozenset[str] | None:
        if self.groups("clearances")[group] == _EVERY_LABEL:
            return None
        return self.names("clearances", group)

    def wrong(self, what: str) -> DeclarationError:
        return DeclarationError(f"{self.path}: {what}.")


def _here(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
