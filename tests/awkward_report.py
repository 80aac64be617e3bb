"""A report in two languages, rich and full of texts that are hard to show."""

from __future__ import annotations

from pathlib import Path

import rdflib

from lineage_graph.compliance.report import (
    Answer,
    Cell,
    Entry,
    Finding,
    Gap,
    Report,
    Section,
    Sources,
)

ROWS = 200
WORDS = Path(__file__).parent.parent / "ontology" / "reports" / "words.ttl"

AWKWARD = {
    "markup": "<script>alert('x')</script> & \"quotes\" </style><!-- --> {{ 7 * 7 }}",
    "long": "atrasos_por_companhia_e_rota_" * 12,
    "emoji": "passageiros ✈️ 👩🏽‍✈️ ação",
    "right to left": "سجل المسافرين 2026 שלום",
    "formula": "=cmd|' /C calc'!A0",
    "sum": "@SUM(1+1)*9",
    "link": "http://example.org/not-a-link",
    "digits": "00012345678",
    "lines": "first line\nsecond line",
}
# What no XML may hold is shown as an escape.
CONTROL = "bell\x07 escape\x1b[31m nul\x00 \u202etxt.exe \ud800"
CONTROL_SHOWN = r"bell\x07 escape\x1b[31m nul\x00 \u202etxt.exe \ud800"


def words(lang: str) -> dict[str, str]:
    """Return the declared words of a language by name."""
    graph = rdflib.Graph().parse(WORDS)
    return {
        str(name): str(label)
        for word, name in graph.subject_objects(rdflib.CSVW.name)
        for label in graph.objects(word, rdflib.RDFS.label)
        if isinstance(label, rdflib.Literal) and str(label.language).lower() == lang.lower()
    }


