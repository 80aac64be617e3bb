"""The law as data is complete, and says how far it was compared with the text."""

from __future__ import annotations

import pyoxigraph
import pytest

from lineage_graph.declarations import bundled

IRI = bundled().iri
GRAPH = pyoxigraph.Store()
for declared in bundled().ontology_files():
    GRAPH.extend(pyoxigraph.parse(path=str(declared)))

UP_TO_IX = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
GDPR = {
    "GeneralBasis": [f"A6-1-{letter}" for letter in "abcdef"],
    "SpecialCategoryBasis": [f"A9-2-{letter}" for letter in "abcdefghij"],
    "TransferBasis": ["A45-3"]
    + [f"A46-2-{letter}" for letter in "abcdef"]
    + ["A46-3-a", "A46-3-b", "A49-2"]
    + [f"A49-1-{letter}" for letter in "abcdefg"],
}
LGPD = {
    "GeneralBasis": [f"A7-{n}" for n in (*UP_TO_IX, "X")],
    "SpecialCategoryBasis": ["A11-I"] + [f"A11-II-{letter}" for letter in "abcdefg"],
    "ChildBasis": ["A14-1", "A14-3"],
    "TransferBasis": [f"A33-{n}" for n in UP_TO_IX if n != "II"]
    + [f"A33-II-{letter}" for letter in "abcd"],
    "ConservationBasis": [f"A16-{n}" for n in UP_TO_IX[:4]],
}
SENSITIVE = [
    "Race",
    "EthnicOrigin",
    "PoliticalOpinion",
    "PoliticalAffiliation",
    "Religion",
    "PhilosophicalBelief",
    "TradeUnionMembership",
    "Genetic",
    "Biometric",
    "MedicalHealth",
    "Sexual",
    "SexualPreference",
]


def ask(pattern: str) -> set[str]:
    prefixes = "\n".join(f"PREFIX {name}: <{iri}>" for name, iri in bundled().prefixes.items())
    found = GRAPH.query(f"{prefixes}\nSELECT DISTINCT ?x WHERE {{ {pattern} }}")
    assert isinstance(found, pyoxigraph.QuerySolutions)
    return {str(getattr(row["x"], "value", "")) for row in found}


def iris(prefix: str, names: list[str]) -> set[str]:
    return {IRI(f"{prefix}:{name}") for name in names}


@pytest.mark.parametrize(
    ("law", "prefix", "kinds"), [("gdpr", "eu-gdpr", GDPR), ("lgpd", "lgpd", LGPD)]
)
def test_each_law_has_exactly_the_bases_of_its_articles(
    law: str, prefix: str, kinds: dict[str, list[str]]
) -> None:
    for kind, names in kinds.items():
        assert ask(f"?x a lg:{kind} ; lg:basisOf regulation:{law}") == iris(prefix, names), kind
    every = {name for names in kinds.values() for name in names}
    assert ask(f"?x lg:basisOf regulation:{law}") == iris(prefix, sorted(every))


@pytest.mark.parametrize("law", ["gdpr", "lgpd"])
def test_sensitive_categories_are_those_of_the_article_each_with_its_reading(law: str) -> None:
    named = iris("pd", SENSITIVE)
    assert ask(f"?x lg:sensitiveUnder regulation:{law}") == named
    reading = f"?r a lg:CategoryReading ; dcterms:isPartOf regulation:{law} ; lg:certainty ?sure ."
    restricted = ask(f"?x lg:restrictedUnder regulation:{law}")
    assert restricted == (iris("pd", ["Criminal"]) if law == "gdpr" else set())
    assert ask(f"{reading} ?r dpv:hasPersonalData ?x") == named | restricted


def test_what_a_law_calls_sensitive_is_what_dpv_calls_a_special_category() -> None:
    below = "?x a dpv:PersonalData ; skos:broader* ?top . ?top lg:sensitiveUnder regulation:gdpr"
    assert ask(below) == ask("?x a dpv:SpecialCategoryPersonalData")


