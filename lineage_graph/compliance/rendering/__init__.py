"""A report as a page, as a document and as a workbook.

All three say the same. Where a value comes from is a word beside it, so that nothing is
lost on paper, without colours or to who listens; nothing is fetched from anywhere.
"""

from __future__ import annotations

from lineage_graph.compliance.report import Report


def html(report: Report) -> str:
    """Return the report as one page of HTML that needs no other file.

    Raises:
        DeclarationError: The report's language lacks a word, or a section's columns are not
            what its entries answer.
        MissingExtra: Jinja2 or Babel is not installed.
    """
    from lineage_graph.compliance.rendering.page import draw

    return draw(report)


def pdf(report: Report) -> bytes:
    """Return the report as a tagged PDF (PDF/UA-1, ISO 14289-1) of A4 pages.

    The same report gives the same bytes on the same machine.

    Raises:
        DeclarationError: As for :func:`html`.
        MissingExtra: WeasyPrint, Jinja2 or Babel is not installed, or Pango is not there.
    """
    from lineage_graph.compliance.rendering.paper import print_page

    return print_page(html(report))


def xlsx(report: Report) -> bytes:
    """Return the report as an Excel workbook; texts are never formulas.

    The same report gives the same bytes.

    Raises:
        DeclarationError: As for :func:`html`.
        MissingExtra: XlsxWriter or Babel is not installed.
    """
    from lineage_graph.compliance.rendering.workbook import write

    return write(report)
