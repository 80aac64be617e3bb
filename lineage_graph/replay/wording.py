"""A method in words that a person can read, and the script that executes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lineage_graph import __version__
from lineage_graph.replay.method import Method, Operator, Source, Step

REPLAY: Final = '''\
"""Executes steps.json on your copies of the sources and compares each output with the record.

The programs are executed on this machine: read README.md first. It needs
pip install "lineage-graph[spark,sklearn]" and Java 17 or newer.
Exit status: 0 all identical, 6 something differs, 1 it failed or a step cannot be replayed.
"""

import argparse
import sys
from pathlib import Path

from lineage_graph.errors import LineageGraphError
from lineage_graph.graph.scripting import run_script

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--source", action="append", default=[], metavar="NAME=PATH", help="a file or a folder"
    )
    parser.add_argument("--into", required=True, metavar="DIR", help="new folder for the outputs")
    given = parser.parse_args()
    sources = dict(said.partition("=")[::2] for said in given.source)
    try:
        done = run_script(Path(__file__).parent, sources, given.into, tell=print)
    except LineageGraphError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    sys.exit(done.exit_status)
'''

_PURPOSE: Final = """\
This folder says how the data named above was made from its sources: it is the method of
making the alterations, in words (below), for a program (`steps.json` and `programs/`) and
ready to be executed (`replay.py`).

It is meant for section 4.6(b) of the Open Database License (ODbL) 1.0: whoever publicly uses
a derivative database, or a work produced from one, offers the derivative database or "a file
containing all of the alterations made to the Database or the method of making the alterations
to the Database (such as an algorithm), including any additional Contents, that make up all the
differences between the Database and the Derivative Database". The files of the sources are not
in this folder: whoever passes it on sees to it that all of them can be had.

Nothing in this folder is legal advice. Whether that section applies, and whether this folder
is enough, is for you and your counsel to say. It was written from a record of what was
executed; the licences of the sources are not repeated here.
"""

_RUNNING: Final = """\
## How to execute it

The programs in `programs/` are executed on your machine: execute only what you trust. Python
functions that a step calls are in its program as compiled code; their text was not recorded.

```sh
pip install "lineage-graph[spark,sklearn]"
{command}
```

Every file of a source is compared with its sha256 first; when one differs, it is named and
nothing is executed. A source is given as its file, or as the folder that holds its files. Each
output is left in the folder after `--into` and its fingerprint compared: `identical` or
`different` is printed for each step. Exit status: 0 all are identical, 6 one differs, 1 it failed
or a step cannot be replayed. Written by lineage-graph {version}.
"""

_REPEATS: Final = {
    "by-order": "the order in which rows arrive may decide the result",
    "never": "may give another result each time",
}
_EXECUTORS: Final = {"spark": "Spark", "spark-ml": "Spark ML", "sklearn": "scikit-learn"}


def readme(method: Method) -> str:
    """Return the method as Markdown."""
    lines = [f"# How {_code(method.target)} was made", "", _PURPOSE]
    lines += _warning(method.steps)
    lines += ["## Sources", ""]
    for source in method.sources:
        lines += [*_source(source), ""]
    lines += ["## Steps", ""]
    for number, step in enumerate(method.steps, 1):
        lines += [*_step(number, step), ""]
    sayings = "".join(
        f" \\\n  --source {_quoted(s.name)}=PATH"
        for s in method.sources
        if s.files and not s.travels
    )
    command = f"python replay.py --into DIR{sayings}"
    return "\n".join([*lines, _RUNNING.format(command=command, version=__version__)])


def _warning(steps: Sequence[Step]) -> Iterator[str]:
    cannot = [step for step in steps if step.obstacle is not None]
    if cannot:
        names = ", ".join(_code(step.name) for step in cannot)
        yield (
            f"**`replay.py` does not execute all of it.** Not replayable: {names}. The reason is "
            "said with each step; the method is said in words nevertheless."
        )
        yield ""


def _source(source: Source) -> Iterator[str]:
    yield f"### {_code(source.name)}"
    yield ""
    if source.obstacle is not None:
        yield f"Cannot be checked: {source.obstacle}."
    elif source.format == "local":
        yield (
            "Rows that were held in memory, as Arrow data. "
            + (
                "They are in `data/`: look at what they say before you pass this folder on."
                if source.travels
                else "They are not in this folder: ask whoever gave it to you for them."
            )
        )
    else:
        yield f"Read as {_code(source.format)}{_options(source)}."
    if source.schema is not None and source.format != "local":
        yield f"Schema: {_code(source.schema)}."
    yield from _content(source.rows, source.fingerprint)
    if source.manifest is not None:
        yield f"sha256 of the list of its files: {_code(source.manifest)}."
        yield ""
        yield "| file | bytes | sha256 |"
        yield "|---|---|---|"
        for file in source.files:
            yield f"| {_cell(file.name)} | {file.size} | `{file.sha256}` |"


def _options(source: Source) -> str:
    said = [_code(f"{name} = {value}") for name, value in sorted(source.options.items())]
    return f" with {', '.join(said)}" if said else ""


def _content(rows: int | None, fingerprint: str | None) -> Iterator[str]:
    if fingerprint is not None:
        counted = "" if rows is None else f"{rows:,} rows, "
        yield f"Content: {counted}fingerprint {_code(fingerprint)}."


def _step(number: int, step: Step) -> Iterator[str]:
    yield f"### {number}. {_code(step.name)}"
    yield ""
    executor = _EXECUTORS.get(step.executor, step.executor)
    yield f"Made by {_code(step.label)} with {executor}{_releases(step)}."
    yield ""
    for slot, name in sorted(step.inputs.items()):
        yield f"- {_code(slot)} is {_code(name)}"
    yield ""
    yield "Operators, in order:" if step.operators else "Its operators were not recorded."
    yield ""
    for place, operator in enumerate(step.operators, 1):
        yield f"{place}. {_operator(operator)}"
    yield ""
    yield from _result(step)
    for caution in step.cautions:
        yield ""
        yield f"Caution: {_plain(caution)}."
    if step.obstacle is not None:
        yield ""
        yield f"**Not replayable:** {_plain(step.obstacle)}."


def _result(step: Step) -> Iterator[str]:
    if step.expected is None:
        yield "What came out was not recorded."
        return
    yield from _content(step.expected["rows"], step.expected["fingerprint"])
    for name, value in sorted(step.expected["metrics"].items()):
        yield f"- {_code(name)} was {value!r}"
    if step.program is not None:
        yield ""
        yield f"Program: {_code(f'programs/{step.program}')}."


def _releases(step: Step) -> str:
    said = [f"{fact} {release}" for fact, release in step.environment.items()]
    return f" ({', '.join(said)})" if said else ""


def _operator(operator: Operator) -> str:
    text = f"**{_plain(operator.name)}**"
    if operator.parameters:
        text += f" {_code(operator.parameters)}"
    if operator.reads:
        text += f" of {', '.join(map(str, operator.reads))}"
    repeats = _REPEATS.get(operator.repeats or "")
    return f"{text} ({repeats})" if repeats else text


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*<>\[\]#|])", r"\\\1", " ".join(text.split())).rstrip(".")


def _code(text: str) -> str:
    """Return text as Markdown's code, whatever is in it."""
    line = " ".join(text.split("\n"))
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{padding}{line}{padding}{ticks}"


def _cell(text: str) -> str:
    return _code(text).replace("|", "\\|")


def _quoted(text: str) -> str:
    """Return text as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"
