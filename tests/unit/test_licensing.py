"""What follows from licences: statements, verdicts, notices, gates, and what is declared."""

from __future__ import annotations

import html.parser
import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib import RDF
from typer.testing import CliRunner

from lineage_graph.cli.program import Session, app
from lineage_graph.declarations import Declarations, bundled
from lineage_graph.errors import (
    DeclarationError,
    InvalidRecord,
    LicenseWarning,
    NotFound,
    PolicyRefused,
    RecordConflict,
    StoreUnavailable,
)
from lineage_graph.executors import Description, InputPath
from lineage_graph.graph import Graph
from lineage_graph.graph.declared import Declared
from lineage_graph.graph.opening import opened
from lineage_graph.identity import fresh, named, part, uuid7
from lineage_graph.ledger import Edge, NewEntry
from lineage_graph.ledger.file import LedgerFile
from lineage_graph.licensing import NOT_ADVICE, LicenseTerms
from lineage_graph.licensing.algebra import Algebra
from lineage_graph.licensing.gate import Gate
from lineage_graph.licensing.licenses import Licenses
from lineage_graph.nquads import nquads
from lineage_graph.recording.bundle import Bundles
from lineage_graph.records import Agent, Dataset, DatasetVersion, Derivation, Record

ROOT = Path(__file__).parents[2]
AUTHOR = "urn:lineage-graph:agent:tester"
Kinds = Mapping[str, tuple[str, ...]]


class Shop:
    """A store whose datasets are recorded without an engine."""

    def __init__(self, folder: Path, organisation: Path | None = None) -> None:
        self.graph = Graph(opened(folder, "memory:"), organisation)
        self.ledger = LedgerFile(folder / "ledger.db")
        self._bundles = Bundles(self.ledger, Declarations(organisation), AUTHOR)

    def close(self) -> None:
        self.graph.close()
        self.ledger.close()

    def registered(self, name: str) -> None:
        """Record a dataset of which there is no version."""
        self._bundles.append([Dataset(id=named("dataset", name), title=name)])

    def source(self, name: str, license_: str | None = None, **said: Any) -> str:
        """Record one more version of something from outside."""
        version = self.made(name, {})
        if license_ is not None:
            self.graph.state_license(name, license_, **said)
        return version

    def made(self, name: str, inputs: Kinds) -> str:
        """Record one more version, made from the newest versions of others."""
        version, activity = fresh("version"), fresh("activity")
        ways = [
            Derivation(
                id=part(version, "derivation", number),
                entity=self.graph.resolve(source),
                had_activity=activity,
                kinds=kinds,
            )
            for number, (source, kinds) in enumerate(inputs.items())
        ]
        records: list[Record] = [
            Dataset(id=named("dataset", name), title=name),
            DatasetVersion(
                id=version,
                version_of=named("dataset", name),
                generated_at=datetime.now(UTC),
                qualified_derivation=tuple(way.id for way in ways),
            ),
            *ways,
        ]
        self._bundles.append(records)
        return version

    def made_somehow(self, name: str, source: str, kinds: tuple[str, ...]) -> None:
        """Record a derivation of kinds that our vocabulary may not have."""
        version = self.made(name, {})
        edge = Edge(version, self.graph.resolve(source), kinds, fresh("activity"))
        self.ledger.append(
            NewEntry(
                txid=uuid7(),
                author=AUTHOR,
                bundle=fresh("bundle"),
                body=nquads(fresh("bundle"), []),
                subjects=[],
                edges=[edge],
            )
        )

    def terms(self, name: str, policy: str = "balanced") -> LicenseTerms:
        return self.graph.license_terms(name, policy)


@pytest.fixture
def shop(store: Path) -> Iterator[Shop]:
    made = Shop(store)
    yield made
    made.close()


def duties(terms: LicenseTerms) -> set[tuple[str, str]]:
    return {(t.source, t.action) for t in terms.terms if t.modality == "duty"}


# ---- what is said ----


def test_a_later_version_has_what_was_said_of_the_one_before_and_the_answer_says_so(
    shop: Shop,
) -> None:
    shop.source("A", "CC-BY-4.0")
    shop.source("A")
    shop.made("B", {"A": ("Identity",)})
    terms = shop.terms("B")
    assert terms.verdicts["share"] == "permitted-with-duties"
    assert terms.notes == ["the licence of A@2 was said of A@1"]
    shop.graph.state_license("A", "CC0-1.0")
    assert shop.terms("B").verdicts["share"] == "permitted"
    assert shop.terms("B").notes == []
    shop.made("C", {"A@1": ("Identity",)})
    assert shop.terms("C").verdicts["share"] == "permitted-with-duties"


def test_what_is_said_of_a_later_version_does_not_reach_back(shop: Shop) -> None:
    shop.source("A")
    shop.made("B", {"A": ("Identity",)})
    shop.source("A", "CC0-1.0")
    assert shop.terms("B").verdicts["share"] == "unknown"
    assert shop.terms("B").gaps == ["the licence of A@1 is not known"]


def test_what_is_said_of_a_dataset_without_versions_holds_for_its_first_one(shop: Shop) -> None:
    shop.registered("A")
    shop.graph.state_license("A", "ODbL-1.0", said_by="its website")
    assert [said["said_by"] for said in shop.graph.license_statements("A")] == ["its website"]
    shop.source("A")
    terms = shop.terms("A")
    assert {term.license for term in terms.terms} == {"ODbL-1.0"}
    assert terms.notes == ["the licence of A@1 was said of A"]


def test_statements_that_contradict_each_other_are_a_conflict_until_one_is_withdrawn(
    shop: Shop,
) -> None:
    shop.source("A", "CC-BY-4.0")
    wrong = shop.graph.state_license("A", "CC-BY-NC-4.0", said_by="a web page")
    shop.made("B", {"A": ("Transform",)})
    before = shop.terms("B")
    assert dict(before.verdicts) == {"share": "conflict", "commercial": "prohibited"}
    said = [reason["why"] for reason in before.reasons("share")]
    assert "its licence is said to be CC-BY-4.0 and CC-BY-NC-4.0" in said
    assert shop.graph.describe("A")["license"] == "conflict: CC-BY-4.0, CC-BY-NC-4.0"
    shop.graph.invalidate(wrong, because="the page is about another release")
    after = shop.terms("B")
    assert dict(after.verdicts) == {"share": "permitted-with-duties", "commercial": "permitted"}
    assert len(shop.graph.license_statements("A")) == 1
    assert shop.graph.describe("A")["license"] == "CC-BY-4.0"


def test_the_same_said_twice_is_one_statement_and_by_somebody_else_is_no_conflict(
    shop: Shop,
) -> None:
    shop.source("A")
    once = shop.graph.state_license("A", "CC-BY-4.0")
    assert shop.graph.state_license("A", "Creative Commons Attribution 4.0") == once
    assert shop.graph.state_license("A", "CC-BY-4.0", said_by="NOTICE") != once
    assert shop.terms("A").verdicts["share"] == "permitted-with-duties"


def test_a_withdrawn_only_statement_leaves_the_licence_not_recorded(shop: Shop) -> None:
    shop.source("A", "MIT")
    (said,) = shop.graph.license_statements("A")
    shop.graph.invalidate(said["iri"], because="it is the licence of its code")
    assert shop.terms("A").verdicts["share"] == "unknown"
    assert shop.graph.describe("A")["license"] == "not recorded"


