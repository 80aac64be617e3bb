"""Says no before something is made that could not be shared, or says so at least.

Work inside an organisation is not sharing, so what is saved or trained is warned about by
default; what is published, and a licence that is declared for others, is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from lineage_graph.errors import InvalidRecord, LicenseWarning, PolicyRefused
from lineage_graph.executors import Description
from lineage_graph.identity import name_of
from lineage_graph.licensing import USES, Licensing, Use
from lineage_graph.licensing.algebra import Kinds, Verdict
from lineage_graph.licensing.terms import LicenseTerms
from lineage_graph.licensing.values import NOT_ADVICE

Mode = Literal["warn", "refuse"]
STOPPED: Final[frozenset[Verdict]] = frozenset({"prohibited", "conflict"})
_SAID: Final[Mapping[Verdict, str]] = {
    "prohibited": "is prohibited",
    "conflict": "is in conflict",
    "unknown": "is not known to be permitted",
    "review": "is to be reviewed",
}
DOUBTED: Final[frozenset[Verdict]] = frozenset({"unknown", "review"})


@dataclass(frozen=True)
class Gate:
    """Stands before everything that makes something.

    Attributes:
        licensing: Knows what would bind it.
        mode: ``warn`` or ``refuse``, for what is made and not published.
    """

    licensing: Licensing
    mode: Mode = "warn"

    def __post_init__(self) -> None:
        """Refuse a mode that does not exist."""
        require_mode(self.mode)

    def before(self, thing: str, inputs: Mapping[str, str], description: Description) -> None:
        """Look at what is going to be made, before anything is.

        Args:
            thing: IRI of the dataset or model that gets a new version.
            inputs: IRI of the version in each slot.
            description: What will be done to them.

        Raises:
            PolicyRefused: It could not be shared, and the mode is to refuse.
        """
        edges = [
            (inputs[path.slot], path.kinds) for path in description.inputs if path.slot in inputs
        ]
        said = self._objection(name_of(thing), edges)
        if said is None:
            return
        if self.mode == "refuse":
            raise PolicyRefused(said)
        warnings.warn(LicenseWarning(said), stacklevel=2)

    def _objection(self, name: str, edges: Collection[tuple[str, Kinds]]) -> str | None:
        """Return why something could not be shared, or could not be judged."""
        try:
            terms = self.licensing.intended(name, edges)
        except InvalidRecord as problem:
            return f"{name}: its licences cannot be judged. {problem}"
        return refusal(terms, "share") if terms.verdicts["share"] in STOPPED else None

    def before_publishing(self, terms: LicenseTerms, use: Use, despite: str | None) -> None:
        """Look at what is going to be published.

        Args:
            terms: What binds it.
            use: What it is published for.
            despite: Why it is published although something is unknown or to be reviewed.

        Raises:
            PolicyRefused: It may not be used so, or nobody took responsibility for what
                is not known.
            InvalidRecord: There is no such use.
        """
        if use not in USES:
            raise InvalidRecord(f"There is no use {use!r}. Use one of: {', '.join(USES)}.")
        uses: tuple[Use, ...] = ("share",) if use == "share" else ("share", use)
        responsible = bool(despite and despite.strip())
        for one in uses:
            verdict = terms.verdicts[one]
            if verdict in STOPPED or (verdict in DOUBTED and not responsible):
                raise PolicyRefused(refusal(terms, one))


def require_mode(mode: str) -> None:
    """Refuse a mode that does not exist.

    Raises:
        InvalidRecord: Those there are, are named.
    """
    if mode not in get_args(Mode):
        raise InvalidRecord(
            f"There is no licence gate {mode!r}. Use one of: {', '.join(get_args(Mode))}."
        )


def refusal(terms: LicenseTerms, use: Use) -> str:
    """Return which source is in the way, by which path, and what would resolve it."""
    return "\n".join(_refusal(terms, use))


def _refusal(terms: LicenseTerms, use: Use) -> Iterator[str]:
    verdict = terms.verdicts[use]
    doing = "sharing it" if use == "share" else "using it commercially"
    yield f"{terms.name}: {doing} {_SAID[verdict]} ({terms.policy} reading)."
    sources: dict[str, None] = {}
    for reason in terms.reasons(use):
        if reason["verdict"] != verdict:
            continue
        section = f" ({reason['section']})" if reason["section"] else ""
        yield f"  {reason['why']}{section}"
        for source in reason["sources"]:
            sources[source["name"]] = None
            path = "; ".join(source["path"]) or "itself"
            yield f"    {source['name']}, {source['license']}, by {path}"
    yield f"To resolve it: {_remedy(verdict, list(sources))} {NOT_ADVICE}"


def _remedy(verdict: Verdict, sources: list[str]) -> str:
    named = " or ".join(sources) or "the step in question"
    if verdict == "unknown":
        return f"record the licence of {named} with graph.state_license."
    if verdict == "review":
        return f"have somebody look at {named}, and say so with despite='...'."
    return (
        f"leave out or replace {named}, get another licence for it and record that with "
        "graph.state_license, or withdraw a statement that does not hold with graph.invalidate."
    )
