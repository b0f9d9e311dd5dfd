"""Completion of commands and options for bash, zsh and fish: a script, made from the parser.

A script needs no start of Python at each press of the key.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

__all__ = ["SHELLS", "completion_script"]

SHELLS = ("bash", "zsh", "fish")
_BASH = """\
_sweeps() {
    local word=${COMP_WORDS[COMP_CWORD]} command="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -* ]] || command+=${command:+ }${COMP_WORDS[i]}
    done
    local words="" options=""
    case $command in
CASES    esac
    [[ $word == -* ]] && words=$options
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _sweeps sweeps
"""
_ZSH = "#compdef sweeps\nautoload -U +X bashcompinit && bashcompinit\n"


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return what a shell reads to complete our commands: `eval "$(sweeps completion bash)"`.

    Args:
        shell: One of SHELLS.
    """
    if shell == "fish":
        return "".join(f"{line}\n" for line in _fish_lines(parser))
    lines = _bash_cases(parser)
    return (_ZSH if shell == "zsh" else "") + _BASH.replace("CASES", "".join(lines))


def _bash_cases(parser: argparse.ArgumentParser, above: str = "") -> Iterator[str]:
    """Yield a pattern of the words typed so far for each command, subcommands first."""
    below = _commands_of(parser)
    for name, command in below.items():
        yield from _bash_cases(command, f"{above} {name}".strip())
    words = shlex.quote(" ".join(_choices_of(parser)))
    options = shlex.quote(" ".join(option for option, _ in _options_of(parser)))
    # Words of its own, as the sweep file's name, may follow a command.
    pattern = f"{shlex.quote(above)}|{shlex.quote(f'{above} ')}*" if above else "''"
    yield f"        {pattern}) words={words} options={options} ;;\n"


def _fish_lines(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "complete -c sweeps -n __fish_use_subcommand -f"
    for name, command in _commands_of(parser).items():
        about = f"-a {name} -d {shlex.quote(command.description or '')}"
        yield f"complete -c sweeps -n __fish_use_subcommand {about}"
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for below in _choices_of(command):
            yield f"complete -c sweeps {seen} -a {below}"
        for option, text in _options_of(command):
            if option.startswith("--"):
                yield f"complete -c sweeps {seen} -l {option[2:]} -d {shlex.quote(text)}"


def _commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    return {name: command for group in groups for name, command in group.choices.items()}


def _choices_of(parser: argparse.ArgumentParser) -> list[str]:
    arguments = (one for one in parser._get_positional_actions() if one.choices is not None)
    return [str(choice) for one in arguments for choice in one.choices or ()]


def _options_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield the options that the help shows, each with its text."""
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            yield from ((option, action.help or "") for option in action.option_strings)