def test_a_statement_recorded_before_its_version_is_found_by_who_was_there_already(
    shop: Shop,
) -> None:
    shop.source("other", "ODbL-1.0")
    assert len(shop.graph.license_impact("ODbL-1.0")) == 1
    version = fresh("version")
    shop.graph._writer.stating.state(version, claim("ODbL-1.0"))
    shop.graph.license_impact("ODbL-1.0")
    shop.ledger.append(
        NewEntry(
            txid=uuid7(),
            author=AUTHOR,
            bundle=(bundle := fresh("bundle")),
            body=nquads(
                bundle,
                [
                    Dataset(id=named("dataset", "A"), title="A"),
                    DatasetVersion(id=version, version_of=named("dataset", "A")),
                ],
            ),
            subjects=[named("dataset", "A"), version],
            edges=[],
        )
    )
    reached = {row.artifact for row in shop.graph.license_impact("ODbL-1.0").rows()}
    assert reached == {"A@1", "other@1"}
    assert shop.graph.describe("A")["license"] == "ODbL-1.0"


def test_what_was_taken_back_is_forgotten_by_who_knew_it(shop: Shop) -> None:
    shop.source("A", "MIT")
    assert [row.artifact for row in shop.graph.license_impact("MIT").rows()] == ["A@1"]
    (said,) = shop.graph.license_statements("A")
    shop.graph.invalidate(said["iri"], because="it is the licence of its code")
    with Graph(opened(shop.graph.folders.root, "memory:")) as new:
        for license_, affected in (("MIT", []), ("NOASSERTION", ["A@1"])):
            known = shop.graph.license_impact(license_).to_dict()
            assert known == new.license_impact(license_).to_dict()
            assert [row["artifact"] for row in known["affected"]] == affected


def claim(license_: str) -> Any:
    from lineage_graph.graph.stating import Claim

    return Claim(license_)


def test_an_answer_as_of_an_entry_knows_only_what_was_said_by_then(shop: Shop) -> None:
    shop.source("A")
    shop.made("B", {"A": ("Transform",)})
    unsaid = shop.ledger.head
    wrong = shop.graph.state_license("A", "CC-BY-NC-4.0")
    said = shop.ledger.head
    shop.graph.invalidate(wrong, because="misread")
    shop.graph.state_license("A", "CC0-1.0")
    shop.source("S", "CC-BY-SA-4.0")
    shop.made("B", {"A": ("Transform",), "S": ("Combine",)})
    version = shop.graph.resolve("B", 1)

    def verdict(as_of: int | None) -> str:
        return shop.graph.license_terms(version, as_of=as_of).verdicts["commercial"]

    assert [verdict(unsaid), verdict(said), verdict(None)] == [
        "unknown",
        "prohibited",
        "permitted",
    ]


# ---- verdicts ----


def test_an_adaptation_beside_a_copy_of_the_same_source_still_binds(shop: Shop) -> None:
    shop.source("A", "CC-BY-ND-4.0")
    shop.made("copy", {"A": ("Filter",)})
    shop.made("cleaned", {"A": ("Transform",)})
    assert shop.terms("copy").verdicts["share"] == "permitted-with-duties"
    shop.made("both", {"copy": ("BundleTogether",), "cleaned": ("BundleTogether",)})
    terms = shop.terms("both")
    assert terms.verdicts["share"] == "prohibited"
    levels = {(term.level, len(term.path)) for term in terms.terms}
    assert levels == {("Copy", 2), ("Adapted", 2)}
    for term in terms.terms:
        kinds = {kind for step in term.path for kind in step.kinds}
        assert ("Transform" in kinds) == (term.level == "Adapted")


def test_share_alike_is_owed_although_a_copy_lies_beside_the_adaptation(shop: Shop) -> None:
    shop.source("A", "CC-BY-SA-4.0", attribution="Ana")
    shop.made("cleaned", {"A": ("Transform",)})
    shop.made("both", {"A": ("BundleTogether",), "cleaned": ("BundleTogether",)})
    terms = shop.terms("both")
    assert ("A@1", "odrl:shareAlike") in {
        (source, action if ":" in action else f"odrl:{action}") for source, action in duties(terms)
    }
    assert terms.outbound == ["CC-BY-SA-4.0", "GPL-3.0-only", "LAL-1.3"]
    (owed,) = terms.attributions.owed
    assert (owed.source, owed.who, owed.changed) == ("A@1", "Ana", True)


def test_of_alternatives_the_best_is_chosen_for_each_use_and_named(shop: Shop) -> None:
    shop.source("A", "CC-BY-NC-4.0 OR CC-BY-SA-4.0")
    shop.source("B", "CC-BY-NC-SA-4.0")
    shop.made("C", {"A": ("Transform",), "B": ("BundleTogether",)})
    terms = shop.terms("C")
    assert terms.verdicts["share"] == "permitted-with-duties"
    assert "for share, of CC-BY-NC-4.0 OR CC-BY-SA-4.0 the alternative CC-BY-NC-4.0 is chosen" in (
        terms.notes
    ) or any("CC-BY-SA-4.0 is chosen" in note for note in terms.notes)
    only = shop.made("D", {"A": ("Transform",)})
    chosen = {
        note.partition(",")[0]: note.rpartition(" alternative ")[2]
        for note in shop.graph.license_terms(only).notes
    }
    assert chosen["for commercial"] == "CC-BY-SA-4.0 is chosen"
    assert shop.graph.license_terms(only).verdicts["commercial"] == "permitted"


def test_a_licence_that_spdx_lists_and_no_file_describes_is_unknown_with_a_way_out(
    shop: Shop,
) -> None:
    shop.source("A", "CC-BY-3.0")
    terms = shop.terms("A")
    assert set(terms.verdicts.values()) == {"unknown"}
    assert "describe the licence in a file" in terms.reasons("share")[0]["why"]
    assert terms.gaps == ["the licence of A@1 is not known"]


@pytest.mark.parametrize("said", [None, "NOASSERTION"])
def test_what_nobody_knows_permits_nothing(shop: Shop, said: str | None) -> None:
    shop.source("A", said)
    shop.source("B", "CC0-1.0")
    shop.made("C", {"A": ("Combine",), "B": ("Combine",)})
    terms = shop.terms("C")
    assert set(terms.verdicts.values()) == {"unknown"}
    assert terms.gaps == ["the licence of A@1 is not known"]
    assert terms.settled("share")


@pytest.mark.parametrize("kinds", [("Unheard",), ()])
def test_a_step_of_unknown_kind_is_an_adaptation_to_be_reviewed(
    shop: Shop, kinds: tuple[str, ...]
) -> None:
    shop.source("A", "CC-BY-4.0")
    shop.made_somehow("B", "A", kinds)
    terms = shop.terms("B")
    assert set(terms.verdicts.values()) == {"review"}
    assert {term.level for term in terms.terms} == {"Adapted"}
    assert all(
        str(term.path[0]).endswith(f"({''.join(kinds) or 'kind not known'})")
        for term in terms.terms
    )


