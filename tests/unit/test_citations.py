"""How texts that people read cite the law, in every file that declares some.

Brazilian laws count their articles in ordinals up to the ninth (art. 9º) and in cardinals from the
tenth on (art. 10), as Lei Complementar 95/1998, art. 10, I has it; EU law is cited as Art. 9(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BRAZILIAN = re.compile(r"(?:LGPD|Res\. CD/ANPD [\d/]+)[ ,]*arts?\.[^;\"()]*")
PARAGRAPHS = re.compile(r"\bpar\. \d+º?(?:(?:,| and| e) \d+º?)*")
CARDINAL = re.compile(r"(?:\barts?\. |, | and | e | ou | or )[1-9](?![\dº])")
EUROPEAN = re.compile(r"(?:GDPR art\.|\b[Aa]rticle \d|\b[Aa]rtigo \d)")
ORDINAL_TENTH = re.compile(r"\barts?\. \d{2,}º")
MISPLACED = re.compile(r"\bwhere [^;.\"]*, if any;|(?:, se|\bquando) [^;.\"]*, se houver;")


def lines() -> Iterator[tuple[str, str]]:
    """Yield place and text of every declared line that is not a comment."""
    files = [*(ROOT / "ontology").rglob("*.ttl"), *(ROOT / "queries").rglob("*.rq")]
    for path in sorted(files):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def found(*patterns: re.Pattern[str]) -> list[str]:
    return [f"{at}: {line}" for at, line in lines() if any(one.search(line) for one in patterns)]


def test_brazilian_articles_are_ordinals_up_to_the_ninth() -> None:
    wrong = [
        f"{at}: {cited[0]}"
        for at, line in lines()
        for cited in BRAZILIAN.finditer(line)
        if CARDINAL.search(PARAGRAPHS.sub("", cited[0]))
    ]
    assert wrong == []


def test_no_text_about_brazilian_law_has_a_bare_article_below_ten() -> None:
    bare = re.compile(r"\barts?\. [1-9](?![\dº])")
    wrong = [f"{at}: {line}" for at, line in lines() if "lgpd" in at.lower() and bare.search(line)]
    assert wrong == []


def test_articles_from_the_tenth_on_are_cardinals() -> None:
    assert found(ORDINAL_TENTH) == []


def test_european_articles_have_one_form() -> None:
    assert found(EUROPEAN) == []


def test_what_may_be_missing_is_said_once() -> None:
    """A condition followed by "if any" asks for two things at once."""
    assert found(MISPLACED) == []
