"""What a page says, in the reader's language: words, and what the declared terms are called."""

from __future__ import annotations

from collections import defaultdict
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from lineage_graph.compliance.definitions import canonical
from lineage_graph.compliance.wording import Wording
from lineage_graph.declarations import Declarations
from lineage_graph.graph.declared import Declared

FIRST = "en"


class Speaking:
    """The languages there are, and how each of them says things.

    Args:
        organisation: Folder with further declarations, which may add a language.
    """

    def __init__(self, organisation: Path | None) -> None:
        self._declarations = Declarations(organisation)
        self._declared = Declared(self._declarations)
        self._voices: dict[str, Voice] = {}

    @cached_property
    def _words(self) -> dict[str, dict[str, str]]:
        words: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in self._declared.rows("pages/words"):
            words[canonical(row["lang"])][row["name"]] = row["text"]
        needed = words[FIRST].keys()
        return {lang: said for lang, said in words.items() if needed <= said.keys()}

    @cached_property
    def languages(self) -> list[str]:
        """The languages that have every word, English first."""
        return sorted(self._words, key=lambda lang: (lang != FIRST, lang))

    @cached_property
    def _labels(self) -> list[Any]:
        return self._declared.rows("reports/labels")

    def voice(self, lang: str) -> Voice:
        """Return how things are said in one of the languages."""
        if lang not in self._voices:
            wording = Wording(lang, self._words[lang], self._labels)
            self._voices[lang] = Voice(wording, self._declarations)
        return self._voices[lang]


class Voice:
    """Says things in one language.

    Args:
        wording: What things are called in it.
        declarations: Turns short names of terms into IRIs.
    """

    def __init__(self, wording: Wording, declarations: Declarations) -> None:
        self.lang = wording.lang
        self._wording = wording
        self._declarations = declarations

    def __getitem__(self, word: str) -> str:
        return self._wording.words[word]

    def word(self, name: str) -> str:
        """Return a word that data names, such as a verdict; one that has none as it stands."""
        return self._wording.words.get(name, name)

    def name(self, iri: str) -> str:
        """Return what a declared node is called."""
        return self._wording.name(iri)

    def term(self, name: str) -> str:
        """Return what a term of ours is called, by its short name."""
        return self._wording.name(self._declarations.iri(f"lg:{name}"))

    def property(self, iri: str) -> str:
        """Return the short form of a property, such as ``prov:used``."""
        return self._declarations.term(iri)


@cache
def speaking(organisation: Path | None) -> Speaking:
    """Return the languages of a server; they are read once."""
    return Speaking(organisation)
