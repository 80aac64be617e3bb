"""Reports as files: which there are, and one of them in any form.

Who a report is about is never part of an address: it is posted, by who has the permission
``subjects``, and appears in no part of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from lineage_graph.access.principals import Principal
from lineage_graph.compliance.report import Report
from lineage_graph.compliance.writing import write
from lineage_graph.errors import InvalidRecord
from lineage_graph.graph import Graph
from lineage_graph.server.authorize import Caller, needs
from lineage_graph.server.bodies import JsonBody
from lineage_graph.server.printing import print_elsewhere
from lineage_graph.server.served import Here, Served

router = APIRouter(prefix="/api/reports", tags=["reports"])

FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "html": ("text/html; charset=utf-8", "html"),
    "pdf": ("application/pdf", "pdf"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "md": ("text/markdown; charset=utf-8", "md"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "json": ("application/json", "json"),
    "jsonld": ("application/ld+json", "jsonld"),
    "text": ("text/plain; charset=utf-8", "txt"),
}
"""Media type and ending of a file's name, by format."""

SETTINGS: Final = frozenset({"law", "lang", "format", "as_of"})
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report, as a file.",
        "content": {media.partition(";")[0]: {} for media, _ in FORMS.values()},
    }
}
_POSTED: Final = 'Send a body such as {"subject": {"cpf": "..."}, "parameters": {}}.'
_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_BODY: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["subject"],
    "additionalProperties": False,
    "properties": {
        "subject": {**_TEXTS, "description": "Semantic type to the person's value."},
        "parameters": {**_TEXTS, "type": ["object", "null"]},
    },
}
Name = Annotated[str, Path(description="Such as ropa; GET /api/reports lists them.")]
Law = Annotated[str, Query(description="gdpr, lgpd, or a law that is declared here.")]
Lang = Annotated[str, Query(description="en, pt-BR, or a language that is declared here.")]
Form = Annotated[str, Query(description=", ".join(FORMS))]
AsOf = Annotated[str | None, Query(description="Seq of the last ledger entry, or a day.")]


@router.get("", openapi_extra=needs("read"))
async def reports(here: Here, caller: Caller, lang: Lang = "en") -> list[dict[str, Any]]:
    """List the reports that can be asked for, with the provisions they answer.

    Raises:
        InvalidRecord: There is no such language.
    """
    return await here.views.ask(caller, lambda graph: graph.reports(lang))


@router.get(
    "/{name}", response_class=Response, responses=_FILES, openapi_extra=needs("read", "part")
)
async def report(
    request: Request,
    here: Here,
    caller: Caller,
    name: Name,
    law: Law = "gdpr",
    lang: Lang = "en",
    format: Form = "html",
    as_of: AsOf = None,
) -> Response:
    """Return a report; what it is about are further parameters, such as ``dataset``.

    Raises:
        NotFound: There is no such report, or nothing of the name in a parameter.
        InvalidRecord: There is no such language, format or parameter, one is missing, or it
            would tell in the address who it is about.
    """
    given = _given(request)
    if "subject" in given:
        raise InvalidRecord(
            "Who a report is about does not belong into an address, which is logged. POST it: "
            'a body such as {"subject": {"cpf": "..."}}.'
        )
    _require_form(format)
    return await _file(
        here, caller, format, lambda graph: graph.report(name, law, lang, as_of or None, **given)
    )


@router.post(
    "/{name}",
    response_class=Response,
    responses=_FILES,
    openapi_extra={
        **needs("subjects"),
        "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
    },
)
async def report_about_somebody(
    here: Here,
    caller: Caller,
    name: Name,
    body: JsonBody,
    law: Law = "gdpr",
    lang: Lang = "en",
    format: Form = "html",
) -> Response:
    """Return a report about a person, who is in no part of it.

    Raises:
        NotFound: There is no such report, or nothing of the name in a parameter.
        InvalidRecord: There is no such language, format or parameter, the body says nobody,
            or a value is none of its type; it is not repeated.
    """
    _require_form(format)
    given = _posted(body)
    return await _file(
        here, caller, format, lambda graph: graph.report(name, law, lang, None, **given)
    )


def _given(request: Request) -> dict[str, str]:
    """Return what a report is asked about.

    Raises:
        InvalidRecord: Something is given twice.
    """
    pairs = [(key, value) for key, value in request.query_params.multi_items() if value]
    given = {key: value for key, value in pairs if key not in SETTINGS}
    twice = {key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1}
    if twice:
        raise InvalidRecord(f"{', '.join(sorted(twice))}: give it once.")
    return given


def _posted(body: Any) -> dict[str, Any]:
    """Return what a report about a person is asked about.

    Raises:
        InvalidRecord: It is not of the form, which says where; no value is repeated.
    """
    if not isinstance(body, dict) or body.keys() - _BODY["properties"].keys():
        raise InvalidRecord(f"/: it is no object of subject and parameters alone. {_POSTED}")
    subject, parameters = body.get("subject"), body.get("parameters")
    parameters = {} if parameters is None else parameters
    for name, given in (("subject", subject), ("parameters", parameters)):
        if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
            raise InvalidRecord(f"/{name}: it is no object of texts. {_POSTED}")
    return {**parameters, "subject": subject}


def _require_form(format: str) -> None:
    if format not in FORMS:
        raise InvalidRecord(f"There is no format {format!r}. Use one of: {', '.join(FORMS)}.")


async def _file(
    here: Served, caller: Principal, format: str, report: Callable[[Graph], Report]
) -> Response:
    """Return a report as a file that no browser runs anything of."""
    written = "html" if format == "pdf" else format

    def asked(graph: Graph) -> tuple[Report, str | bytes]:
        found = report(graph)
        return found, write(found, written)

    found, document = await here.views.ask(caller, asked)
    if format == "pdf":
        document = await here.printing.take(caller, partial(print_elsewhere, str(document)))
    media, ending = FORMS[format]
    name = _UNSAFE.sub("_", f"{found.name}-{found.law}-{found.lang}")
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(document, media_type=media, headers=headers)