def test_something_made_from_itself_is_answered_and_to_be_reviewed(shop: Shop) -> None:
    shop.source("S", "CC0-1.0")
    shop.made("A", {"S": ("Transform",)})
    shop.made("B", {"A": ("Transform",)})
    edge = Edge(shop.graph.resolve("A"), shop.graph.resolve("B"), ("Filter",), fresh("activity"))
    shop.ledger.append(
        NewEntry(
            txid=uuid7(), author=AUTHOR, bundle=fresh("bundle"), body=b"", subjects=[], edges=[edge]
        )
    )
    for name in ("A", "B"):
        terms = shop.terms(name)
        assert terms.verdicts["share"] == "review"
        assert [r["why"] for r in terms.reasons("share")] == [
            "the record says that it was made from itself"
        ]


def test_the_rows_that_flip_a_verdict_are_named_with_their_source(shop: Shop) -> None:
    shop.source("A", "CC-BY-ND-4.0")
    shop.made("M", {"A": ("Training",)})
    terms = shop.terms("M")
    assert [j.verdicts["share"] for j in terms.judgements] == [
        "permitted",
        "permitted",
        "prohibited",
    ]
    (row,) = terms.depends_on["share"]
    assert (row.label, row.certainty) == ("Training x Any", "Unsettled")
    assert "GEMA v OpenAI" in str(row.source)
    assert terms.settled("commercial")
    assert terms.depends_on["commercial"] == ()


