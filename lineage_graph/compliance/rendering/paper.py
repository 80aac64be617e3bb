"""The page on paper: the same HTML, laid out by WeasyPrint."""

from __future__ import annotations

from lineage_graph.compliance.rendering.extra import needed


def print_page(page: str) -> bytes:
    """Return a page of HTML as a tagged PDF.

    Args:
        page: HTML that names no other file; any that it names is refused.

    Raises:
        MissingExtra: WeasyPrint is not installed, or Pango is not there.
    """
    with needed():
        import weasyprint

    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    return bytes(
        weasyprint.HTML(string=page, url_fetcher=nothing).write_pdf(pdf_variant="pdf/ua-1")
    )