def test_belief_and_orientation_are_sensitive_in_brazil_by_interpretation_only() -> None:
    contested = "?r lg:certainty lg:Contested ; dcterms:isPartOf regulation:lgpd ;"
    assert ask(f"{contested} dpv:hasPersonalData ?x") == iris(
        "pd", ["PhilosophicalBelief", "SexualPreference"]
    )


def test_bases_that_rest_on_consent_and_on_a_legitimate_interest_are_known() -> None:
    assert ask("?x lg:restsOn dpv:Consent") == iris("eu-gdpr", ["A6-1-a", "A9-2-a", "A49-1-a"]) | (
        iris("lgpd", ["A7-I", "A11-I", "A14-1", "A33-VIII"])
    )
    assert ask("?x lg:restsOn dpv:LegitimateInterest ; a lg:GeneralBasis") == {
        IRI("eu-gdpr:A6-1-f"),
        IRI("lgpd:A7-IX"),
    }
    assert ask("lgpd:A33-IX lg:needsBasis ?x") == iris("lgpd", ["A7-II", "A7-V", "A7-VI"])


def test_deadlines_are_those_of_the_articles() -> None:
    assert ask('?x lg:deadline ?d . ?d lg:within "P15D"^^xsd:duration') >= iris(
        "lgpd", ["A18-I", "A18-II", "A19"]
    )
    assert ask('?d lg:within "P1M"^^xsd:duration ; skos:notation ?x') == {"GDPR Art. 12(3)"}
    hours = '?d lg:within "PT72H"^^xsd:duration ; dcterms:description "72 hours"@en'
    assert ask(f"{hours} ; skos:notation ?x") == {"GDPR Art. 33(1)"}
    assert "Res. CD/ANPD 15/2024, art. 6º" in ask(
        '?d lg:within "P3D"^^xsd:duration ; lg:businessDays true ; skos:notation ?x'
    )


def test_decisions_of_adequacy_have_a_day_and_name_the_other_side() -> None:
    assert ask("?x a lg:AdequacyDecision") == ask(
        "?x a lg:AdequacyDecision ; lg:fromCountry ?f ; lg:toCountry ?t ; lg:validFrom ?d ;"
        " lg:certainty ?c ; lg:decidedUnder ?b"
    )
    assert ask("?d lg:fromCountry loc:BR ; lg:toCountry ?x ; a lg:AdequacyDecision") == {
        IRI("loc:EU"),
        IRI("loc:EEA"),
    }
    assert ask("?d lg:toCountry loc:US ; lg:certifiedUnder ?x") == {"EU-US DPF"}


def test_what_was_not_compared_with_the_text_is_not_called_settled() -> None:
    settled = "?x lg:certainty lg:Settled . { ?x lg:basisOf ?l } UNION { ?x lg:rightOf ?l }"
    assert ask(settled) == ask(f"{settled} ?x lg:checked ?day")
    assert not ask("?x lg:certainty lg:NotChecked ; lg:checked ?day")


def test_every_basis_right_and_deadline_is_labelled_in_both_languages_and_cites_its_article() -> (
    None
):
    every = "{ ?x lg:basisOf ?l } UNION { ?x lg:rightOf ?l } UNION { ?x lg:deadlineOf ?l }"
    for tag in ("en", "pt-BR"):
        cited = f'?x skos:notation ?n ; rdfs:label ?t FILTER (LANGMATCHES(LANG(?t), "{tag}"))'
        assert ask(every) == ask(f"{every} {cited}")
    named = 'FILTER (STRSTARTS(?n, "GDPR Art. ") || CONTAINS(?n, " art. "))'
    assert ask(every) == ask(f"{every} ?x skos:notation ?n {named}")


def test_everything_of_dpv_that_is_used_is_labelled_in_both_languages() -> None:
    spoken = f"?x a ?kind FILTER (STRSTARTS(STR(?x), '{IRI('dpv:')[:-1]}'))"
    labelled = "?x rdfs:label ?e , ?p FILTER (LANG(?e) = 'en' && LANGMATCHES(LANG(?p), 'pt-BR'))"
    assert ask(spoken) == ask(f"{spoken} {labelled}")
