"""What every module keeps to, whoever writes it."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lineage_graph"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEST_FILES = sorted((ROOT / "tests").rglob("test_*.py"))

LONGEST_MODULE = 400
MOST_COMMENTS = 8  # lines in a hundred
HEAVY = ("pyspark", "sklearn", "pandas", "networkx", "pyoxigraph", "fastapi")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_module = pytest.mark.parametrize("module", MODULES, ids=named)


def test_the_layers_and_the_doors_hold() -> None:
    answer = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


@every_module
def test_no_iri_is_written_in_python(module: Path) -> None:
    tree = ast.parse(module.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    values = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]
    assert [
        value for value in values if re.search(r"https?://\w+[.]\w|purl[.]|w3id[.]", value)
    ] == []


@every_module
def test_a_module_is_one_idea(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LONGEST_MODULE


@every_module
def test_a_module_is_named_after_what_it_holds(module: Path) -> None:
    assert not re.search(r"util|helper|manager|service|common|misc", module.stem)


@every_module
def test_what_is_public_is_documented(module: Path) -> None:
    tree = ast.parse(module.read_text())
    assert ast.get_docstring(tree)
    assert [name for name, node in public(tree) if not ast.get_docstring(node)] == []


def public(
    tree: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Yield the public classes, functions and methods of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{node.name}.")


@every_module
def test_comments_are_few(module: Path) -> None:
    source = module.read_text()
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    assert len(comments) * 100 <= MOST_COMMENTS * max(len(source.splitlines()), 100)


def loaded_by(code: str) -> set[str]:
    """Return which heavy packages a fresh Python has loaded after some code."""
    ask = f"{code}\nprint('loaded', *(p for p in {HEAVY} if p in sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys\n{ask}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(answer.stdout.splitlines()[-1].split()[1:])


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import lineage_graph") == set()


def test_help_loads_nothing_heavy() -> None:
    assert (
        loaded_by(
            "from lineage_graph.cli import main\n"
            "try:\n"
            "    main(['--help'])\n"
            "except SystemExit as end:\n"
            "    assert not end.code, end.code"
        )
        == set()
    )


def test_no_two_test_files_hide_each_other_and_all_are_collected() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    collected = {line.partition(":")[0] for line in answer.stdout.splitlines()}
    assert {named(path) for path in TEST_FILES} <= collected, answer.stdout + answer.stderr
