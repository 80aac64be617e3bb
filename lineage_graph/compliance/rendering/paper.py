"""The page on paper: the same HTML, laid out by WeasyPrint."""

from __future__ import annotations

import sys

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


if __name__ == "__main__":
    # A program of its own, for who must not wait: HTML in, the document out.
    sys.stdout.buffer.write(print_page(sys.stdin.buffer.read().decode()))
