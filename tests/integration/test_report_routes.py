"""Reports as files over HTTP."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openpyxl
import pypdfium2
import pytest

from lineage_graph.server.reports import FORMS
from lineage_graph.server.running import serving
from lineage_graph.server.settings import Settings
from tests.e2e.awkward_store import AWKWARD, CASE, awkward_store
from tests.guarded import Recorded
from tests.integration.given import record

PERSON = "529.982.247-25"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder = tmp_path_factory.mktemp("reports") / "store"
    folder.mkdir()
    record(folder, CASE / "given.ttl")
    with (
        serving(Settings(folder, port=0)) as address,
        httpx2.Client(base_url=address, timeout=120) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    folder = tmp_path_factory.mktemp("reports") / "store"
    awkward_store(folder)
    with (
        serving(Settings(folder, port=0)) as address,
        httpx2.Client(base_url=address, timeout=120) as client,
    ):
        yield client


def test_the_reports_are_listed_in_a_language(client: httpx2.Client) -> None:
    english = client.get("/api/reports").json()
    portuguese = client.get("/api/reports", params={"lang": "pt-BR"}).json()
    assert {(one["name"], one["law"]) for one in english} >= {("ropa", "gdpr"), ("ropa", "lgpd")}
    assert [one["name"] for one in english] == [one["name"] for one in portuguese]
    assert english[0]["title"] != portuguese[0]["title"]
    assert client.get("/api/reports", params={"lang": "tlh"}).status_code == 400


@pytest.mark.parametrize("format", FORMS)
def test_a_report_is_a_file_that_runs_nothing(plain: httpx2.Client, format: str) -> None:
    asked = {"law": "lgpd", "lang": "pt-BR", "format": format}
    answer = plain.get("/api/reports/ropa", params=asked)
    media, ending = FORMS[format]
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media
    said = answer.headers["content-disposition"]
    assert said == f'attachment; filename="ropa-lgpd-pt-BR.{ending}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].endswith("sandbox")
    assert "no-store" in answer.headers["cache-control"]
    assert _title(format, answer.content)


def _title(format: str, data: bytes) -> bool:
    """Tell whether a file is what its format says, and about records of processing."""
    wanted = "tratamento"
    if format == "pdf":
        with pypdfium2.PdfDocument(data) as document:
            return wanted in document[0].get_textpage().get_text_range()
    if format == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(data))
        return wanted in (book.properties.title or "")
    if format in ("json", "jsonld"):
        return json.loads(data)["@context" if format == "jsonld" else "name"] is not None
    return wanted in data.decode()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("nothing", 404, "There is no report"),
        ("ropa?law=roman", 404, "no reports for the law"),
        ("ropa?format=exe", 400, "Use one of"),
        ("ropa?lang=tlh", 400, "language"),
        ("ropa?colour=red", 400, "takes no 'colour'"),
        ("ropa?law=gdpr&law=lgpd", 400, "give it once"),
        ("ropa?as_of=yesterday", 400, ""),
        ("breach?dataset=nowhere", 404, ""),
        ("subject-request?subject=cpf", 400, "POST it"),
    ],
)
def test_what_cannot_be_reported_says_why(
    client: httpx2.Client, path: str, status: int, said: str
) -> None:
    answer = client.get(f"/api/reports/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.text


@pytest.mark.parametrize("format", ["html", "json"])
def test_a_person_is_posted_and_in_no_part_of_the_answer(
    client: httpx2.Client, format: str
) -> None:
    answer = client.post(
        "/api/reports/subject-request",
        params={"format": format},
        json={"subject": {"cpf": PERSON}},
    )
    assert answer.status_code == 200, answer.text
    assert PERSON not in answer.text
    assert PERSON.replace(".", "").replace("-", "") not in answer.text
    wrong = client.post("/api/reports/subject-request", json={"subject": {"cpf": "12345"}})
    assert wrong.status_code == 400
    assert "12345" not in wrong.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"subject": {"cpf": "1", "cpf": "2"}}', "/subject/cpf: the key is there twice"),
        (b'{"subject": {"cpf": NaN}}', "/subject/cpf: it is no number"),
        (b'{"subject": {"cpf": "x\\u0000"}}', "/subject/cpf: it holds the character NUL"),
        (b'{"subject": {"cpf": "\\ud800"}}', "/subject/cpf: it holds half of a surrogate pair"),
        (b'{"subject": {"cpf": 12345}}', "/subject: "),
        (b'{"parameters": {"dataset": "x"}}', "/subject: "),
        (b'{"subject": {"cpf": "12345"}, "parameters": []}', "/parameters: "),
        (b'{"subject": {"cpf": "12345"}, "law": "lgpd"}', "/: "),
        (b"[]", "/: "),
    ],
)
def test_a_body_that_says_nobody_is_refused_by_place(
    client: httpx2.Client, body: bytes, said: str
) -> None:
    answer = client.post("/api/reports/subject-request", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["detail"].startswith(said)
    assert "12345" not in answer.text


def test_a_report_about_something_with_an_awkward_name(client: httpx2.Client) -> None:
    asked = {"dataset": AWKWARD["script"], "format": "html"}
    answer = client.get("/api/reports/breach", params=asked)
    assert answer.status_code == 200, answer.text
    assert "<script" not in answer.text


def test_a_name_of_one_long_word_is_printed_whole(tmp_path: Path) -> None:
    word = "".join(f"{number:04}" for number in range(1024))
    made = Recorded(tmp_path)
    made.made(word)
    made.close()
    asked = {"format": "pdf", "dataset": word}
    with serving(Settings(tmp_path, port=0)) as address:
        answer = httpx2.get(f"{address}/api/reports/breach", params=asked, timeout=120)
    assert answer.status_code == 200, answer.text
    document = pypdfium2.PdfDocument(answer.content)
    pages = [page.get_textpage().get_text_range() for page in document]
    document.close()
    # Whoever copies it gets the word as it is.
    assert word in re.sub(r"[\s\ufffe]", "", "".join(pages))


def test_others_are_answered_while_documents_are_printed(plain: httpx2.Client) -> None:
    printed: list[int] = []

    def print_one() -> None:
        answer = httpx2.get(f"{plain.base_url}/api/reports/ropa?format=pdf", timeout=120)
        printed.append(answer.status_code)

    printers = [threading.Thread(target=print_one) for _ in range(3)]
    for printer in printers:
        printer.start()
    answered = 0
    while any(printer.is_alive() for printer in printers):
        assert plain.get("/health").status_code == 200
        answered += 1
        time.sleep(0.01)
    assert printed == [200, 200, 200]
    assert answered > 10
