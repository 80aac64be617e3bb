"""The program around the commands: options that stand anywhere, and how it ends."""

from __future__ import annotations

import inspect
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lineage_graph.drawing.text import printable
from lineage_graph.errors import LineageGraphError, StoreUnavailable

if TYPE_CHECKING:
    from lineage_graph.graph import Graph

NAME = "lineage-graph"
INTERRUPTED = 130
PIPE_CLOSED = 141

DESCRIPTION = """Ask how datasets and models came to be, and make it happen again.

\b
Exit status:
  0  yes, done
  1  no, or it failed; a rebuild is impossible
  2  wrong usage
  3  a prerequisite is missing
  4  not found
  5  refused by policy
  6  the rebuild differs from the record
"""

EXAMPLES = """\b
Examples:
  lineage-graph datasets
  lineage-graph lineage predictions
  lineage-graph rebuild predictions@2 --into again
"""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

app = typer.Typer(
    name=NAME,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)


_GROUPS: dict[str, typer.Typer] = {}


def group(name: str, about: str) -> None:
    """Make a group of commands, named by two words: ``license terms``."""
    _GROUPS[name] = typer.Typer(
        help=about, no_args_is_help=True, rich_markup_mode=None, context_settings=_SETTINGS
    )
    app.add_typer(_GROUPS[name], name=name)


@dataclass
class Session:
    """What holds for one run of the program.

    Attributes:
        store: Folder of the store, or address of a server; None for the usual one.
        declarations: Folder of one's own ``ontology/`` and ``queries/``.
        as_json: Whether data is written as JSON.
        quiet: Whether talk and progress are left out.
        debug: Whether a failure shows its traceback.
    """

    store: str | None = None
    declarations: Path | None = None
    as_json: bool = False
    quiet: bool = False
    debug: bool = False

    def set(
        self,
        store: str | None,
        declarations: Path | None,
        as_json: bool,
        quiet: bool,
        debug: bool,
    ) -> None:
        """Take over options, wherever on the line they stood."""
        self.store = store or self.store
        self.declarations = declarations or self.declarations
        self.as_json |= as_json
        self.quiet |= quiet
        self.debug |= debug

    @contextmanager
    def graph(self) -> Iterator[Graph]:
        """Open the store for the time of a question; a question never creates a folder.

        Raises:
            StoreUnavailable: There is no store in the folder.
        """
        from lineage_graph.graph import connect
        from lineage_graph.graph.folders import SERVERS, Folders, named_store, store_folder

        store = named_store(self.store)
        if not store.startswith(SERVERS) and not Folders(store_folder(store)).ledger.is_file():
            folder = str(store_folder(store))
            raise StoreUnavailable(
                f"There is no store in {folder!r}. Name an existing one with --store"
                " FOLDER or LINEAGE_GRAPH_STORE, or record something first: in Python,"
                f" graph = lineage_graph.connect({folder!r})"
            )
        graph = connect(store, declarations=self.declarations, quiet=self.quiet)
        try:
            yield graph
        finally:
            graph.close()

    def say(self, text: str) -> None:
        """Tell a person something that is not data."""
        if not self.quiet:
            print(_lines(text), file=sys.stderr)


Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FOLDER",
        help="Folder of the store, or http(s):// address of a server; else LINEAGE_GRAPH_STORE, "
        "else .lineage.",
    ),
]
Declared = Annotated[
    Path | None,
    typer.Option(
        "--declarations",
        metavar="FOLDER",
        envvar="LINEAGE_GRAPH_DECLARATIONS",
        help="Your own ontology/ and queries/, beside ours.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write data as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No talk and no progress on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")]


def _everywhere(
    store: Store = None,
    declarations: Declared = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Options of every command."""


def _version(wanted: bool) -> None:
    if wanted:
        from lineage_graph import __version__

        print(NAME, __version__)
        raise typer.Exit


@app.callback(help=DESCRIPTION, epilog=EXAMPLES)
def _program(
    context: typer.Context,
    store: Store = None,
    declarations: Declared = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    context.obj.set(store, declarations, as_json, quiet, debug)


def command(
    name: str, *examples: str, hidden: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command.

    It is called with the :class:`Session` and its own options; the options of every
    command are added to them, so that they may stand before or after its name.

    Args:
        name: The command; with a space in it, the group and the command.
        *examples: Lines for its help.
        hidden: Whether it is left out of the list of commands.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        shared = inspect.signature(_everywhere, eval_str=True).parameters
        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        context = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )
        parameters = [
            p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *shared.values())
        ]

        def invoke(context: typer.Context, **given: Any) -> None:
            session: Session = context.obj
            session.set(**{key: given.pop(key) for key in shared})
            with _reader_may_leave():
                function(session, **given)
                sys.stdout.flush()

        signature = inspect.Signature([context, *parameters])
        invoke.__dict__["__signature__"] = signature
        invoke.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        epilog = "\b\nExamples:\n" + "\n".join(f"  {NAME} {line}" for line in examples)
        within, _, last = name.rpartition(" ")
        chosen = _GROUPS[within] if within else app
        chosen.command(last, help=function.__doc__, epilog=epilog, hidden=hidden)(invoke)
        return function

    return register


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit status.

    Args:
        arguments: What stands after the program's name; None takes the process's own.
    """
    # A name that the terminal's encoding lacks is shown escaped instead of failing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    session = Session()
    try:
        app(args=arguments, prog_name=NAME, obj=session)
    except SystemExit as end:
        status = int(end.code or 0)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except Exception as problem:
        status = _failed(session, problem)
    if status == INTERRUPTED:
        session.say("Interrupted.")
    sys.exit(status)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """End quietly when whoever reads stdout, such as ``head``, has gone."""
    try:
        yield
    except BrokenPipeError:
        # Python flushes once more at exit, which must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(PIPE_CLOSED) from None


def _failed(session: Session, problem: Exception) -> int:
    """Say on stderr what went wrong and return the exit status."""
    if isinstance(problem, LineageGraphError):
        code, message, status = problem.code, str(problem), problem.exit_status
    else:
        code, status = "unexpected", 1
        message = f"{type(problem).__name__}: {problem}".rstrip(": ")
        if not session.debug:
            message += ". This was not expected; run again with --debug to see where it happened"
    if session.debug:
        traceback.print_exception(problem)
    if session.as_json:
        failure = {"code": code, "message": message, "exit_status": status}
        print(json.dumps(failure), file=sys.stderr)
    else:
        one_line = " ".join(message.split("\n")) if code == "unexpected" else message
        print(f"Error: {_lines(one_line)}", file=sys.stderr)
    return status


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
