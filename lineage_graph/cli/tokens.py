"""Commands about the tokens by which a server knows who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from lineage_graph.cli.output import write_json, write_table
from lineage_graph.cli.program import Session, command, group
from lineage_graph.errors import InvalidRecord

if TYPE_CHECKING:
    from lineage_graph.access.tokens import Token, Tokens

group("tokens", "Tokens by which a server knows who asks.")

_DURATION: Final = re.compile(r"([1-9]\d{0,4})([hd])")
_LONGEST: Final = timedelta(days=36_500)
_SHOWN: Final = ("name", "state", "roles", "only", "labels", "expires")
NEVER: Final = "never"

TokenName = Annotated[
    str, typer.Argument(metavar="NAME", help="What it is called in logs; no person's name.")
]


@command(
    "tokens create",
    "tokens create nightly-etl --role contributor",
    "tokens create lawyer --role reader --label hr --label health --expires 30d",
    "tokens create metrics --role auditor --only audit --expires never > metrics.token",
)
def create(
    session: Session,
    name: TokenName,
    role: Annotated[
        list[str], typer.Option("--role", metavar="ROLE", help="A role it has; may be repeated.")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="PERMISSION", help="Nothing but this of its roles; may be repeated."
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label", metavar="LABEL", help="A visibility label it may see; may be repeated."
        ),
    ] = None,
    all_labels: Annotated[
        bool, typer.Option("--all-labels", help="It may see every visibility label.")
    ] = False,
    expires: Annotated[
        str,
        typer.Option("--expires", metavar="TIME", help="When it ends: 12h, 90d or never."),
    ] = "90d",
) -> None:
    """Make a token and write it once to stdout; it can never be shown again."""
    if all_labels and label:
        raise InvalidRecord("--all-labels already covers every --label. Leave one of them out.")
    with _tokens(session, role, only or ()) as tokens:
        secret, made = tokens.create(
            name,
            role,
            scopes=only or None,
            clearances=None if all_labels else label or (),
            expires=_end(expires),
        )
    if session.as_json:
        write_json({"token": secret, **_facts(made)})
        return
    print(secret)
    session.say(
        f"Keep it now: it is not shown again. Take it back with 'tokens revoke {name}'. "
        "A server that runs without authentication asks for tokens from now on."
    )


@command("tokens list", "tokens list", "tokens list --json | jq -r '.[].name'")
def list_(session: Session) -> None:
    """List every token that was made, never the tokens themselves."""
    with _tokens(session) as tokens:
        rows = [_facts(token) for token in tokens.all()]
    if session.as_json:
        write_json(rows)
        return
    write_table([{key: row[key] for key in _SHOWN} for row in rows])
    if not rows:
        session.say("There is no token yet. Make one with 'tokens create NAME --role ROLE'.")


@command("tokens revoke", "tokens revoke nightly-etl", "tokens revoke nightly-etl --json")
def revoke(session: Session, name: TokenName) -> None:
    """Take a token back; a running server refuses it from the next request on."""
    with _tokens(session) as tokens:
        facts = _facts(tokens.revoke(name))
    write_json(facts) if session.as_json else write_table([{key: facts[key] for key in _SHOWN}])


@contextmanager
def _tokens(session: Session, roles: Any = (), permissions: Any = ()) -> Iterator[Tokens]:
    """Open the tokens of the store; roles and permissions that are named have to exist."""
    from lineage_graph.access.roles import Roles
    from lineage_graph.access.tokens import Tokens
    from lineage_graph.declarations import Declarations
    from lineage_graph.graph.declared import Declared
    from lineage_graph.graph.folders import Folders, store_folder

    if roles:
        known = Roles.declared(Declared(Declarations(session.declarations)).rows("access/roles"))
        known.check(roles)
        known.check_permissions(permissions)
    with closing(Tokens(Folders(store_folder(session.store)).access)) as tokens:
        yield tokens


def _end(text: str) -> datetime | None:
    if text == NEVER:
        return None
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidRecord(f"--expires {text!r} is no time. Write it as 12h, 90d or never.")
    number = int(found[1])
    length = timedelta(hours=number) if found[2] == "h" else timedelta(days=number)
    return datetime.now(UTC) + min(length, _LONGEST)


def _facts(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "state": token.state,
        "roles": sorted(token.roles),
        "only": None if token.scopes is None else sorted(token.scopes),
        "labels": "every label" if token.clearances is None else sorted(token.clearances),
        "agent": token.agent,
        "created": token.created,
        "expires": token.expires or NEVER,
        "revoked": token.revoked,
    }