def awkward_report(lang: str, rows: int = ROWS) -> Report:
    """Return the report in ``en`` or ``pt-BR``."""

    def say(english: str, portuguese: str) -> str:
        return english if lang == "en" else portuguese

    def answer(name: str, label: str, *cells: Cell) -> Answer:
        return Answer(f"report-iri:ropa/{name}", label, f"GDPR Art. 30(1)({name})", cells)

    labels = {
        "a": say("Controller and contact details", "Controlador e dados de contato"),
        "b": say("Purposes of the processing", "Finalidades do tratamento"),
        "c": say("Categories of personal data", "Categorias de dados pessoais"),
        "d": say("Recipients", "Destinatários"),
        "e": say("Transfers to third countries", "Transferências internacionais"),
        "f": say("Envisaged time limits for erasure", "Prazos previstos para eliminação"),
        "g": say("Security measures", "Medidas de segurança"),
    }
    by = say("declared by ana on 2026-11-20", "declarado por ana em 2026-11-20")
    missing = say(
        "Not recorded. Art. 30(1)(f) asks for the time limits where possible.",
        "Não registrado. O art. 30(1)(f) pede os prazos, quando possível.",
    )
    path = "passengers@1.cpf → bookings@3.cpf → features@2.cpf_hash"
    process = Entry(
        say("Delay prediction for passengers", "Previsão de atrasos para passageiros"),
        (
            answer(
                "a",
                labels["a"],
                Cell("Aviação Exemplo S.A.\nRua das Flores 12, São Paulo", "declared", by),
            ),
            answer(
                "b",
                labels["b"],
                Cell(
                    say("Service provision", "Prestação de serviço"),
                    "declared",
                    by,
                    "dpv:ServiceProvision",
                ),
                Cell(say("Service optimisation", "Otimização do serviço"), "declared", by),
            ),
            answer(
                "c",
                labels["c"],
                Cell("CPF", "derived", path, "pd:NationalIdentificationNumber"),
                Cell(say("E-mail address", "Endereço de e-mail"), "derived", "bookings@3.email"),
                Cell(
                    say("Predicted delay of a person", "Atraso previsto de uma pessoa"),
                    "inferred",
                    say("rule: prediction about persons", "regra: previsão sobre pessoas"),
                    "privacy-rule:PredictionAboutPersons",
                ),
            ),
            answer("d", labels["d"], *(Cell(text, "declared", by) for text in AWKWARD.values())),
            answer(
                "e",
                labels["e"],
                Cell(
                    say("No transfer takes place", "Não há transferência"),
                    "not-applicable",
                    say(
                        "All copies are kept in Brazil, says ana",
                        "Todas as cópias ficam no Brasil, diz ana",
                    ),
                ),
            ),
            answer("f", labels["f"], Cell(missing, "not-recorded")),
            answer("g", labels["g"], Cell(CONTROL, "declared", by)),
        ),
        "urn:lineage-graph:process:delay-prediction",
    )
    other = Entry(
        AWKWARD["markup"],
        tuple(answer(name, label, Cell(missing, "not-recorded")) for name, label in labels.items()),
        "urn:lineage-graph:process:other",
    )
    head = tuple(
        say(*both)
        for both in (
            ("Status", "Situação"),
            ("Categories", "Categorias"),
            ("Rows", "Linhas"),
            ("Location", "Localização"),
            ("Retention", "Prazo"),
        )
    )
    named = list(AWKWARD.values())
    datasets = tuple(
        Entry(
            f"bookings_{number:03d}@{number % 7 + 1}" if number % 5 else named[number // 5 % 9],
            (
                answer("c", head[0], Cell("Identified", "inferred", f"bookings_{number}.cpf")),
                answer(
                    "c",
                    head[1],
                    Cell("CPF", "derived", path),
                    Cell(say("Booking", "Reserva"), "derived"),
                ),
                answer("c", head[2], Cell(str(number * 1234), "derived")),
                answer(
                    "e",
                    head[3],
                    Cell("Brasil", "declared", by) if number % 3 else Cell(missing, "not-recorded"),
                ),
                answer("f", head[4], Cell("P5Y", "declared", by)),
            ),
            f"urn:lineage-graph:dataset-version:{number:032x}",
        )
        for number in range(rows)
    )
    sections = (
        Section(
            say("Processing activities", "Operações de tratamento"),
            (process, other),
            tuple(labels.values()),
            text=say(
                "One entry for each declared process, with what the lineage shows it touched.",
                "Uma entrada para cada processo declarado, com o que a linhagem mostra.",
            ),
        ),
        Section(
            say("Datasets [with: personal/data]", "Conjuntos [com: dados/pessoais]"),
            datasets,
            head,
            "table",
        ),
        Section(
            say("Datasets with personal data of staff", "Conjuntos com dados pessoais de pessoal"),
            datasets[:1],
            head,
            "table",
        ),
        Section(
            say("Joint controllers", "Controladores conjuntos"),
            (),
            (labels["a"],),
            empty=say(
                "None is declared. That is not the same as none.",
                "Nenhum declarado. Não é o mesmo que nenhum.",
            ),
        ),
        Section(
            say("The organisation", "A organização"),
            (Entry("the report itself", (answer("a", labels["a"], Cell("A", "declared")),)),),
            (labels["a"],),
        ),
    )
    findings = (
        Finding(
            "info",
            say("Simplified record", "Registro simplificado"),
            say(
                "High-risk processing may not use the simplified form.",
                "Tratamento de alto risco não pode usar o modelo simplificado.",
            ),
            "LGPD art. 37",
            say("the report", "o relatório"),
        ),
        Finding(
            "warning",
            say("Unkeyed hash of a small domain", "Hash sem chave de domínio pequeno"),
            f"{path}\n{AWKWARD['long']}",
            "GDPR Art. 4(5)",
            "features@2",
            "urn:lineage-graph:dataset-version:f2",
        ),
        Finding(
            "error",
            say("Special category without a basis", "Dado sensível sem hipótese legal"),
            say(
                "bookings@3.meal shows religion, and no basis of Art. 9(2) is declared.",
                "bookings@3.meal revela religião, e nenhuma base do Art. 9(2) foi declarada.",
            ),
            "GDPR Art. 9(2)",
            AWKWARD["emoji"],
            "urn:lineage-graph:dataset-version:b3",
        ),
        Finding("error", AWKWARD["markup"], AWKWARD["formula"], "GDPR Art. 5", AWKWARD["sum"]),
    )
    gaps = (
        Gap(labels["f"], process.title, missing, "GDPR Art. 30(1)(f)", 4),
        *(
            Gap(label, other.title, missing, f"GDPR Art. 30(1)({name})")
            for name, label in labels.items()
        ),
    )
    return Report(
        name="ropa",
        law="gdpr",
        lang=lang,
        title=say("Record of processing activities", "Registro das operações de tratamento"),
        legal_basis="GDPR Art. 30(1)" if lang == "en" else "LGPD art. 37; GDPR Art. 30(1)",
        sections=sections,
        findings=findings,
        gaps=gaps,
        satisfied=173,
        applicable=271,
        sources=Sources(
            seq=4711,
            chain="7f3c" * 16,
            ontology={"privacy.ttl": "ab" * 32, "reports/ropa-gdpr.ttl": "cd" * 32},
            policy={"minGroupSize": "10", "largeScaleThreshold": "100000"},
            made_at="2026-11-26 11:30:00 UTC",
            software="lineage-graph 0.4.0",
        ),
        disclaimer=words(lang)["disclaimer"],
        words=words(lang),
        parameters={"dataset": AWKWARD["right to left"]},
    )
