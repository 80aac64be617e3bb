"""What the demonstration prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from lineage_graph.compliance.report import Report
from lineage_graph.errors import PolicyRefused
from lineage_graph.graph import Graph
from lineage_graph.licensing import NOT_ADVICE, Impact
from lineage_graph.licensing.showing import bindings
from lineage_graph.privacy.status import Status
from lineage_graph.privacy.subjects import SubjectImpact
from lineage_graph.privacy.values import Label
from lineage_graph.replay.renewal import Renewal

MEASURES = ("evaluation/roc_auc", "evaluation/areaUnderROC", "training/silhouette")
console = Console()


def models(described: list[dict[str, Any]]) -> None:
    """Show the recorded models."""
    rows = []
    for model in described:
        measures = model.get("metrics", {})
        shown = [f"{name} {measures[name]:.3f}" for name in MEASURES if name in measures]
        algorithm, _, release = model["algorithm"].rpartition(" ")
        trained_on = model["made_from"]["input:0"]
        called = f"{algorithm.rpartition('.')[2]} {release}"
        rows.append((model["name"], called, trained_on, ", ".join(shown)))
    _print("Recorded models", ("model", "algorithm", "trained on", "measures"), rows)


def verdicts(title: str, rebuilds: list[dict[str, Any]]) -> None:
    """Show the verdicts of rebuilds."""
    rows = [(r["name"], r["verdict"], r["outputs"][-1]["explanation"]) for r in rebuilds]
    _print(title, ("what", "verdict", "why"), rows)


def terms(graph: Graph, name: str, policies: Sequence[str]) -> None:
    """Show what binds something under each policy, each term with its path."""
    for policy in policies:
        found = graph.license_terms(name, policy)
        rows = [row[:6] for row in bindings(found)]
        said = ", ".join(f"{use}: {verdict}" for use, verdict in found.verdicts.items())
        under = "" if found.outbound is None else f"; out under {', '.join(found.outbound)}"
        columns = ("source", "licence", "left", "duties", "prohibited", "by which path")
        _print(f"What binds {found.name}, {policy} reading: {said}{under}", columns, rows)
    rows_ = ", ".join(reading.label for reading in found.depends_on["share"]) or "nothing"
    console.print(f"What decides whether it may be shared freely: {rows_}")
    console.print(NOT_ADVICE)


def postal_codes(graph: Graph, folder: Path) -> bool:
    """Show that contradictory statements are a conflict, and that publishing is refused."""
    rows = [
        (said["said_by"], said["expression"], said["location"], said["evidence"][:12])
        for said in graph.license_statements("postal-codes")
    ]
    found = graph.license_terms("postal-codes")
    title = f"The licence of {found.name}: {found.verdicts['share']}"
    _print(title, ("who says it", "licence", "evidence", "sha256"), rows)
    try:
        graph.publish("postal-codes", folder)
    except PolicyRefused as refused:
        console.print(f"Publishing it is refused. {refused}", soft_wrap=True, markup=False)
        return found.verdicts["share"] == "conflict"
    return False


def impact(found: Impact) -> None:
    """Show what is affected if a source's licence ends, and what is not."""
    rows = [(row.artifact, row.level, row.remedy, row.advice) for row in found.rows()]
    _print(f"If the licence of {found.what} ends", ("what", "left", "remedy", "what to do"), rows)
    console.print(f"Not affected: {', '.join(found.unaffected())}")


def before_and_after(graph: Graph, renewals: Sequence[Renewal]) -> None:
    """Show terms and measures before and after, side by side."""
    rows = []
    steps = {step.old: step for renewal in renewals for step in renewal.steps}
    for step in steps.values():
        names = (step.old_name, step.new_name)
        shares = [graph.license_terms(name).verdicts["share"] for name in names]
        measures = [
            f"{measure} {_number(before)} -> {_number(after)}"
            for measure, (before, after) in sorted(step.metrics.items())
            if measure in MEASURES
        ]
        counts = " -> ".join(f"{count:,}" for count in step.rows if count is not None)
        shown = ", ".join(measures) or (f"rows {counts}" if counts else "")
        rows.append((" -> ".join(names), " -> ".join(shares), shown))
    _print("Made again from the other edition", ("what", "may it be shared", "measures"), rows)


def types(labels: Sequence[Label]) -> None:
    """Show what was found in the columns of a table, and why."""
    rows = [
        (
            label.column,
            (label.semantic_type or "unknown").rpartition("/")[2],
            label.status,
            "-" if label.value_share is None else f"{label.value_share:.0%} of {label.sample_size}",
            label.header or "-",
            ", ".join(label.validators) or "-",
        )
        for label in labels
    ]
    columns = ("column", "type", "status", "values that fit", "header", "checks passed")
    _print("What the columns of passengers hold (synthetic)", columns, rows)


def statuses(found: Iterable[Status]) -> None:
    """Show what each dataset and model is, with the rule and the path."""
    rows = [(one.name, one.label, one.path or one.why) for one in found if one.personal]
    _print("What is personal data, and by which path", ("what", "status", "path"), rows)


def report(found: Report) -> None:
    """Show how complete a report is, and what it found."""
    share = "nothing applies" if found.completeness is None else f"{found.completeness:.0%}"
    counts = f"{len(found.findings)} findings, {len(found.gaps)} gaps"
    console.print(f"{found.title} ({found.legal_basis}): {share} recorded, {counts}")


def subject(impact: SubjectImpact) -> None:
    """Show where one person is, down to models and predictions."""
    rows = [(row.name, row.verdict, row.why) for row in impact.rows()]
    _print("Where one passenger is", ("what", "verdict", "why"), rows)


def what_next(folder: Path, altered: Path, seconds: float) -> None:
    """Say what can be typed now."""
    console.print(f"Done in {seconds:.0f} s. {altered} is still altered; ./demo puts it back.")
    pages = (
        "terms-of-late-classifier@1.html",
        "impact-of-routes.html",
        "NOTICE.md",
        "ropa-gdpr.en.html",
        "ropa-lgpd.pt-BR.html",
        "ripd-lgpd.pt-BR.html",
    )
    console.print(f"To open: {', '.join(str(folder / page) for page in pages)}", soft_wrap=True)
    console.print("Now type, for example:")
    for command in (
        "show late-classifier",
        "lineage late-predictions",
        "license terms late-classifier@1",
        "license impact ODbL-1.0",
        "license check late-classifier@1 --for share --as MIT",
        "export late-classifier@1 --format replay --out demo-output/method",
        "privacy no-show",
        "report ropa --law lgpd --lang pt-BR --out demo-output/ropa.pdf",
        "rebuild destination-groups",
        "verify",
    ):
        console.print(
            f"  .venv/bin/lineage-graph --store {folder / 'store'} {command}", soft_wrap=True
        )


def _print(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
