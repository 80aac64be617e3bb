"""Tokens: made, listed, recognised and taken back, by the command and by a running server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from lineage_graph.access.roles import Roles
from lineage_graph.access.tokens import PREFIX, Tokens
from lineage_graph.cli import main
from lineage_graph.declarations import Declarations
from lineage_graph.errors import DeclarationError, InvalidRecord, NotFound, RecordConflict
from lineage_graph.graph.declared import Declared
from lineage_graph.server.failures import MOST
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings

ASKED = "/openapi.json"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


@pytest.fixture
def tokens(store: Path) -> Iterator[Tokens]:
    opened = Tokens(store / "access")
    yield opened
    opened.close()


def asked(address: str, *headers: tuple[str, str], path: str = ASKED) -> httpx2.Response:
    return httpx2.get(f"{address}{path}", headers=list(headers))


def bearer(secret: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {secret}")


def test_a_token_is_shown_once_and_kept_as_a_digest(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("tokens", "create", "etl", "--role", "contributor", "--store", str(store)) == 0
    secret = capsys.readouterr().out.strip()
    assert secret.startswith(PREFIX) and len(secret) == len(PREFIX) + 43
    assert run("tokens", "list", "--json", "--store", str(store)) == 0
    listed = capsys.readouterr().out
    assert [row["name"] for row in json.loads(listed)] == ["etl"]
    kept = [path.read_bytes() for path in (store / "access").iterdir()]
    assert secret not in listed and all(secret.encode() not in content for content in kept)
    assert (store / "access").stat().st_mode & 0o077 == 0
    assert (store / "access" / "tokens.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        (["--role", "contributer"], "Did you mean 'contributor'?", 4),
        (["--role", "reader", "--only", "reed"], "Did you mean 'read'?", 4),
        (["--role", "reader", "--expires", "soon"], "Write it as 12h, 90d or never", 1),
        (["--role", "reader", "--label", "hr", "--all-labels"], "Leave one of them out", 1),
    ],
)
def test_a_token_that_cannot_be_made_says_what_to_do(
    store: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
    status: int,
) -> None:
    assert run("tokens", "create", "etl", *arguments, "--store", str(store)) == status
    told = capsys.readouterr()
    assert says in told.err and told.out == ""
    assert Tokens(store / "access").all() == []


def test_a_name_is_given_once(tokens: Tokens) -> None:
    tokens.create("etl", ["reader"])
    tokens.revoke("etl")
    with pytest.raises(RecordConflict, match="etl-2"):
        tokens.create("etl", ["reader"])
    with pytest.raises(InvalidRecord, match="cannot name a token"):
        tokens.create("Ana Souza", ["reader"])
    with pytest.raises(NotFound, match="tokens list"):
        tokens.revoke("another")


def test_each_token_has_a_pseudonym_and_clearances_of_its_own(tokens: Tokens) -> None:
    _, one = tokens.create("one", ["reader"])
    _, two = tokens.create("two", ["reader"], clearances=["hr"])
    _, all_ = tokens.create("three", ["reader"], clearances=None, scopes=["read"])
    assert len({one.agent, two.agent, all_.agent}) == 3
    assert one.clearances == frozenset()
    assert two.clearances == frozenset({"hr"})
    assert all_.clearances is None
    assert tokens.all() == [one, all_, two]


def test_the_first_token_ends_the_time_without_authentication(store: Path, tokens: Tokens) -> None:
    with serving(Settings(store, port=0)) as address:
        assert asked(address).status_code == 200
        secret, _ = tokens.create("etl", ["reader"])
        refused = asked(address)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer ")
        assert asked(address, bearer(secret)).status_code == 200
        tokens.revoke("etl")
        assert asked(address, bearer(secret)).status_code == 401
        assert asked(address).status_code == 401
        assert asked(address, path="/health").status_code == 200


def test_a_revoked_or_expired_or_unknown_token_is_told_the_same(
    store: Path, tokens: Tokens
) -> None:
    revoked, _ = tokens.create("revoked", ["admin"])
    tokens.revoke("revoked")
    expired, _ = tokens.create("expired", ["admin"], expires=datetime.now(UTC))
    live, _ = tokens.create("live", ["admin"], expires=datetime.now(UTC) + timedelta(hours=1))
    two = (bearer(live), bearer(live))
    wrong = [
        (bearer(revoked),),
        (bearer(expired),),
        (bearer(live[:-1]),),
        (bearer(f"{live} {live}"),),
        (("Authorization", live),),
        (("Authorization", f"Digest {live}"),),
        (("Authorization", "Bearer"),),
        two,
    ]
    with serving(Settings(store, port=0)) as address:
        answers = [asked(address, *headers) for headers in wrong]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        assert all("invalid_token" in a.headers["www-authenticate"] for a in answers)
        assert asked(address, path=f"{ASKED}?access_token={live}").status_code == 401
        assert asked(address, bearer(live)).status_code == 200


def test_scopes_narrow_what_roles_grant(store: Path, tokens: Tokens) -> None:
    narrow, _ = tokens.create("narrow", ["admin"], scopes=["audit"])
    with serving(Settings(store, port=0)) as address:
        refused = asked(address, bearer(narrow))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_whoever_fails_too_often_waits_and_others_do_not(store: Path, tokens: Tokens) -> None:
    live, _ = tokens.create("live", ["reader"])
    with serving(Settings(store, port=0)) as address:
        answers = [asked(address, bearer(f"{PREFIX}{n}")).status_code for n in range(MOST + 2)]
        assert answers == [401] * MOST + [429] * 2
        assert int(asked(address, bearer("x")).headers["retry-after"]) > 0
        assert asked(address, bearer(live)).status_code == 200


def test_tokens_that_are_put_back_from_a_backup_count_at_once(store: Path, tokens: Tokens) -> None:
    kept, _ = tokens.create("kept", ["reader"])
    backup = store / "backup.db"
    with sqlite3.connect(store / "access" / "tokens.db") as source:
        with sqlite3.connect(backup) as target:
            source.backup(target)
        target.close()
    source.close()
    later, _ = tokens.create("later", ["reader"])
    with serving(Settings(store, port=0)) as address:
        assert asked(address, bearer(later)).status_code == 200
        tokens.close()
        for name in ("tokens.db-wal", "tokens.db-shm"):
            (store / "access" / name).unlink(missing_ok=True)
        backup.replace(store / "access" / "tokens.db")
        assert asked(address, bearer(later)).status_code == 401
        assert asked(address, bearer(kept)).status_code == 200


def declared(folder: Path, turtle: str) -> Roles:
    (folder / "ontology").mkdir(parents=True)
    prefixes = "".join(
        f"@prefix {name}: <{Declarations().prefixes[name]}> .\n" for name in ("lg", "csvw")
    )
    ours = f"@prefix access: <{Declarations().iri('lg:x')[:-2]}/access/> .\n"
    (folder / "ontology" / "roles.ttl").write_text(prefixes + ours + turtle)
    return Roles.declared(Declared(Declarations(folder)).rows("access/roles"))


def test_an_organisation_adds_a_role_without_python(tmp_path: Path) -> None:
    roles = declared(
        tmp_path,
        '<urn:x:dpo> a lg:AccessRole ; csvw:name "dpo" ; lg:grants access:read , access:subjects .',
    )
    assert roles.granted(["dpo"]) == {"read", "subjects"}
    assert roles.granted(["dpo", "contributor"]) == {"read", "subjects", "record"}
    assert roles.granted(["gone"]) == frozenset()


def test_a_role_that_grants_no_permission_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="'odd' grants <urn:x:fly>"):
        declared(
            tmp_path, '<urn:x:odd> a lg:AccessRole ; csvw:name "odd" ; lg:grants <urn:x:fly> .'
        )