def test_a_settled_verdict_depends_on_no_row(shop: Shop) -> None:
    shop.source("A", "CDLA-Sharing-1.0")
    shop.made("M", {"A": ("Training",)})
    assert all(shop.terms("M").settled(use) for use in ("share", "commercial"))
    assert not any(shop.terms("M").depends_on.values())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda g: g.license_terms("A", "strict"), "permissive, balanced, conservative"),
        (lambda g: g.license_impact("A", policy="strict"), "permissive, balanced, conservative"),
        (lambda g: g.license_check("A", "sell"), "share, commercial"),
        (lambda g: g.license_check("A", "share", "CC-BY-5.0"), "did you mean CC-BY-4.0"),
        (lambda g: g.attribution("A").to_text("pdf"), "text, markdown, html"),
        (lambda g: g.state_license("A", "MIT AND"), "cannot be read"),
        (lambda g: g.publish("A", "out", use="sell"), "share, commercial"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(shop: Shop, asked: Any, said: str) -> None:
    shop.source("A", "CC0-1.0")
    head = shop.ledger.head
    with pytest.raises(InvalidRecord, match=said):
        asked(shop.graph)
    assert shop.ledger.head == head


def test_a_gate_or_policy_that_does_not_exist_is_refused_by_name(store: Path) -> None:
    with pytest.raises(InvalidRecord, match="warn, refuse"):
        Graph(store, "memory:", license_gate="stop")  # type: ignore[arg-type]
    with (
        Graph(opened(store, "memory:"), license_policy="strict") as graph,
        pytest.raises(InvalidRecord, match="permissive, balanced, conservative"),
    ):
        graph.licenses()


def test_what_ends_is_a_licence_or_a_dataset_and_near_names_are_suggested(shop: Shop) -> None:
    shop.source("routes", "ODbL-1.0")
    assert [row.artifact for row in shop.graph.license_impact("routes").rows()] == ["routes@1"]
    with pytest.raises(NotFound, match="routes"):
        shop.graph.license_impact("route")
    with pytest.raises(NotFound, match=r"ODbL-1\.0"):
        shop.graph.license_impact("ODbL-1.1")


# ---- a declared outbound licence ----


def test_an_outbound_licence_is_declared_where_the_sources_allow_it(shop: Shop) -> None:
    shop.source("A", "CC-BY-4.0")
    shop.source("B", "CC-BY-SA-4.0")
    shop.made("C", {"A": ("Combine",), "B": ("Combine",)})
    head = shop.ledger.head
    with pytest.raises(PolicyRefused) as refused:
        shop.graph.state_license("C", "CC-BY-4.0")
    said = str(refused.value)
    assert "C@1 cannot go out under CC-BY-4.0" in said
    assert "its sources allow CC-BY-SA-4.0, GPL-3.0-only, LAL-1.3" in said
    assert "B@1 (CC-BY-SA-4.0), by B@1 -> C@1 (Combine)" in said
    assert "Declare a licence that they allow, or leave out or replace a source" in said
    assert shop.ledger.head == head
    shop.graph.state_license("C", "MIT OR CC-BY-SA-4.0")
    terms = shop.terms("C")
    assert terms.declared == ("CC-BY-SA-4.0", "MIT")
    assert terms.declared_allowed is True


def test_what_a_thing_goes_out_under_binds_who_gets_it_and_not_itself(shop: Shop) -> None:
    shop.source("A", "CC0-1.0")
    shop.made("B", {"A": ("Transform",)})
    shop.graph.state_license("B", "CC-BY-4.0", attribution="Us")
    shop.made("C", {"B": ("Transform",)})
    assert duties(shop.terms("B")) == set()
    assert {source for source, _ in duties(shop.terms("C"))} == {"B@1"}
    assert [one.who for one in shop.terms("C").attributions.owed] == ["Us"]


def test_a_declared_licence_that_the_sources_stop_allowing_is_not_published(
    shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x\n1\n")
    shop.graph.dataset("A", file, license="CC0-1.0")
    shop.made("B", {"A": ("Transform",)})
    shop.graph.state_license("B", "MIT")
    (first,) = shop.graph.license_statements("A")
    shop.graph.invalidate(first["iri"], because="misread")
    shop.graph.state_license("A", "CC-BY-SA-4.0")
    assert shop.terms("B").declared_allowed is False
    (declared,) = shop.graph.license_statements("B")
    stating = shop.graph._writer.stating
    with pytest.raises(PolicyRefused, match=declared["iri"]):
        stating.require_declared(shop.terms("B"))
    shop.graph.invalidate(declared["iri"], because="its source is share-alike")
    stating.require_declared(shop.terms("B"))


def test_whether_an_unknown_source_allows_a_licence_is_not_known(shop: Shop) -> None:
    shop.source("A")
    shop.made("B", {"A": ("Transform",)})
    shop.graph.state_license("B", "MIT")
    terms = shop.terms("B")
    assert terms.declared_allowed is None
    assert "Declared: MIT; whether its sources allow that is not known." in str(terms)
    shop.graph.state_license("A", "CC0-1.0")
    assert "Declared: MIT; its sources allow that." in str(shop.terms("B"))
    shop.graph.state_license("A", "CC-BY-SA-4.0")
    assert "Declared: MIT; its sources do not allow that." in str(shop.terms("B"))


# ---- attribution ----


def test_a_licence_without_a_text_says_so_and_evidence_is_named_by_its_digest(
    shop: Shop, tmp_path: Path
) -> None:
    from lineage_graph.identity import sha256

    shop.source("A", "LicenseRef-research-only")
    shop.made("M", {"A": ("Training",)})
    (owed,) = shop.terms("M").attributions.owed
    assert owed.text is None
    assert "the licence's text is not recorded" in owed.sentence()
    evidence = tmp_path / "contract.txt"
    evidence.write_text("for research only")
    shop.source("B", "LicenseRef-research-only", evidence=evidence)
    shop.made("N", {"B": ("Training",)})
    (owed,) = shop.terms("N").attributions.owed
    assert f"the licence's text has the sha256 {sha256(b'for research only')}" in owed.sentence()
    (said,) = shop.graph.license_statements("B")
    assert (said["evidence"], said["location"]) == (sha256(b"for research only"), "contract.txt")


@pytest.mark.parametrize("content", [None, b" \n"])
def test_evidence_that_is_not_there_or_empty_is_refused(
    shop: Shop, tmp_path: Path, content: bytes | None
) -> None:
    shop.source("A")
    evidence, head = tmp_path / "NOTICE", shop.ledger.head
    if content is not None:
        evidence.write_bytes(content)
    with pytest.raises(InvalidRecord, match=str(evidence)):
        shop.graph.state_license("A", "MIT", evidence=evidence)
    assert shop.ledger.head == head


class Page(html.parser.HTMLParser):
    """Checks that tags nest, and keeps the elements and the text."""

    EMPTY = ("meta", "br", "link", "hr", "img", "input")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = "<script>alert('x')</script> *bold* [link](http://x) _it_ `code` | # & \"q\""


def test_an_attribution_file_shows_names_as_they_are_written(shop: Shop) -> None:
    shop.source(HOSTILE, "CC-BY-4.0", attribution=HOSTILE, address="https://example.org/a?b=1&c=2")
    shop.made("B", {HOSTILE: ("Transform",)})
    notice = shop.graph.attribution("B")
    assert HOSTILE in notice.to_text("text") == str(notice)
    page = Page(notice.to_text("html"))
    assert "script" not in page.elements
    assert page.text.count(HOSTILE) == 2
    assert "https://example.org/a?b=1&c=2" in page.text
    markdown = notice.to_text("markdown")
    assert markdown == notice._repr_markdown_()
    assert "<script>" not in markdown.replace("\\<script\\>", "")
    assert "\\*bold\\*" in markdown and "\\[link\\]" in markdown and "\\`code\\`" in markdown
    for format_ in ("text", "markdown", "html"):
        assert NOT_ADVICE in notice.to_text(format_)
        assert "Changes were made." in notice.to_text(format_)


def test_a_name_of_several_lines_stays_one_item(shop: Shop) -> None:
    shop.source("A", "CC-BY-4.0", attribution="Ana\n\n# Bea\n- Carla")
    lines = shop.graph.attribution("A").to_text("markdown").splitlines()
    assert [line for line in lines if line.startswith("#")] == ["# Notice for A@1", "## Made with"]
    assert sum(line.startswith("- ") for line in lines) == 1
    assert (
        sum(line.startswith("  * ") for line in str(shop.graph.attribution("A")).splitlines()) == 1
    )


def test_a_notice_groups_who_is_owed_who_is_thanked_what_is_offered_and_what_is_unknown(
    shop: Shop,
) -> None:
    shop.source("by", "CC-BY-4.0")
    shop.source("odbl", "ODbL-1.0")
    shop.source("dark")
    shop.made("table", {"odbl": ("Transform",)})
    shop.made("M", {"table": ("Training",), "by": ("Training",), "dark": ("Training",)})
    notice = shop.graph.attribution("M")
    sections = dict(notice.sections())
    assert list(sections) == [
        "Made with",
        "Also acknowledged",
        "Offered on request: these databases, or the method of making them",
        "Not known",
    ]
    owed, thanked, offered, unknown = sections.values()
    assert [line.split(".")[0] for line in owed] == ["odbl@1"]
    assert "Contains information from odbl@1" in owed[0]
    assert [line.split(".")[0] for line in thanked] == ["by@1"]
    assert "table@1, made from odbl@1" in offered[0]
    assert unknown == ["the licence of dark@1 is not known"]


def test_a_source_that_arrives_by_two_paths_is_named_once(shop: Shop) -> None:
    shop.source("A", "CC-BY-4.0")
    shop.made("B", {"A": ("Filter",)})
    shop.made("C", {"A": ("Transform",)})
    shop.made("D", {"B": ("Combine",), "C": ("BundleTogether",)})
    notice = shop.graph.attribution("D")
    assert [one.source for one in notice.attributions.owed] == ["A@1"]


# ---- how it looks ----


def test_every_term_has_a_path_and_the_page_says_it(shop: Shop) -> None:
    shop.source("A & <b>", "CC-BY-SA-4.0")
    shop.made("B", {"A & <b>": ("Filter",)})
    shop.made("C", {"B": ("Transform",)})
    terms = shop.terms("C")
    assert terms.terms
    for term in terms.terms:
        assert [str(step) for step in term.path] == [
            "A & <b>@1 -> B@1 (Filter)",
            "B@1 -> C@1 (Transform)",
        ]
        assert str(term.bottleneck) == "B@1 -> C@1 (Transform)"
    page = Page(terms.to_html())
    assert "b" not in page.elements
    assert page.elements.count("table") >= 2 and "svg" in page.elements
    for wanted in ("A & <b>@1 -> B@1 (Filter)", "no licence", "give attribution", NOT_ADVICE):
        assert (wanted in page.text) != (wanted == "no licence"), wanted
    shown = terms._repr_mimebundle_()
    assert shown["text/plain"] == str(terms)
    assert "A & <b>@1 -> B@1 (Filter)" in Page(shown["text/html"]).text
    assert json.loads(json.dumps(terms.to_dict()))["disclaimer"] == NOT_ADVICE


def test_a_term_of_the_source_itself_says_that_it_is_the_source(shop: Shop) -> None:
    shop.source("A", "CC-BY-4.0")
    terms = shop.terms("A")
    assert {term.path for term in terms.terms} == {()}
    assert "it is the source itself" in str(terms)
    assert "no step lowers it" in str(terms)


def test_an_impact_is_shown_as_page_picture_and_text(shop: Shop) -> None:
    shop.source("A<i>", "CC-BY-SA-4.0")
    shop.made("B", {"A<i>": ("Transform",)})
    shop.source("C", "MIT")
    impact = shop.graph.license_impact("CC-BY-SA-4.0")
    assert impact.levels == {"Copy": 1, "Adapted": 1}
    assert impact.unaffected() == ["C@1"]
    page = Page(impact.to_html())
    assert "i" not in page.elements and "A<i>@1" in page.text and "C@1" in page.text
    assert Page(impact._repr_mimebundle_()["text/html"]).elements
    assert "2 affected (1 as Copy, 1 as Adapted)" in str(impact)
    nothing = shop.graph.license_impact("ODbL-1.0")
    assert "Nothing is affected." in str(nothing)
    assert Page(nothing.to_html()).elements


def test_a_copy_obtained_after_the_end_has_no_licence(shop: Shop) -> None:
    shop.source("A", "CC-BY-4.0")
    (late,) = shop.graph.license_impact("A", at=datetime(2000, 1, 1)).rows()
    assert (late.remedy, late.advice) == (
        "Review",
        "obtained after the licence ended: nothing covers it",
    )
    (early,) = shop.graph.license_impact("A", at=datetime(2999, 1, 1, tzinfo=UTC)).rows()
    assert early.remedy == "Keep"


# ---- gates ----


def described(**inputs: str) -> Description:
    return Description(inputs=tuple(InputPath(slot, (kind,)) for slot, kind in inputs.items()))


def test_the_gate_warns_and_names_source_path_and_remedy(shop: Shop) -> None:
    a = shop.source("A", "CC-BY-SA-4.0")
    b = shop.source("B", "CC-BY-NC-4.0")
    gate = Gate(shop.graph._licensing)
    making = (named("dataset", "C"), {"x": a, "y": b}, described(x="Combine", y="Combine"))
    with pytest.warns(LicenseWarning) as warned:
        gate.before(*making)
    said = str(warned[0].message)
    assert said.startswith("C: sharing it is ") and "(conservative reading)" in said
    assert "no licence satisfies CC-BY-NC-4.0 and CC-BY-SA-4.0" in said
    assert "A@1, CC-BY-SA-4.0, by A@1 -> C (Combine)" in said
    assert "B@1, CC-BY-NC-4.0, by B@1 -> C (Combine)" in said
    assert any(f"leave out or replace {both}" in said for both in ("A@1 or B@1", "B@1 or A@1"))
    assert NOT_ADVICE in said
    head = shop.ledger.head
    with pytest.raises(PolicyRefused, match="no licence satisfies"):
        Gate(shop.graph._licensing, "refuse").before(*making)
    assert shop.ledger.head == head


def test_the_gate_is_silent_where_sharing_is_possible_or_merely_unknown(shop: Shop) -> None:
    a = shop.source("A")
    b = shop.source("B", "CC-BY-SA-4.0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gate = Gate(shop.graph._licensing, "refuse")
        gate.before(named("dataset", "C"), {"x": a, "y": b}, described(x="Combine", y="Combine"))
        gate.before(named("dataset", "C"), {}, described())


def test_what_offers_too_many_choices_to_judge_stops_nothing_that_is_only_warned_about(
    shop: Shop,
) -> None:
    choices = [one.id for one in shop.graph.licenses() if one.grantable][:20]
    pairs = list(zip(choices[::2], choices[1::2], strict=True))
    sources = {
        f"in:{n}": shop.source(f"S{n}", f"{one} OR {other}") for n, (one, other) in enumerate(pairs)
    }
    making = (named("dataset", "C"), sources, described(**dict.fromkeys(sources, "Combine")))
    with pytest.warns(LicenseWarning, match="cannot be judged"):
        Gate(shop.graph._licensing).before(*making)
    with pytest.raises(PolicyRefused, match="State for some of them which licence"):
        Gate(shop.graph._licensing, "refuse").before(*making)


def test_the_gate_looks_past_what_was_made_to_its_sources(shop: Shop) -> None:
    shop.source("A", "NONE")
    b = shop.made("B", {"A": ("Filter",)})
    with pytest.raises(PolicyRefused, match=r"A@1 -> B@1 \(Filter\); B@1 -> C \(Transform\)"):
        Gate(shop.graph._licensing, "refuse").before(
            named("dataset", "C"), {"x": b}, described(x="Transform")
        )


def made_so(shop: Shop, verdict: str) -> LicenseTerms:
    license_, kinds = {
        "permitted": ("CC0-1.0", ("Transform",)),
        "permitted-with-duties": ("CC-BY-4.0", ("Transform",)),
        "review": ("CC0-1.0", ("Unheard",)),
        "unknown": (None, ("Transform",)),
        "conflict": ("CC-BY-4.0", ("Transform",)),
        "prohibited": ("CC-BY-ND-4.0", ("Transform",)),
    }[verdict]
    shop.source("A", license_)
    if verdict == "conflict":
        shop.graph.state_license("A", "CC-BY-SA-4.0")
    shop.made_somehow("B", "A", kinds)
    terms = shop.terms("B", "conservative")
    assert terms.verdicts["share"] == verdict
    return terms


@pytest.mark.parametrize("verdict", ["permitted", "permitted-with-duties"])
def test_what_is_permitted_is_published(shop: Shop, verdict: str) -> None:
    Gate(shop.graph._licensing).before_publishing(made_so(shop, verdict), "commercial", None)


@pytest.mark.parametrize("verdict", ["review", "unknown"])
def test_what_is_in_doubt_is_published_only_if_somebody_says_why(shop: Shop, verdict: str) -> None:
    terms, gate = made_so(shop, verdict), Gate(shop.graph._licensing)
    for despite in (None, "", "  "):
        with pytest.raises(PolicyRefused, match=r"B@1: sharing it is .*conservative reading"):
            gate.before_publishing(terms, "share", despite)
    gate.before_publishing(terms, "share", "counsel looked at it")


@pytest.mark.parametrize("verdict", ["conflict", "prohibited"])
def test_what_is_prohibited_is_never_published(shop: Shop, verdict: str) -> None:
    terms, gate = made_so(shop, verdict), Gate(shop.graph._licensing)
    with pytest.raises(PolicyRefused, match=r"B@1: sharing it is .*conservative reading"):
        gate.before_publishing(terms, "share", "we want to")


def test_what_may_be_shared_is_not_published_for_a_use_that_is_prohibited(shop: Shop) -> None:
    shop.source("A", "CC-BY-NC-4.0")
    gate, terms = Gate(shop.graph._licensing), shop.terms("A", "conservative")
    gate.before_publishing(terms, "share", None)
    with pytest.raises(PolicyRefused, match="using it commercially is prohibited"):
        gate.before_publishing(terms, "commercial", "we want to")


def test_a_source_is_published_with_its_notice_or_refused_leaving_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x\n1\n")
    shop.graph.dataset("A", file, license="CC-BY-4.0", attribution="Ana", header=True)
    published = shop.graph.publish("A", tmp_path / "out")
    assert (published.verdict, published.files) == ("permitted-with-duties", 1)
    assert (tmp_path / "out" / "data" / "a.csv").read_text() == "x\n1\n"
    assert "by Ana" in (tmp_path / "out" / "NOTICE.txt").read_text()
    handed_on = json.loads((tmp_path / "out" / "license-terms.json").read_text())
    assert handed_on["policy"] == "conservative"
    head = shop.ledger.head
    with pytest.raises(InvalidRecord, match="came from outside"):
        shop.graph.publish("A", tmp_path / "again", license="CC-BY-4.0")
    with pytest.raises(InvalidRecord, match="out"):
        shop.graph.publish("A", tmp_path / "out")
    shop.graph.dataset("N", file, license="NONE", header=True, snapshot="reference")
    said = shop.ledger.head
    with pytest.raises(PolicyRefused, match="prohibited"):
        shop.graph.publish("N", tmp_path / "never", despite="we want to")
    assert shop.ledger.head == said > head
    assert not (tmp_path / "never").exists() and not (tmp_path / "again").exists()


def test_what_is_handed_on_has_the_texts_and_names_no_folder_of_this_machine(
    shop: Shop, tmp_path: Path
) -> None:
    file, text = tmp_path / "a.csv", tmp_path / "LICENSE"
    file.write_text("x\n1\n")
    text.write_text("Copyright (c) 2026 Ana\n")
    shop.graph.dataset(str(file), file, license="MIT", evidence=text, header=True)
    shop.graph.publish(str(file), tmp_path / "out")
    (kept,) = (tmp_path / "out" / "licenses").iterdir()
    assert kept.read_text() == text.read_text()
    for handed_on in (tmp_path / "out").rglob("*"):
        assert handed_on.is_dir() or str(tmp_path) not in handed_on.read_text()
    labels = [str(row["label"]) for row in shop.graph.query("records/activity")]
    assert any(label.startswith("publish a.csv@1") for label in labels)


def test_share_alike_is_shared_only_under_a_licence_that_is_said(
    shop: Shop, tmp_path: Path
) -> None:
    a = shop.source("A", "CC-BY-SA-4.0")
    shop.made("B", {"A": ("Transform",)})
    with pytest.raises(PolicyRefused, match=r"A@1 \(CC-BY-SA-4.0\) demands .*Say which: CC-BY-SA"):
        shop.graph.publish("B", tmp_path / "out")
    shop.graph.state_license("B", "CC-BY-SA-4.0")
    with pytest.raises(RecordConflict, match="already"):
        shop.graph.state_license("B", "LAL-1.3")
    assert a and not (tmp_path / "out").exists()


def test_one_choice_of_licence_has_to_allow_a_commercial_publication(shop: Shop) -> None:
    shop.source("A", "CC-BY-NC-4.0 OR LicenseRef-proprietary")
    made = shop.made("B", {"A": ("Filter",)})
    terms = shop.graph._licensing.blocking(made, together=True)
    with pytest.raises(PolicyRefused):
        Gate(shop.graph._licensing).before_publishing(terms, "commercial", None)


def test_a_source_whose_licence_nobody_knows_stays_unknown_however_little_is_left(
    shop: Shop,
) -> None:
    shop.source("A")
    shop.made("M", {"A": ("Training",)})
    for policy in ("permissive", "balanced", "conservative"):
        assert set(shop.terms("M", policy).verdicts.values()) == {"unknown"}
        assert shop.terms("M", policy).gaps == ["the licence of A@1 is not known"]


def test_the_same_licences_in_another_order_are_no_contradiction(shop: Shop) -> None:
    shop.source("A", "MIT OR Apache-2.0")
    shop.graph.state_license("A", "Apache-2.0 OR MIT", said_by="somebody else")
    shop.graph.state_license("A", "NOASSERTION", said_by="a third")
    assert shop.terms("A").verdicts["share"] == "permitted-with-duties"


def test_a_rule_about_an_action_nobody_declares_is_refused(store: Path, organisation: Path) -> None:
    file = next((organisation / "ontology" / "licenses").iterdir())
    file.write_text(file.read_text().replace("cc:CommercialUse", "cc:commercialUse"))
    with pytest.raises(DeclarationError, match="declared as an odrl:Action"):
        Shop(store, organisation).graph.licenses()


def test_a_licence_is_not_declared_for_what_then_cannot_be_published(
    shop: Shop, tmp_path: Path
) -> None:
    shop.source("A", "CC0-1.0")
    shop.made("B", {"A": ("Transform",)})
    head = shop.ledger.head
    with pytest.raises(NotFound, match="it was not kept"):
        shop.graph.publish("B", tmp_path / "out", license="MIT")
    assert shop.ledger.head == head
    assert not (tmp_path / "out").exists()


# ---- the declared algebra, in two engines ----

TREE = rdflib.Graph()
for path in bundled().ontology_files():
    TREE.parse(path)
LG = rdflib.Namespace(bundled().prefixes["lg"])
ODRL = rdflib.Namespace(bundled().prefixes["odrl"])
RULES = [
    (license_, rule, level)
    for license_ in TREE.subjects(RDF.type, LG.License)
    for rule in TREE.objects(license_, ODRL.prohibition)
    for level in TREE.objects(rule, LG.bindsAt)
]


def rank(level: Any) -> int:
    return int(str(TREE.value(level, LG["rank"])))


@pytest.mark.parametrize("name", ["terms", "verdicts", "acts", "outbound"])
def test_a_question_with_branches_has_the_same_answer_in_another_engine(name: str) -> None:
    ours = {
        tuple(None if value is None else str(value) for value in row.values())
        for row in Declared(bundled()).rows(f"licensing/{name}")
    }
    theirs = {
        tuple(None if value is None else str(value) for value in row)  # type: ignore[union-attr]
        for row in TREE.query((ROOT / "queries" / "licensing" / f"{name}.rq").read_text())
    }
    assert ours == theirs
    assert len(ours) > 20


def test_no_prohibition_of_any_licence_is_lost() -> None:
    found = {
        (str(row["license"]), row["rank"], str(row["action"]))
        for row in Declared(bundled()).rows("licensing/terms")
        if row["modality"] == "prohibition"
    }
    stated = {
        (str(license_), rank(level), str(TREE.value(rule, ODRL.action)))
        for license_, rule, level in RULES
    }
    assert len(stated) > 40
    assert found == stated


def test_every_prohibition_to_share_or_sell_is_a_verdict() -> None:
    found = {
        (str(row["license"]), row["rank"], row["use"], str(row["action"]))
        for row in Declared(bundled()).rows("licensing/verdicts")
        if row["why"] == "its licence prohibits it" and row["section"]
    }
    sharing = {
        TREE.value(level, LG.shareAction): level for level in TREE.subjects(RDF.type, LG.Level)
    }
    commercial = rdflib.URIRef(bundled().iri("cc:CommercialUse"))
    expected = set()
    for license_, rule, level in RULES:
        action = TREE.value(rule, ODRL.action)
        if action == commercial:
            expected.add((str(license_), rank(level), "commercial", str(action)))
        if sharing.get(action) == level:
            expected.add((str(license_), rank(level), "share", str(action)))
    assert len(expected) > 10
    assert expected <= found


def test_every_duty_and_permission_of_any_licence_is_a_term() -> None:
    found = {
        (str(row["license"]), row["rank"], row["modality"], str(row["action"]))
        for row in Declared(bundled()).rows("licensing/terms")
    }
    level_of = {
        TREE.value(level, LG.shareAction): level for level in TREE.subjects(RDF.type, LG.Level)
    }
    for license_ in TREE.subjects(RDF.type, LG.License):
        for permission in TREE.objects(license_, ODRL.permission):
            action = TREE.value(permission, ODRL.action)
            levels = [rank(level_of[action])] if action in level_of else [1, 2, 3]
            for level in levels:
                assert (str(license_), level, "permission", str(action)) in found
            for duty in TREE.objects(permission, ODRL.duty):
                wanted = str(TREE.value(duty, ODRL.action))
                assert (str(license_), levels[0], "duty", wanted) in found


# ---- a licence is one file ----

HOUSE = """@prefix lg: <https://w3id.org/lineage-graph#> .
@prefix cc: <http://creativecommons.org/ns#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<https://house.example/licence> a odrl:Set , lg:License , lg:KeepsAttribution ;
  odrl:uid <https://house.example/licence> ;
  odrl:profile <https://w3id.org/lineage-graph/odrl-profile> ;
  dcterms:title "House Licence" ; dcterms:identifier "LicenseRef-house" ;
  rdfs:seeAlso <https://house.example/licence.html> ;
  lg:family lg:ContractFamily ; lg:revocability lg:Terminable ; lg:grantable true ;
  lg:jurisdiction "Brazil" ; lg:checked "2026-08-31"^^xsd:date ;
  odrl:permission
    [ a odrl:Permission ; odrl:action odrl:distribute ; dcterms:source "cl. 1" ;
      lg:certainty lg:ByContract ;
      odrl:duty [ a odrl:Duty ; odrl:action odrl:attribute ; dcterms:source "cl. 2" ;
        lg:certainty lg:ByContract ] ] ;
  odrl:prohibition
    [ a odrl:Prohibition ; odrl:action cc:CommercialUse ; lg:bindsAt lg:Copy , lg:Adapted ;
      dcterms:source "cl. 3" ; lg:certainty lg:ByContract ] .
"""


@pytest.fixture
def organisation(tmp_path: Path) -> Path:
    folder = tmp_path / "ours" / "ontology" / "licenses"
    folder.mkdir(parents=True)
    (folder / "LicenseRef-house.ttl").write_text(HOUSE)
    return tmp_path / "ours"


@pytest.fixture
def house(store: Path, organisation: Path) -> Iterator[Shop]:
    made = Shop(store, organisation)
    yield made
    made.close()


def test_a_licence_of_one_s_own_is_one_file(house: Shop) -> None:
    assert "LicenseRef-house" in [one.id for one in house.graph.licenses()]
    house.source("A", "House Licence")
    terms = house.terms("A")
    assert dict(terms.verdicts) == {"share": "permitted-with-duties", "commercial": "prohibited"}
    assert {(term.action.rpartition(":")[2], term.section) for term in terms.terms} >= {
        ("attribute", "cl. 2"),
        ("CommercialUse", "cl. 3"),
    }
    house.made("B", {"A": ("Transform",)})
    assert house.terms("B").verdicts["share"] == "prohibited"
    affected = house.graph.license_impact("LicenseRef-house").rows()
    assert [(row.artifact, row.remedy) for row in affected] == [
        ("A@1", "StopAndDelete"),
        ("B@1", "StopAndDelete"),
    ]


def test_a_licence_of_one_s_own_joins_those_that_keep_attribution(house: Shop) -> None:
    house.source("zero", "CC0-1.0")
    house.source("by", "CC-BY-4.0")
    house.source("sa", "CC-BY-SA-4.0")
    house.made("ours", {"zero": ("Combine",), "by": ("Combine",)})
    assert "LicenseRef-house" in (house.terms("ours").outbound or [])
    house.graph.state_license("ours", "LicenseRef-house")
    assert house.terms("ours").declared_allowed is True
    house.made("theirs", {"zero": ("Combine",), "sa": ("Combine",)})
    with pytest.raises(PolicyRefused, match="cannot go out under LicenseRef-house"):
        house.graph.state_license("theirs", "LicenseRef-house")


def test_a_licence_that_does_not_say_it_keeps_attribution_is_no_licence_for_by(
    tmp_path: Path, store: Path, organisation: Path
) -> None:
    file = organisation / "ontology" / "licenses" / "LicenseRef-house.ttl"
    file.write_text(HOUSE.replace(" , lg:KeepsAttribution", ""))
    declarations = Declarations(organisation)
    algebra, licenses = Algebra(Declared(declarations), declarations), Licenses(declarations)
    house = licenses.iri("LicenseRef-house")
    assert house in (algebra.outbound([licenses.iri("CC0-1.0")]) or ())
    assert house not in (algebra.outbound([licenses.iri("CC-BY-4.0")]) or ())


def command(*arguments: str | Path) -> Any:
    """Run the program and return what it wrote as JSON."""
    ended = CliRunner().invoke(app, [*map(str, arguments), "--json"], obj=Session())
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def test_the_command_line_sees_the_licences_of_an_organisation(
    house: Shop, store: Path, organisation: Path
) -> None:
    house.source("A", "LicenseRef-house")
    own = ("--declarations", organisation, "--store", store)
    assert "LicenseRef-house" in [row["id"] for row in command("license", "list", *own)]
    (sheet,) = command("license", "show", "House Licence", *own)
    assert sheet["id"] == "LicenseRef-house"
    terms = command("license", "terms", "A", *own)
    assert terms["verdicts"]["commercial"]["verdict"] == "prohibited"


def test_files_that_cannot_be_used_are_named(store: Path, organisation: Path) -> None:
    folder = organisation / "ontology" / "licenses"
    broken = folder / "broken.ttl"
    broken.write_text(
        HOUSE.replace("house", "other").replace("House", "Other").replace("cl. 2", "")
    )
    with (
        Graph(opened(store, "memory:"), organisation) as graph,
        pytest.raises(DeclarationError) as problem,
    ):
        graph.licenses()
    assert str(broken) in str(problem.value)
    broken.unlink()
    shutil.copy(folder / "LicenseRef-house.ttl", folder / "twin.ttl")
    with (
        Graph(opened(store, "memory:"), organisation) as graph,
        pytest.raises(DeclarationError) as problem,
    ):
        graph.licenses()
    for file in ("LicenseRef-house.ttl", "twin.ttl"):
        assert str(folder / file) in str(problem.value)


def bought(shop: Shop, folder: Path, license_: str = "CC0-1.0", **said: Any) -> Path:
    """Register a dataset whose bytes are kept; return its file."""
    file = folder / "a.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x\n1\n")
    shop.graph.dataset("A", file, license=license_, header=True, **said)
    return file


def with_bytes_of_a(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every version have the bytes of A: nothing is made without an engine."""
    pins, a = shop.graph._record.pins, shop.graph.resolve("A")
    monkeypatch.setattr(shop.graph._record, "pins", lambda _: pins(a))


@pytest.mark.parametrize("inside", ["plain_folder", "with a space/and, more"])
def test_no_file_or_label_of_a_publication_names_a_folder_of_this_machine(
    shop: Shop, tmp_path: Path, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(shop, tmp_path / inside)
    with_bytes_of_a(shop, monkeypatch)
    here, gone = str(tmp_path / inside / "b.csv"), "/no/such folder/here/c.csv"
    shop.source(here, "CC-BY-4.0", attribution=f"{here} readers")
    shop.source(gone, "CC-BY-4.0")
    shop.made("table", {here: ("Transform",), gone: ("Combine",)})
    shop.made("B", {"table": ("Transform",)})
    shop.graph.publish("B", tmp_path / "out", license="CC-BY-4.0")
    notice = (tmp_path / "out" / "NOTICE.txt").read_text()
    assert "* b.csv@1, by b.csv readers." in notice and "* c.csv@1." in notice
    shop.graph.publish(here, tmp_path / "again")
    labels = [str(row["label"]) for row in shop.graph.query("records/activity")]
    told = [p.read_text() for p in tmp_path.glob("[oa]*/*") if p.is_file()]
    for text in (*told, *(label for label in labels if label.startswith("publish"))):
        for part_of_it in (str(tmp_path), inside, "no/such", "folder/here"):
            assert part_of_it not in text


def test_every_licence_text_travels_under_the_digest_that_the_notice_says(
    shop: Shop, tmp_path: Path
) -> None:
    from lineage_graph.identity import sha256

    texts = tmp_path / "LICENSE", tmp_path / "NOTICE"
    texts[0].write_text("as Ana's friends may\n")
    texts[1].write_text("Copyright (c) 2026 Bea\n")
    bought(shop, tmp_path, "MIT", evidence=texts[0])
    shop.graph.state_license("A", "MIT", evidence=texts[1], said_by="Bea")
    shop.graph.publish("A", tmp_path / "out")
    digests = [sha256(text.read_bytes()) for text in texts]
    for digest, text in zip(digests, texts, strict=True):
        kept = tmp_path / "out" / "licenses" / f"{digest[:16]}.txt"
        assert kept.read_bytes() == text.read_bytes()
    shop.source("R", "LicenseRef-research-only", evidence=texts[0])
    shop.graph.state_license("R", "LicenseRef-research-only", evidence=texts[1], said_by="Bea")
    shop.made("M", {"R": ("Training",)})
    (owed,) = shop.terms("M").attributions.owed
    for digest in digests:
        assert digest in owed.sentence().partition("text has the sha256")[2]


def test_a_notice_says_under_which_licence_it_is_made_available(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    bought(shop, tmp_path, "CC-BY-SA-4.0")
    shop.made("B", {"A": ("Transform",)})
    with_bytes_of_a(shop, monkeypatch)
    with pytest.raises(PolicyRefused, match=r"Say which: CC-BY-SA-4\.0, GPL-3\.0-only, LAL"):
        shop.graph.publish("B", tmp_path / "out")
    given = shop.graph.publish("B", tmp_path / "out", license="MIT OR CC-BY-SA-4.0")
    said = given.license
    assert said and shop.graph.publish("B", tmp_path / "again").license == said
    for out in ("out", "again"):
        assert f"Made available under {said}." in (tmp_path / out / "NOTICE.txt").read_text()
    notice = replace(shop.graph.attribution("B"), under="MIT")
    for format_ in ("text", "markdown", "html"):
        assert "Made available under MIT." in notice.to_text(format_)
        assert "Made available" not in shop.graph.attribution("B").to_text(format_)


def test_a_publication_is_one_entry_and_a_failing_copy_leaves_nothing(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(shop, tmp_path)
    shop.made("B", {"A": ("Transform",)})
    with_bytes_of_a(shop, monkeypatch)
    head = shop.ledger.head

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as failing, pytest.raises(StoreUnavailable, match="No space"):
        failing.setattr(shutil, "copyfile", full)
        shop.graph.publish("B", tmp_path / "out", license="MIT")
    assert (shop.ledger.head, (tmp_path / "out").exists()) == (head, False)
    assert shop.graph.license_statements("B") == []
    shop.graph.publish("B", tmp_path / "out", license="MIT")
    assert shop.ledger.head == head + 1
    assert [one["expression"] for one in shop.graph.license_statements("B")] == ["MIT"]
    shop.graph.publish("B", tmp_path / "again", license="MIT")
    assert len(shop.graph.license_statements("B")) == 1


def test_evidence_of_what_is_refused_or_only_looked_up_is_not_kept(
    shop: Shop, tmp_path: Path
) -> None:
    from lineage_graph.graph.stating import Claim
    from lineage_graph.identity import sha256

    shop.source("A", "CC-BY-SA-4.0")
    made, text = shop.made("B", {"A": ("Transform",)}), tmp_path / "LICENSE"
    text.write_text("as you like\n")
    with pytest.raises(PolicyRefused, match=r"(?s)cannot go out under MIT.*Not legal advice\.$"):
        shop.graph.state_license("B", "MIT", evidence=text)
    stating = shop.graph._writer.stating
    assert stating.known(made, Claim("CC-BY-SA-4.0", text)) is None
    assert not stating.artifacts.holds(sha256(text.read_bytes()))


def test_a_second_outbound_licence_is_a_conflict_that_names_what_to_withdraw(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(shop, tmp_path)
    shop.made("B", {"A": ("Transform",)})
    with_bytes_of_a(shop, monkeypatch)
    first, head = shop.graph.state_license("B", "MIT"), shop.ledger.head
    with pytest.raises(RecordConflict, match=first):
        shop.graph.state_license("B", "CC-BY-4.0")
    with pytest.raises(RecordConflict, match=first):
        shop.graph.publish("B", tmp_path / "out", license="CC-BY-4.0")
    assert (shop.ledger.head, (tmp_path / "out").exists()) == (head, False)
    shop.graph.state_license("A", "CC-BY-4.0")
    assert shop.terms("A").verdicts["share"] == "conflict"
    shop.graph.invalidate(first, because="we changed our mind")
    shop.graph.state_license("B", "CC-BY-4.0")


def test_everybody_who_is_to_be_named_is_named(shop: Shop) -> None:
    shop.source("A", "CC-BY-4.0", attribution="Ana", address="https://a.example")
    shop.graph.state_license("A", "CC-BY-4.0", attribution="Bea", address="https://b.example")
    shop.graph.state_license("A", "CC-BY-4.0", attribution="Ana", said_by="somebody else")
    (owed,) = shop.terms("A").attributions.owed
    assert sorted(str(owed.who).split("; ")) == ["Ana", "Bea"]
    assert sorted(str(owed.address).split("; ")) == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(("who", "named_so"), [("Ana", ["Ana"]), (None, [])])
def test_who_is_named_under_a_licence_that_no_file_describes_is_owed_that(
    shop: Shop, who: str | None, named_so: list[str]
) -> None:
    shop.source("A", "CC-BY-3.0", attribution=who)
    assert [one.who for one in shop.terms("A").attributions.owed] == named_so


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda made: named("dataset", "B"), r"\(dataset\).*license-statement.*bundle"),
        (lambda made: part(made, "derivation", 0), r"\(part of a version\)"),
        (lambda made: AUTHOR, r"\(agent\)"),
    ],
)
def test_what_cannot_end_is_not_invalidated(shop: Shop, what: Any, said: str) -> None:
    shop.source("A", "MIT")
    made = shop.made("B", {"A": ("Transform",)})
    shop.graph._writer.recorder.append([Agent(id=AUTHOR)])
    head = shop.ledger.head
    with pytest.raises(InvalidRecord, match=said):
        shop.graph.invalidate(what(made), because="we say so")
    assert shop.ledger.head == head


def test_a_statement_is_withdrawn_once(shop: Shop) -> None:
    shop.source("A")
    said = shop.graph.state_license("A", "MIT")
    shop.graph.invalidate(said, because="misread")
    head = shop.ledger.head
    with pytest.raises(RecordConflict, match="already"):
        shop.graph.invalidate(said, because="misread")
    assert shop.ledger.head == head


def test_a_publication_says_that_it_is_no_advice(shop: Shop, tmp_path: Path) -> None:
    bought(shop, tmp_path)
    assert NOT_ADVICE in str(shop.graph.publish("A", tmp_path / "out"))
    store = shop.graph.folders.root
    shown = command("publish", "A", "--into", tmp_path / "again", "--store", store)
    assert (shown["disclaimer"], shown["files"]) == (NOT_ADVICE, 1)


def test_a_licence_gate_in_the_middle_of_a_renewal_says_what_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from types import SimpleNamespace

    from lineage_graph.graph.renewing import Renewing

    def refuse(*_: object) -> str:
        raise PolicyRefused("B: sharing it is prohibited.")

    monkeypatch.setattr(Renewing, "_executed", refuse)
    unused: Any = None
    renewing = Renewing(unused, unused, unused, unused, unused)
    earlier: Any = [
        SimpleNamespace(new_name="A@2", reused=False),
        SimpleNamespace(new_name="C@1", reused=True),
    ]
    with pytest.raises(PolicyRefused, match=r"prohibited\. What was made before stays: A@2\.$"):
        renewing._made(unused, {}, unused, earlier)
