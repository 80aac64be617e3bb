"""What is left of an entry for somebody who may not see all that it mentions.

An entry that mentions something hidden is a record of what was done with it: the activity, its
plan and the names in them go. What is said there of something visible stays, without whatever
leads to what is hidden. What several records share is kept as far as something kept refers to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Set
from typing import TYPE_CHECKING, Final, NamedTuple

from lineage_graph.declarations import bundled
from lineage_graph.visibility.kinds import REFERRED, STATEMENTS, THINGS, kind_in
from lineage_graph.visibility.mentions import occurrences

if TYPE_CHECKING:
    from lineage_graph.visibility.sight import Sight

_LINE: Final = re.compile(
    r'^<([^>]*)> <([^>]*)> (?:<([^>]*)>|"((?:[^"\\]|\\.)*)"\S*) <[^>]*> \.$', re.MULTILINE
)


class Statement(NamedTuple):
    """One statement of a body.

    Attributes:
        subject: IRI.
        predicate: IRI.
        object: IRI; None for a literal.
        text: Of a literal, as N-Quads write it; None for an IRI.
        line: All of it, without the graph.
    """

    subject: str
    predicate: str
    object: str | None
    text: str | None
    line: str

    @property
    def root(self) -> str:
        """What it is said of, or of a part of which."""
        return root_of(self.subject)


def root_of(iri: str) -> str:
    """Return the IRI of the thing that something is, or is a part of."""
    return iri.partition("#")[0]


def statements(body: bytes) -> list[Statement]:
    """Return the statements of canonical N-Quads."""
    return [
        Statement(found[1], found[2], found[3], found[4], found[0].rpartition(" <")[0])
        for found in _LINE.finditer(body.decode())
    ]


class Filter:
    """Takes out of bodies what is hidden.

    Args:
        plain: Predicates of names, which stay although they are words in hidden names too.
    """

    def __init__(self, plain: Collection[bytes]) -> None:
        self._plain = {predicate.decode() for predicate in plain}
        term = bundled().iri
        self._derived, self._ended = term("derived_from"), term("invalidated_by")
        self._label = term("visibility_label")
        self._loose = {term("label"), term("caution")}

    def told(self, said: Iterable[Statement], sight: Sight, texts: Collection[bytes]) -> list[str]:
        """Return the lines of an entry that mentions nothing hidden but by a word.

        Args:
            said: Its statements.
            sight: What is hidden.
            texts: Hidden names that occur in it.
        """
        return [one.line for one in said if self._is_plain(one) or not _holds(one, texts)]

    def kept(
        self, said: Collection[Statement], sight: Sight, texts: Collection[bytes]
    ) -> list[Statement]:
        """Return the statements that stay of an entry that mentions something hidden.

        Args:
            said: Its statements.
            sight: What is hidden.
            texts: Hidden names that occur in it.
        """
        gone = {
            one.subject
            for one in said
            if "#" in one.subject
            and one.object is not None
            and one.predicate != self._derived
            and sight.hides(root_of(one.object))
        } | self.tainted(said, sight, texts)
        kept: list[Statement] = []
        shared: defaultdict[str, list[Statement]] = defaultdict(list)
        for one in said:
            kind = kind_in(one.root)
            if kind in REFERRED:
                shared[one.root].append(one)
            elif kind == "bundle" and one.predicate == self._ended:
                # What a bundle said of visible things ends with it.
                kept.append(one)
            elif (
                (kind in THINGS or kind in STATEMENTS)
                and not sight.hides(one.root)
                and not gone & {one.subject, one.root}
                and self._stays(one, sight, texts, gone)
            ):
                kept.append(one)
        return [*kept, *self._referred(kept, shared, sight, texts)]

    def tainted(
        self, said: Iterable[Statement], sight: Sight, texts: Collection[bytes]
    ) -> set[str]:
        """Return which statements about things name something that is hidden."""
        return {
            one.root
            for one in said
            if kind_in(one.root) in STATEMENTS
            and (
                (one.object is not None and self._leads(one, sight))
                or (one.predicate == self._label and one.text not in sight.clearances)
                or _holds(one, texts)
            )
        }

    def _leads(self, one: Statement, sight: Sight) -> bool:
        assert one.object is not None
        return kind_in(one.object) != "activity" and sight.hides(root_of(one.object))

    def _stays(
        self, one: Statement, sight: Sight, texts: Collection[bytes], gone: Set[str]
    ) -> bool:
        if one.object is None:
            return self._is_plain(one) or not _holds(one, texts)
        root, kind = root_of(one.object), kind_in(one.object)
        if kind in THINGS or kind in STATEMENTS:
            return not sight.hides(root) and not gone & {one.object, root}
        # That something ended counts, whoever ended it.
        return kind == "" or kind in REFERRED or one.predicate == self._ended

    def _is_plain(self, one: Statement) -> bool:
        return one.predicate in self._plain and kind_in(one.root) in THINGS

    def _referred(
        self,
        kept: Iterable[Statement],
        shared: dict[str, list[Statement]],
        sight: Sight,
        texts: Collection[bytes],
    ) -> Iterator[Statement]:
        """Yield what is said of what is referred to."""
        waiting = [root_of(one.object) for one in kept if one.object is not None]
        met: set[str] = set()
        while waiting:
            root = waiting.pop()
            if root in met:
                continue
            met.add(root)
            for one in shared.get(root, ()):
                if self._stays(one, sight, texts, frozenset()):
                    yield one
                    waiting += [root_of(one.object)] if one.object is not None else []

    def lent(self, said: Iterable[Statement], root: str, texts: Collection[bytes]) -> list[str]:
        """Return what an entry that mentions something hidden says of what others share.

        What a plan is called, and its steps, are in the words of the one who ran it first.
        """
        words = self._loose if kind_in(root) == "plan" else set()
        return [
            one.line
            for one in said
            if one.subject == root
            and one.predicate not in words
            and kind_in(one.object or "") in ("", *REFERRED)
            and not _holds(one, texts)
        ]


def _holds(one: Statement, texts: Collection[bytes]) -> bool:
    """Tell whether a literal has one of the texts in it."""
    if one.text is None or not texts:
        return False
    within = one.text.encode()
    return any(next(occurrences(text, within), None) is not None for text in texts)
