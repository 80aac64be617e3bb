"""The page on paper: the same HTML, laid out by WeasyPrint."""

from __future__ import annotations

import re
import sys
from typing import Final

from lineage_graph.compliance.rendering.extra import needed

_PIECE: Final = 100
_LETTER: Final = r"(?:&[^;\s]+;|[^\s<>&])"
_TEXT = re.compile(r">[^<]+")
_WORD = re.compile(rf"{_LETTER}{{{2 * _PIECE},}}")
_PIECES = re.compile(rf"{_LETTER}{{1,{_PIECE}}}")


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
        weasyprint.HTML(string=_in_pieces(page), url_fetcher=nothing).write_pdf(
            pdf_variant="pdf/ua-1"
        )
    )


def _in_pieces(page: str) -> str:
    """Put each very long word into elements of a few letters; nobody sees it.

    How narrow a cell of a table may be is found by breaking its words at every letter, and what is
    left of an element's word is laid out again each time: a word of 4,000 letters takes minutes.
    """
    head, body, rest = page.partition("<body")
    return head + body + _TEXT.sub(lambda text: _WORD.sub(_wrapped, text[0]), rest)


def _wrapped(word: re.Match[str]) -> str:
    return _PIECES.sub(r"<span>\g<0></span>", word[0])


if __name__ == "__main__":
    # A program of its own, for who must not wait: HTML in, the document out.
    sys.stdout.buffer.write(print_page(sys.stdin.buffer.read().decode()))
