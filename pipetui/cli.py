"""The command line: what may be said, and who does it. A command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import io
import sys
from importlib import import_module

from . import __version__
from .commands.exits import BROKEN_PIPE, CRASH, INTERRUPTED, USAGE, Exit

TYPE_CHECKING = False  # true for type checkers; `typing` itself would cost every start 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, NoReturn

    from .commands.exits import Command

EXIT_CODES = """\
exit codes: 0 as asked, 1 crash, 2 wrong use or invalid value, 3 a job failed, 4 it waits for a person,
            5 locked or changed meanwhile, 128+n ended by signal n"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code. Errors are one sentence on stderr, and with --json a document too."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    _prepare_streams()
    args = argparse.Namespace(json="--json" in given, debug="--debug" in given, env="prod")
    try:
        try:
            args = (parser() if given else _top()).parse_args(given)
            if args.sandbox and args.call != "start:app":
                raise Exit(USAGE, "--sandbox opens the app; a command takes its data with --env sandbox.")
            code = _command(args.call)(args)
        except Exit as end:
            code = _say(end, args)
        except KeyboardInterrupt:
            code = _say(Exit(INTERRUPTED, "Interrupted."), args)
        except BrokenPipeError:
            raise
        except Exception as error:  # the last one who can turn it into a sentence
            from .commands.errors import explain

            code = _say(explain(error, args), args)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has gone, and wants no more
        _abandon_stdout()
        return BROKEN_PIPE
    except OSError as error:
        _abandon_stdout()
        sys.stderr.write(f"pipetui: The output can't be written: {error.strerror}.\n")
        return CRASH
    return code


def _command(call: str) -> Command:
    """`runs:show` is the function `show` in commands/runs.py."""
    module, _, name = call.partition(":")
    command: Command = getattr(import_module(f".commands.{module}", __package__), name)
    return command


def _say(end: Exit, args: argparse.Namespace) -> int:
    from .text import one_line

    if end.message:
        sys.stderr.write(f"pipetui: {one_line(end.message)}\n")
    if getattr(args, "json", False):
        from .commands.output import document

        document((end.document or {}) | {"error": end.message, "exit": end.code})
    return end.code


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by our caller
            setattr(sys, name, io.StringIO())
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # ✓ in a Latin-1 locale must not be the end
    sys.stdin = sys.stdin or io.StringIO()


def _abandon_stdout() -> None:
    """So that the interpreter's own flush at exit has nothing to complain about."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    """argparse that says one sentence, and needs no `shutil` to find out how wide the terminal is."""

    def __init__(self, **more: Any) -> None:
        more.setdefault("formatter_class", _formatter)
        super().__init__(allow_abbrev=False, **more)

    def error(self, message: str) -> NoReturn:
        raise Exit(USAGE, f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def _formatter(prog: str) -> argparse.HelpFormatter:
    import os

    try:
        width = int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            width = 80
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=max(40, min(width, 120)) - 2)


def _top() -> argparse.ArgumentParser:
    """The grammar without its commands: all that the app's start needs. See `parser`."""
    top = _Parser(
        prog="pipetui",
        description="Guided, repeatable, multi-step jobs in the terminal. Without a command: the app.",
        epilog=EXIT_CODES,
    )
    top.add_argument("--version", action="version", version=f"pipetui {__version__}")
    top.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    top.add_argument("--sandbox", action="store_true", help="practise: nothing is real, and data are kept apart")
    _common(top, profile=None, env="prod", debug=False)
    top.set_defaults(call="start:app", json=False)
    return top


