"""People whom an issuer vouches for, at a running server."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from lineage_graph.access.issuers import Issuer
from lineage_graph.access.pseudonyms import Pseudonyms
from lineage_graph.access.roles import Roles
from lineage_graph.access.vouched import Vouched
from lineage_graph.errors import DeclarationError, NotFound, StoreUnavailable
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings

ISSUER = "https://id.example/realm"
AUDIENCE = "lineage-graph"
SUBJECT = "ana.souza@example.org"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
FILE = f"""
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
keys = "KEYS"
roles-claim = "realm_access.roles"
leeway-seconds = 5
[roles]
data-people = ["reader"]
[clearances]
hr-people = ["hr"]
auditors = "*"
"""


def public(*keys: Any) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": [AUDIENCE, "other"],
        "sub": SUBJECT,
        "iat": now,
        "exp": now + 300,
        "realm_access": {"roles": ["data-people", "hr-people"]},
    }
    return {k: v for k, v in {**said, **changed}.items() if v is not None}


def signed(key: Any = KEY, alg: str = "RS256", kid: str = "one", **changed: Any) -> str:
    return jwt.encode({"alg": alg, "kid": kid}, claims(**changed), key, algorithms=[alg])


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def unsigned(alg: str) -> str:
    return f"{encoded({'alg': alg, 'kid': 'one', 'typ': 'JWT'})}.{encoded(claims())}."


def with_public_key_as_secret() -> str:
    what = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(claims())}"
    code = hmac.new(KEY.as_pem(private=False), what.encode(), "sha256").digest()
    return f"{what}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


def with_key_of_its_own() -> str:
    header = {"alg": "RS256", "kid": "one", "jwk": STRANGER.as_dict(private=False)}
    return jwt.encode(header, claims(), STRANGER, algorithms=["RS256"])


NOW = int(time.time())
REFUSED: dict[str, Callable[[], str]] = {
    "no signature": lambda: unsigned("none"),
    "no signature, in capitals": lambda: unsigned("NONE"),
    "the signature is cut off": lambda: signed().rpartition(".")[0] + ".",
    "the public key as a shared secret": with_public_key_as_secret,
    "an algorithm that is not allowed": lambda: signed(alg="RS512"),
    "another key of the same id": lambda: signed(STRANGER),
    "a key that it brings itself": with_key_of_its_own,
    "a key id that is unknown": lambda: signed(kid="two"),
    "a foreign issuer": lambda: signed(iss="https://evil.example"),
    "the issuer with a slash": lambda: signed(iss=f"{ISSUER}/"),
    "a foreign audience": lambda: signed(aud="other"),
    "no audience": lambda: signed(aud=None),
    "no subject": lambda: signed(sub=None),
    "no expiry": lambda: signed(exp=None),
    "expired": lambda: signed(exp=NOW - 60),
    "an expiry that is no number": lambda: signed(exp="never"),
    "not valid yet": lambda: signed(nbf=NOW + 3600),
    "from the future": lambda: signed(iat=NOW + 3600),
    "four parts": lambda: signed() + ".x",
    "no token": lambda: "a.b.c",
    "a type that is a list": lambda: f"{encoded({'alg': 'RS256', 'kid': 'one', 'typ': []})}.e30.AA",
    "larger than any": lambda: signed(padding="x" * 20_000),
    "another payload": lambda: ".".join(
        [signed().split(".")[0], encoded(claims(sub="admin")), signed().split(".")[2]]
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_text(public(KEY))
    path = tmp_path / "oidc.toml"
    path.write_text(FILE.replace("KEYS", "keys.json"))
    return path


def asked(address: str, *tokens: str) -> httpx2.Response:
    headers = [("Authorization", f"Bearer {token}") for token in tokens]
    return httpx2.get(f"{address}/openapi.json", headers=headers)


def test_a_person_is_let_in_by_a_signature_and_no_other_way(file: Path, store: Path) -> None:
    with serving(Settings(store, port=0, oidc=file)) as address:
        assert asked(address).status_code == 401
        assert asked(address, signed()).status_code == 200
        wrong = {why: asked(address, make()) for why, make in REFUSED.items()}
        statuses = {why: answer.status_code for why, answer in wrong.items()}
        assert set(statuses.values()) <= {401, 429}, statuses
        assert asked(address, signed(), signed()).status_code in (401, 429)
        assert asked(address, signed(realm_access={"roles": []})).status_code == 403
        assert asked(address, signed()).status_code == 200
    kept = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert SUBJECT.encode() not in kept


ROLES = Roles({"reader": frozenset({"read"})})


def recognising(file: Path, folder: Path) -> Vouched:
    return Vouched(Issuer.read(file), ROLES, Pseudonyms(folder))


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_signed_for_us_is_nobody(file: Path, tmp_path: Path, why: str) -> None:
    assert recognising(file, tmp_path).recognised(REFUSED[why]()) is None


def test_claims_become_roles_clearances_and_a_pseudonym(file: Path, tmp_path: Path) -> None:
    person = recognising(file, tmp_path).recognised(signed())
    again = recognising(file, tmp_path).recognised(signed(iat=NOW - 1))
    another = recognising(file, tmp_path).recognised(signed(sub="bea"))
    elsewhere = recognising(file, tmp_path / "other").recognised(signed())
    assert person is not None and again is not None and another is not None
    assert elsewhere is not None
    assert person.permissions == frozenset({"read"})
    assert person.clearances == frozenset({"hr"})
    assert person.agent == again.agent
    assert len({person.agent, another.agent, elsewhere.agent}) == 3
    assert "ana" not in person.agent + person.name
    auditor = recognising(file, tmp_path).recognised(signed(realm_access={"roles": ["auditors"]}))
    assert auditor is not None
    assert (auditor.permissions, auditor.clearances) == (frozenset(), None)


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-256", {"kid": "one"}), "ES256"),
        (OKPKey.generate_key("Ed25519", {"kid": "one"}), "Ed25519"),
        (KEY, "PS256"),
    ],
)
def test_every_usual_signature_is_read(file: Path, tmp_path: Path, key: Any, alg: str) -> None:
    (tmp_path / "keys.json").write_text(public(key))
    assert recognising(file, tmp_path).recognised(signed(key, alg)) is not None


def test_a_shared_secret_among_the_keys_is_no_key(file: Path, tmp_path: Path) -> None:
    secret = OctKey.generate_key(256, {"kid": "one"})
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [secret.as_dict(private=True)]}))
    assert recognising(file, tmp_path).recognised(signed(secret, "HS256")) is None


@pytest.fixture
def issuer() -> Iterator[tuple[str, dict[str, Any]]]:
    """An issuer that answers with its keys, and counts how often it was asked."""
    state: dict[str, Any] = {"keys": public(KEY), "asked": 0, "status": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state["asked"] += 1
            self.send_response(state["status"])
            self.end_headers()
            self.wfile.write(state["keys"].encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/keys", state
    server.shutdown()
    server.server_close()


def test_keys_are_fetched_once_and_for_an_unknown_id_at_most_once_a_minute(
    file: Path, tmp_path: Path, issuer: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, state = issuer
    file.write_text(FILE.replace("KEYS", address))
    vouched = recognising(file, tmp_path)
    state["status"] = 503
    with pytest.raises(StoreUnavailable, match="Try again in a minute"):
        vouched.recognised(signed())
    state["status"] = 200
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    for _ in range(3):
        assert vouched.recognised(signed()) is not None
    assert state["asked"] == 2
    new = RSAKey.generate_key(2048, {"kid": "new"})
    state["keys"] = public(KEY, new)
    for _ in range(3):
        assert vouched.recognised(signed(new, kid="new")) is None
    assert state["asked"] == 2
    monkeypatch.setattr(time, "monotonic", lambda: later + 61)
    assert vouched.recognised(signed(new, kid="new")) is not None
    assert state["asked"] == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"lineage-graph"', "5"), "'audience' has to be a text"),
        (('"KEYS"', '"http://id.example/keys"'), "an address with https"),
        (("leeway-seconds = 5", "leeway-seconds = 3600"), "between 0 and 120"),
        (("leeway-seconds = 5", 'algorithms = ["HS256"]'), "has to list some of"),
        (("leeway-seconds = 5", 'algorithms = ["none"]'), "has to list some of"),
        (("leeway-seconds", "leeway"), "'leeway' means nothing there"),
        (('["hr"]', '"hr"'), "'hr-people' in .clearances. has to be a list"),
        (("[roles]", "[roles"), "cannot be read as TOML"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    file: Path, change: tuple[str, str], says: str
) -> None:
    file.write_text(FILE.replace(*change))
    with pytest.raises(DeclarationError, match=says):
        Issuer.read(file)


def test_a_role_that_there_is_not_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_text(file.read_text().replace('["reader"]', '["raeder"]'))
    with pytest.raises(NotFound, match="Did you mean 'reader'"):
        recognising(file, tmp_path)
