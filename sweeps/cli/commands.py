"""The command line: `sweeps COMMAND`, or `python -m sweeps COMMAND`.

Standard output holds the answer, standard error the progress; every mistake of the user ends with
one message and its own exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from sweeps.cli.answer_commands import add_answer_commands
from sweeps.cli.cluster_commands import add_cluster_commands, ask_cluster, send_to_cluster
from sweeps.cli.completion import SHELLS, completion_script
from sweeps.cli.file_commands import add_file_commands
from sweeps.cli.output import checked_messages, checked_output
from sweeps.cli.project_commands import add_project_commands
from sweeps.cli.replay_command import add_replay_command
from sweeps.cli.run_commands import add_run_commands
from sweeps.definition.own_files import import_from_here
from sweeps.errors import PlacementError, StoppedAtOnce, SweepError, SweepFileError
from sweeps.infra import command_line
from sweeps.infra.other_package import clash
from sweeps.infra.plain_text import shown
from sweeps.search_spaces.problems import did_you_mean
from sweeps.session.environment import find_run

__all__ = ["main"]

_COMPLETION = 'in ~/.bashrc: eval "$(sweeps completion bash)"'
_INTERRUPTED = 130
_NOT_PARSED = 2  # as argparse ends
_RECORDED = "; what was reported is kept: `{}` shows the sweep, `{}` continues it"


@checked_messages()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; argparse exits with 2 where it cannot be parsed."""
    if problem := clash():
        print(f"error: {problem}", file=sys.stderr)
        return 1
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser, commands = _parser()
    if not given:
        parser.print_help(sys.stderr)
        return _NOT_PARSED
    if not (given[0] in commands or given[0].startswith("-")):
        parser.error(_unknown_command(given[0], commands))
    parsed, unknown = parser.parse_known_args(given)
    if unknown:  # with the usage of the command, not that of the whole program
        hint = _hint_of_unknown(unknown, parsed)
        said = f"unrecognized arguments: {' '.join(unknown)}{hint}"
        commands.get(given[0], parser).error(said)
    if arguments is None and getattr(parsed, "runs_code", True):
        import_from_here()
    try:
        with checked_output():
            return _run_command(parsed, given)
    except SweepFileError as err:
        count = len(err.problems)
        print(shown(str(err)), file=sys.stderr)
        print(f"{count} problem{'s' if count > 1 else ''}; nothing was started", file=sys.stderr)
        return err.exit_code
    except SweepError as err:
        print(f"error: {shown(str(err))}", file=sys.stderr)
        return err.exit_code
    except (MemoryError, ImportError) as err:
        if isinstance(err, ImportError) and (err.name or "").partition(".")[0] == "sweeps":
            raise  # a fault of this package, whose traceback is asked for
        print(f"error: {shown(_too_little(err))}", file=sys.stderr)
        return PlacementError.exit_code
    except KeyboardInterrupt as err:
        ways_on = (command_line.command(*words) for words in (["list"], ["resume", "RUN"]))
        kept = _RECORDED.format(*ways_on) if isinstance(err, StoppedAtOnce) else ""
        print(f"interrupted{kept}", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _hint_of_unknown(unknown: Sequence[str], parsed: argparse.Namespace) -> str:
    """Return how a value of the sweep file is changed, where a command that can was given one."""
    if not hasattr(parsed, "set"):
        return ""
    from sweeps.definition.key_homes import path_of

    for word in unknown:
        name, _, value = word.removeprefix("--").partition("=")
        path = path_of(name.replace("-", "_")) if word.startswith("--") else ""
        if path:
            following = unknown[unknown.index(word) + 1 :][:1]
            value = value or next((one for one in following if not one.startswith("-")), "...")
            return f"; a value of the sweep file is changed by --set {path}={value}"
    return ""


def _too_little(error: MemoryError | ImportError) -> str:
    """Return in words that memory has run out, or that a library cannot be loaded."""
    way_on = "What was reported is kept: `{}` continues it".format(
        command_line.command("resume", "RUN")
    )
    limits = "check `ulimit -v` and the memory limit of the container or job"
    if isinstance(error, MemoryError):
        return f"this process has run out of memory; {limits}. {way_on}"
    why = f"a library cannot be loaded ({' '.join(str(error).split())})"
    return f"{why}: too little memory, or a broken installation; {limits}. {way_on}"


def _run_command(parsed: argparse.Namespace, given: list[str]) -> int:
    sent = send_to_cluster(parsed, given[1:], getattr(parsed, "submits_job", None))
    answered = ask_cluster(parsed, given) if sent is None else sent
    if answered is not None:
        return answered
    for name in {"run", "first", "second"} & vars(parsed).keys():
        if getattr(parsed, name) is not None:
            setattr(parsed, name, find_run(getattr(parsed, name)))
    with _heard(parsed):
        return int(parsed.command(parsed))


def _heard(parsed: argparse.Namespace) -> AbstractContextManager[None]:
    """Return what a command runs in: with --quiet, what own code prints is shown nowhere."""
    if not getattr(parsed, "quiet", False):
        return nullcontext()
    from sweeps.models.own_code.guards import unheard

    return unheard()


class _Version(argparse.Action):
    """Prints the version, which no other command looks up."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"sweeps {version('torch-sweeps')}")
        parser.exit()


def _unknown_command(name: str, commands: Collection[str]) -> str:
    hint = did_you_mean(name, [*commands]) or f"commands are {', '.join(commands)}"
    return f"unknown command {shown(name)!r}; {hint}"


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """Return the parser, and those of its commands by their names."""
    parser = argparse.ArgumentParser(
        prog=command_line.command(), description="Hyperparameter search for PyTorch."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_file_commands(commands)
    add_run_commands(commands)
    add_answer_commands(commands)
    add_replay_command(commands)
    add_cluster_commands(commands)
    add_project_commands(commands)
    text = "print a script for shell completion of commands and options"
    command = commands.add_parser("completion", help=text, description=f"{text}: {_COMPLETION}")
    command.add_argument("shell", choices=SHELLS)
    command.set_defaults(command=lambda parsed: _completion(parser, parsed.shell))
    return parser, commands.choices


def _completion(parser: argparse.ArgumentParser, shell: str) -> int:
    sys.stdout.write(completion_script(parser, shell))
    return 0