def parser() -> argparse.ArgumentParser:
    """The whole grammar; every namespace that it makes has `call`, `profile`, `env` and `debug`."""
    top = _top()
    everywhere = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    _common(everywhere)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, call: str, help: str, *, json: bool = True, **more: Any) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help, parents=[everywhere], **more)
        made.set_defaults(call=call)
        if json:
            made.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")
        return made

    _run(command("run", "run:run", "make a run or go on with one, as far as it goes", epilog=EXIT_CODES))
    runs = command("runs", "runs:runs", "list the runs, the last changed first")
    runs.add_argument("--all", action="store_true", help="with the archived ones")
    runs.add_argument("--limit", type=_count, default=50, metavar="N", help="at most N (50)")
    for name, help in (("show", "a run's cards, files and record"), ("events", "a run's history")):
        command(name, f"runs:{name}", help).add_argument(
            "key", type=_text, metavar="KEY", help="profile-APP_NAME-part, or its id"
        )
    command("workflows", "workflows:workflows", "list the workflows, and what does not load")
    describe = command("describe", "workflows:describe", "a workflow's steps, and what each accepts")
    describe.add_argument("name", metavar="NAME", help="its APP_NAME")
    jobs = command("jobs", "jobs:jobs", "list the background jobs, the newest first")
    jobs.add_argument("--follow", action="store_true", help="tell what happens to them until Ctrl+C")
    jobs.add_argument("--limit", type=_count, default=50, metavar="N", help="at most N (50)")
    for name, help in (("cancel", "stop a job"), ("retry", "run a failed or cancelled job again")):
        command(name, f"jobs:{name}", help).add_argument(
            "id", type=_text, metavar="ID", help="a job's id, or how it starts"
        )
    for name, help in (("tasks", "what is to be done"), ("profiles", "the clients and projects")):
        toggles = "done" if name == "tasks" else "active"
        verbs = ("list", "add", "edit", toggles, "delete", "sort")
        each = command(name, "collections:collection", f"{help}: {', '.join(verbs)}")
        each.add_argument("verb", nargs="?", default="list", choices=verbs, metavar="WHAT", help=", ".join(verbs))
        each.add_argument("words", nargs="*", metavar="ARGUMENT", help="its arguments in their order, or NAME=VALUE")
        each.set_defaults(collection=name)
    command("actions", "collections:actions", "list what the chat can be asked to do; --json: with its schemas")
    worker = command("worker", "start:worker", "run the background jobs (started when needed)", json=False)
    worker.add_argument("--idle", type=float, metavar="SECONDS", help="end after so long without a job")
    service = worker.add_mutually_exclusive_group()
    service.add_argument("--install", action="store_true", help="make a user service that starts it at boot")
    service.add_argument("--uninstall", action="store_true", help="remove that service")
    _links(command("links", "links:report", "measure link graphs", json=False), everywhere)
    command("credits", "credits:credits", "what exports cost, by profile and month")
    backup = command("backup", "data:backup", "save a copy of the database")
    backup.add_argument("file", nargs="?", metavar="FILE", help="a file or folder (the folder of backups)")
    restore = command("restore", "data:restore", "go back to a backup; what is there now is saved first")
    restore.add_argument("file", metavar="FILE")
    reset = command("reset", "data:reset", "delete all data of an environment that is not prod")
    for asks in (restore, reset):
        asks.add_argument("--yes", action="store_true", help="don't ask")
    command("doctor", "doctor:doctor", "look at everything that pipetui needs, and say what to do")
    logs = command("logs", "logs:logs", "show what was logged", json=False)
    logs.add_argument("--follow", action="store_true", help="go on until Ctrl+C")
    logs.add_argument("--level", choices=("debug", "info", "warning", "error"), default="debug", metavar="LEVEL",
                      help="debug, info, warning or error, and what is graver")  # fmt: skip
    logs.add_argument("--limit", type=_count, default=200, metavar="N", help="the last N entries (200)")
    settings = command("settings", "settings:settings", "list the settings and the keys, or change some")
    settings.add_argument("words", nargs="*", choices=_SettingNames(), metavar="NAME[=VALUE]",
                          help="list these (`chat`, `keys`), or change them; =@FILE reads a file")  # fmt: skip
    settings.add_argument("--reset", action="append", default=[], choices=_SettingNames(), metavar="NAME",
                          help="give this one back to its default")  # fmt: skip
    _sandbox(command("sandbox", "sandbox:sandbox", "a local Botify and web site to practise with, until Ctrl+C"))
    completion = command("completion", "completion:completion", "print completions for a shell", json=False)
    completion.add_argument(
        "shell", choices=("bash", "zsh", "fish", "tcsh"), metavar="SHELL", help="bash, zsh, fish or tcsh"
    )
    completion.set_defaults(grammar=parser)
    return top


