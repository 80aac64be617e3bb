"""A page as an answer: the template, the language, and what a browser may do with it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from lineage_graph import __version__
from lineage_graph.drawing.text import printable
from lineage_graph.server.addresses import check_path
from lineage_graph.server.failures import Refused
from lineage_graph.server.negotiation import language
from lineage_graph.server.pages.speaking import Voice, speaking
from lineage_graph.server.served import served

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "Vary": "Accept, Accept-Language",
}


class Reader:
    """Whom a page is drawn for.

    Args:
        request: What was asked.
        lang: The language that the address asks for; any other is overlooked.
    """

    def __init__(self, request: Request, lang: str | None) -> None:
        known = speaking(served(request).settings.declarations)
        self.languages = known.languages
        self._asked = lang if lang in known.languages else None
        accepted = language(request.headers.get("accept-language"), known.languages)
        self.voice: Voice = known.voice(self._asked or accepted)
        self._query = dict(request.query_params)

    def draw(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page.

        Args:
            template: Its file in ``templates/``.
            status: HTTP status.
            **values: What the template needs.
        """
        page = _templates().get_template(template)
        text = page.render(
            say=self.voice,
            reader=self,
            link=self.link,
            node=self.node,
            version=__version__,
            **values,
        )
        return HTMLResponse(text, status, {**HEADERS, "Content-Language": self.voice.lang})

    def link(self, path: str, **parameters: Any) -> str:
        """Return an address of this server that keeps the language which was asked for."""
        given = {key: value for key, value in parameters.items() if value not in (None, "")}
        if self._asked is not None:
            given.setdefault("lang", self._asked)
        return f"{path}?{urlencode(given)}" if given else path

    def node(self, iri: str, **parameters: Any) -> str:
        """Return the address of the page about a node."""
        path = f"/id/{quote(iri, safe=':')}"
        try:
            check_path(path.encode())
        except Refused:
            return self.link("/id", iri=iri, **parameters)
        return self.link(path, **parameters)

    def picture(self, iri: str, direction: str, depth: int) -> str:
        """Return the address of a picture of a lineage."""
        return f"/pictures/{direction}?{urlencode({'iri': iri, 'depth': depth})}"

    def report(self, report: Mapping[str, Any], kind: str, name: str, format: str) -> str:
        """Return the address of a report about a dataset or model."""
        given = {"law": report["law"], "lang": self.voice.lang, "format": format, kind: name}
        return f"/api/reports/{quote(report['name'], safe='')}?{urlencode(given)}"

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a form has to hand on."""
        return [("lang", self._asked)] if self._asked is not None else []

    def here(self, **parameters: Any) -> str:
        """Return the address of this page with some parameters changed."""
        return "?" + urlencode({**self._query, **parameters})


def reader(
    request: Request,
    lang: Annotated[str | None, Query(description="en or pt-BR; else Accept-Language.")] = None,
) -> Reader:
    """Return whom to draw for."""
    return Reader(request, lang)


For = Annotated[Reader, Depends(reader)]


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("lineage_graph.server.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finished,
    )


def _finished(value: Any) -> Any:
    return printable(value) if type(value) is str else value
