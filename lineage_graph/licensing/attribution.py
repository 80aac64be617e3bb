"""Who is to be named for something, and the file that names them.

Sources: CC BY 4.0 s.3(a), ODbL 1.0 s.4.2 and 4.3, CDLA-Permissive-2.0 s.2.1, Apache-2.0 s.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final, Literal, get_args

from lineage_graph.errors import InvalidRecord
from lineage_graph.licensing.algebra import COPY, RESULTS, Algebra
from lineage_graph.licensing.judging import Bound, Judgement

Format = Literal["text", "markdown", "html"]

CREDIT: Final = "credit"
CHANGES: Final = "changes"
PRODUCED_WORK: Final = "produced-work"
"""What an action adds to a notice: the values of lg:noticeRole in ``ontology/rights.ttl``."""


@dataclass(frozen=True)
class Attribution:
    """One source to be named.

    Attributes:
        source: Name of the source.
        who: Who is to be named, in the licensor's words, joined by ``; ``; None when nobody
            said.
        license: Id of its licence.
        title: The licence's title.
        text: Where the licence's text is; None when that is not recorded.
        evidence: Hex sha256 of each text that was kept as evidence, joined by ``; ``.
        address: Where the licensor publishes the source; several are joined by ``; ``.
        changed: Whether it is to be said that changes were made.
        produced_work: Whether the notice of ODbL 1.0 s.4.3 is to be given.
        level: Name of how much of the source is left.
        path: By which it arrived, step by step; empty for the source itself.
    """

    source: str
    who: str | None
    license: str
    title: str
    text: str | None
    evidence: str | None
    address: str | None
    changed: bool
    produced_work: bool
    level: str
    path: tuple[str, ...]

    def sentence(self) -> str:
        """Return the credit line."""
        by = f", by {self.who}" if self.who else ""
        at = f" ({self.address})" if self.address else ""
        kept = f"the licence's text has the sha256 {self.evidence}"
        where = self.text or (kept if self.evidence else "the licence's text is not recorded")
        said = [f"{self.source}{by}{at}. Licence: {self.title} ({self.license}), {where}."]
        if self.changed:
            said.append("Changes were made.")
        if self.produced_work:
            said.append(
                f"Contains information from {self.source}, which is made available under "
                f"{self.title}."
            )
        return " ".join(said)


@dataclass(frozen=True)
class Attributions:
    """Who is to be named, and who would be named by custom.

    Attributes:
        owed: Sources whose licence demands it, or may: what it says is not declared, and
            whoever stated it said whom to name.
        recommended: Sources whose licence demands it of copies and says nothing of results.
    """

    owed: tuple[Attribution, ...] = ()
    recommended: tuple[Attribution, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "owed": [dict(vars(one)) for one in self.owed],
            "recommended": [dict(vars(one)) for one in self.recommended],
        }


def attributions(
    judgement: Judgement,
    algebra: Algebra,
    name: Callable[[str], str],
    path: Callable[[Bound], tuple[str, ...]],
) -> Attributions:
    """Return whom a judgement makes one name.

    Args:
        judgement: What binds.
        algebra: Tells which duties give credit.
        name: Gives what people call a version.
        path: Gives the steps by which a source arrived, as people read them.
    """
    told = _Told(algebra, name, path)
    owed, recommended = [], []
    # A source that is left at several levels is named once, with all that is demanded.
    for levels in _by_source(judgement).values():
        roles: dict[str, str] = {}
        for bound in levels:
            roles |= _roles(algebra, bound, bound.level)
        if CREDIT in roles or PRODUCED_WORK in roles or _asked_for(levels[-1]):
            owed.append(told.attribution(levels[-1], roles))
        elif any(_by_custom(algebra, bound) for bound in levels):
            recommended.append(told.attribution(levels[-1], {}))
    return Attributions(_once(owed), _once(recommended))


def _by_source(judgement: Judgement) -> Mapping[tuple[int, str], list[Bound]]:
    found: dict[tuple[int, str], list[Bound]] = {}
    for bound in judgement.bound:
        found.setdefault((bound.node, bound.license.id), []).append(bound)
    return found


def _asked_for(bound: Bound) -> bool:
    """Tell whether somebody is to be named under a licence whose terms no file declares."""
    named = any(statement.attribution for statement in bound.stated.statements)
    return named and not bound.license.declared


def _by_custom(algebra: Algebra, bound: Bound) -> bool:
    """Tell whether a licence demands credit for copies and is silent on results like this."""
    silent = bound.level == RESULTS and algebra.silent(bound.license.iri, RESULTS)
    return silent and CREDIT in _roles(algebra, bound, COPY)


def _roles(algebra: Algebra, bound: Bound, level: int) -> dict[str, str]:
    """Return what the duties at a level add to a notice, with the duty in English."""
    return {
        algebra.notice_roles[term.action]: term.label
        for term in algebra.terms(bound.license.iri, level)
        if term.modality == "duty" and term.action in algebra.notice_roles
    }


@dataclass(frozen=True)
class _Told:
    """Says in the words of people who is to be named."""

    algebra: Algebra
    name: Callable[[str], str]
    path: Callable[[Bound], tuple[str, ...]]

    def attribution(self, bound: Bound, roles: Mapping[str, str]) -> Attribution:
        said = bound.stated.statements
        license_ = bound.license
        return Attribution(
            source=self.name(bound.source),
            who=_together(s.attribution for s in said),
            license=license_.id,
            title=license_.title,
            text=next(iter(license_.texts), None),
            evidence=_together(s.evidence for s in said),
            address=_together(s.address for s in said),
            changed=CHANGES in roles,
            produced_work=PRODUCED_WORK in roles,
            level=self.algebra.levels[bound.level],
            path=self.path(bound),
        )


def _together(said: Iterable[str | None]) -> str | None:
    """Return all that was said, each once; None when nothing was."""
    return "; ".join(dict.fromkeys(one for one in said if one)) or None


def _once(found: Sequence[Attribution]) -> tuple[Attribution, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (one.source, one.license)))


@dataclass(frozen=True)
class Notice:
    """The attribution file of a version.

    Attributes:
        name: What it is about.
        policy: Under which it was computed.
        attributions: Who is to be named.
        offered: Names of the derivative databases that are to be offered to whoever gets
            it, or the method of making them.
        gaps: What is not known.
        disclaimer: That it is no legal advice.
        under: The licence it is given to others under; None when it is not, or none was said.
    """

    name: str
    policy: str
    attributions: Attributions
    offered: tuple[str, ...]
    gaps: tuple[str, ...]
    disclaimer: str
    under: str | None = None

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """Yield headings with their lines; what has no line is left out."""
        found = (
            ("Made with", [one.sentence() for one in self.attributions.owed]),
            ("Also acknowledged", [one.sentence() for one in self.attributions.recommended]),
            (
                "Offered on request: these databases, or the method of making them",
                list(self.offered),
            ),
            ("Not known", list(self.gaps)),
        )
        # What somebody wrote over several lines is still one item of a list.
        return ((heading, [_flat(line) for line in lines]) for heading, lines in found if lines)

    def to_text(self, format: str = "text") -> str:
        """Return the file.

        Args:
            format: ``text``, ``markdown`` or ``html``.

        Raises:
            InvalidRecord: It is none of them.
        """
        if format not in get_args(Format):
            raise InvalidRecord(
                f"There is no format {format!r}. Use one of: {', '.join(get_args(Format))}."
            )
        return {"text": self._text, "markdown": self._markdown, "html": self._html}[format]()

    @property
    def _outgoing(self) -> list[str]:
        return [f"Made available under {self.under}."] if self.under else []

    def _text(self) -> str:
        parts = [f"NOTICE for {_flat(self.name)}", f"({self.policy} reading)"]
        for line in self._outgoing:
            parts += ["", line]
        for heading, lines in self.sections():
            parts += ["", f"{heading}:", *(f"  * {line}" for line in lines)]
        return "\n".join([*parts, "", self.disclaimer, ""])

    def _markdown(self) -> str:
        parts = [f"# Notice for {_marked(_flat(self.name))}", "", f"({self.policy} reading)"]
        for line in self._outgoing:
            parts += ["", _marked(line)]
        for heading, lines in self.sections():
            parts += ["", f"## {heading}", "", *(f"- {_marked(line)}" for line in lines)]
        return "\n".join([*parts, "", self.disclaimer, ""])

    def _html(self) -> str:
        parts = [f"<p>{escape(line)}</p>\n" for line in self._outgoing]
        for heading, lines in self.sections():
            items = "".join(f"<li>{escape(line)}</li>\n" for line in lines)
            parts.append(f"<h2>{escape(heading)}</h2>\n<ul>\n{items}</ul>\n")
        title = escape(f"Notice for {self.name}")
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
            f"<title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n"
            f"<p>({escape(self.policy)} reading)</p>\n{''.join(parts)}"
            f"<p>{escape(self.disclaimer)}</p>\n</body>\n</html>\n"
        )

    def __str__(self) -> str:
        """Return the file as text."""
        return self._text()

    def _repr_markdown_(self) -> str:
        return self._markdown()


def _flat(text: str) -> str:
    return " ".join(text.split())


def _marked(text: str) -> str:
    """Return text in which Markdown finds nothing to mark up, but addresses."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|" else c for c in text)