class _SettingNames:
    """The names of the settings, for completions; whether a word is one, and its value right, the command says."""

    def __contains__(self, word: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        from .commands.settings import names

        return iter(names())


def _common(parser: argparse.ArgumentParser, **defaults: object) -> None:
    """Options that may stand before and after the command. After it they have no default: it would win."""
    parser.add_argument("--profile", type=_text, metavar="NAME", help="the client or project (`default`; lists: all)")
    parser.add_argument("--env", metavar="NAME", help="data, settings and logs of their own (`prod`)")
    parser.add_argument("--debug", action="store_true", help="log more, and show the traceback of a crash")
    parser.set_defaults(**defaults)


def _run(run: argparse.ArgumentParser) -> None:
    run.add_argument("workflow", metavar="WORKFLOW", help="its APP_NAME: `pipetui workflows`")
    run.add_argument("--key", metavar="KEY", help="go on with this run, or make it (the next free number)")
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="sets",
                     help="a step's value, or options.timeout=5 a member's; @FILE reads a file, - stdin")  # fmt: skip
    run.add_argument("--answer", action="append", default=[], metavar="NAME=VALUE", dest="answers",
                     help="answer what a job asks, or agree to what costs something")  # fmt: skip
    run.add_argument("--ask", action="store_true", help="stop where defaults would be taken")
    run.add_argument("--unfinalize", action="store_true", help="unlock the run first")
    run.add_argument("--undo", action="store_true", help="take back the last change first")
    run.add_argument("--revert", metavar="STEP", help="open this step again first")
    run.add_argument("--wait", action="store_true", help="wait for jobs; progress on stderr")
    run.add_argument("--finalize", action="store_true", help="lock the run at the end")


def _sandbox(sandbox: argparse.ArgumentParser) -> None:
    sandbox.add_argument("--port", type=int, default=0, metavar="N", help="the API's; the others take the next two")
    sandbox.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other data (1)")
    sandbox.add_argument("--links", type=int, default=20_000, metavar="N", help="links of the largest crawl (20000)")
    sandbox.add_argument("--idle", type=float, metavar="SECONDS", help="end when nobody asked anything for so long")
    sandbox.add_argument("--files", metavar="DIR", help="keep export files here for the next time")
    sandbox.add_argument("--fault", action="append", default=[], metavar="NAME[:OPTION=VALUE,…]", dest="faults",
                         help="let something go wrong, as in slow:seconds=3,route=query,times=2")  # fmt: skip
    sandbox.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings",
                         help="change a setting, as in list_lag=5")  # fmt: skip
    sandbox.add_argument("--knobs", action="store_true", help="list all faults and settings, and end")


def _links(links: argparse.ArgumentParser, everywhere: argparse.ArgumentParser) -> None:
    about = "measure a link graph in CSV files; report and tables go to a folder"
    report = links.add_subparsers(metavar="COMMAND", required=True).add_parser(
        "report", help=about, description=about, parents=[everywhere]
    )
    report.add_argument("edges", nargs="+", metavar="EDGES", help="a CSV file of links, gzip or not")
    report.add_argument("--nodes", action="append", default=[], metavar="FILE",
                        help="a CSV file about pages: address, status, page type, more; may be said again")  # fmt: skip
    report.add_argument("--out", required=True, metavar="DIR", help="the folder to write to")
    report.add_argument("--home", metavar="URL", help="where click depth starts (guessed)")
    report.add_argument("--source", metavar="COLUMN", help="name or number of the column that links start from")
    report.add_argument("--target", metavar="COLUMN", help="name or number of the column that links lead to")
    report.add_argument("--weighted", action="store_true", help="PageRank follows links by weight, not all alike")
    report.add_argument("--without", nargs=2, metavar=("FROM", "TO"),
                        help="which pages lose if these links go: addresses with *, or type:NAME")  # fmt: skip
    report.add_argument("--tables-only", action="store_true", help="no GraphML, GEXF and Cosmograph files")
    report.add_argument("--json", action="store_true", help="one JSON document on stdout, nothing else")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 100_000):
        raise argparse.ArgumentTypeError(f"must be a number from 1 to 100,000, not {text!r}")
    return int(text)


def _text(text: str) -> str:
    """A name that is looked up: bytes that are no UTF-8 come as half characters, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"must be text, not {text!r}") from None
    return text
