"""A sweep file of the sweep.yaml of Weights & Biases.

https://docs.wandb.ai/models/sweeps/sweep-config-keys
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import Any

from sweeps.importers.imported import (
    Imported,
    drawn,
    epochs_of,
    file_name,
    leaves,
    number,
    option_name,
    stepped,
)
from sweeps.search_spaces.problems import Problem, SpaceError

__all__ = ["from_wandb", "is_wandb"]

_METHODS = {"grid": "grid", "random": "random", "bayes": "tpe"}
_KNOWN = ("program", "command", "name", "method", "metric", "parameters", "early_terminate",
          "run_cap")  # fmt: skip
_ELSEWHERE = {
    "entity": "the record stays in the run folder, and in the MLflow that you name",
    "project": "the record stays in the run folder, and in the MLflow that you name",
    "description": "there is no such key; write it as a comment",
    "controller": "the sweep runs where the command is typed",
    "settings": "of W&B's own agent",
    "job": "of W&B Launch: the program runs in the environment where the sweep does",
    "image_uri": "of W&B Launch: the program runs in the environment where the sweep does",
    "scheduler": "of W&B Launch; how many trials run at once is `resources.workers`",
}
_TRIALS = 50
_PLAIN = {"value", "values", "min", "max", "mu", "sigma", "q", "distribution", "probabilities",
          "parameters"}  # fmt: skip
# Distributions whose bounds are exponents of e.
_EXPONENTS = {"log_uniform", "q_log_uniform", "inv_log_uniform"}
_LOG = {f"{name}{end}" for name in _EXPONENTS for end in ("", "_values")}


def is_wandb(value: Mapping[str, Any]) -> bool:
    """Return whether a file is a sweep of W&B's."""
    return "method" in value and isinstance(value.get("parameters"), Mapping)


def from_wandb(value: Mapping[str, Any]) -> Imported:
    """Return what can be said of a sweep.yaml.

    Raises:
        SpaceError: A parameter is none of W&B's, or the file names no program.
    """
    made = Imported()
    made.leave_out(value, _ELSEWHERE)
    made.leave_out_unknown(value, (*_KNOWN, *_ELSEWHERE))
    made.sections["name"] = file_name(value.get("name"), "imported")
    _add_metric(made, value.get("metric") or {})
    _add_search(made, value)
    _add_stopping(made, value.get("early_terminate") or {})
    flags = _add_parameters(made, value["parameters"])
    _add_command(made, value, flags)
    return made


def _add_metric(made: Imported, metric: Mapping[str, Any]) -> None:
    name = str(metric.get("name", "loss"))
    ours = option_name(name, {})
    if "name" not in metric:
        made.note(("metric",), "the file names no metric: `loss`, lower is better, is a guess")
    elif ours != name:
        made.note(("metric", "name"), f"{name} is {ours} here: report it by that name")
    goal = {"minimize": "min", "maximize": "max"}.get(str(metric.get("goal", "minimize")), "min")
    made.sections["objective"] = {"metric": f"dev_{ours}"}
    made.sections["metrics"] = {ours: {"goal": goal}}
    if "target" in metric:
        made.sections["budget"] = {"target": metric["target"]}
    made.leave_out_unknown(metric, ("name", "goal", "target", "impute"), "metric")
    made.leave_out(metric, {"impute": "a trial that fails has no value"}, "metric")


def _add_search(made: Imported, value: Mapping[str, Any]) -> None:
    method, cap = str(value["method"]), value.get("run_cap")
    ours = _METHODS.get(method, "random")
    if method not in _METHODS:
        made.note(("method",), f"{method} is not known: random search is used instead")
    elif ours != method:
        made.note(("method",), f"{method} is {ours} here: it learns from results, too")
    if ours == "grid":
        made.sections["search"] = {"method": "grid"}
        if cap is not None:
            made.sections.setdefault("budget", {})["trials"] = cap
        return
    if cap is None:
        text = f"a sweep here needs a number of trials: {_TRIALS} is a guess (run_cap is not given)"
        made.note(("method",), text)
    made.sections["search"] = drawn(ours, cap or _TRIALS)


def _add_stopping(made: Imported, terminate: Mapping[str, Any]) -> None:
    if not terminate:
        return
    known = ("type", "min_iter", "max_iter", "s", "eta", "strict")
    made.leave_out_unknown(terminate, known, "early_terminate")
    if terminate.get("type") != "hyperband":
        made.note(("early_terminate", "type"), "left out: only hyperband is known")
        return
    eta, grace = terminate.get("eta", 3), terminate.get("min_iter")
    if grace is None and "max_iter" in terminate:
        grace = max(1, round(terminate["max_iter"] / eta ** terminate.get("s", 1)))
    text = "W&B's hyperband decides on each run as it comes, which is `asha` here"
    made.note(("early_terminate", "type"), text)
    made.leave_out(terminate, {"strict": "asha keeps the best at each rung"}, "early_terminate")
    made.sections["stopping"] = {
        "scheduler": "asha",
        "grace_epochs": grace or 1,
        "reduction_factor": eta,
    }
    made.epochs = terminate.get("max_iter")


def _add_parameters(made: Imported, parameters: Mapping[str, Any]) -> list[str]:
    """Add what is tuned; returns the words of the command for each: --lr={lr}."""
    words: list[str] = []
    problems: list[Problem] = []
    for name, parameter in parameters.items():
        path = ("parameters", name)
        try:
            ours = _parameter(made, path, parameter)
        except SpaceError as err:
            problems += err.problems
            continue
        if (epochs := epochs_of(name, ours)) is not None:
            made.epochs = epochs
            words.append(f"--{name}={{epochs}}")
            made.note(path, "is space.training.epochs here, {epochs} in the command")
            continue
        option = option_name(name, made.options)
        if option != name:
            made.note(path, f"is the option {option} here, and still {name} in the command")
        made.options[option] = ours
        places = leaves(ours, option)
        if places is None:
            rule = "cannot import a choice of sections whose keys differ"
            hint = "give each key a name at the top: optimizer.lr as optimizer_lr"
            problems.append(Problem(path, None, rule, hint=hint))
            continue
        words += [f"--{name}{place.removeprefix(option)}={{{place}}}" for place in places]
        if places != [option]:
            text = f"--{name}.KEY=... for each of its keys, where W&B writes one dictionary"
            made.note(path, f"is a section here, and in the command {text}")
    if problems:
        raise SpaceError(problems)
    return words


def _parameter(made: Imported, path: tuple[str, ...], parameter: Any) -> Any:
    if not isinstance(parameter, Mapping):
        raise _wrong(path, parameter, "a parameter must be a section: value, values or min and max")
    if "parameters" in parameter:
        return _section(made, path, parameter)
    made.leave_out_unknown(parameter, tuple(_PLAIN), *path)
    if any(isinstance(one, bool) for one in (parameter.get("value"), *parameter.get("values", ()))):
        made.note(path, "booleans are passed as true and false here, as True and False by W&B")
    if "value" in parameter:
        return parameter["value"]
    if "values" in parameter:
        weights = parameter.get("probabilities")
        more = {} if weights is None else {"weights": weights}
        return {"choice": list(parameter["values"]), **more}
    return _range(made, path, parameter)


def _section(made: Imported, path: tuple[str, ...], parameter: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section of options for a parameter with parameters of its own."""
    inner = parameter["parameters"]
    if not isinstance(inner, Mapping) or not inner:
        raise _wrong((*path, "parameters"), inner, "a section of parameters must not be empty")
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, one in inner.items():
        option, place = option_name(name, found), (*path, "parameters", name)
        if option != name:
            made.note(place, f"is {option} here, in the command, too")
        try:
            found[option] = _parameter(made, place, one)
        except SpaceError as err:
            problems += err.problems
    if problems:
        raise SpaceError(problems)
    return found


def _range(made: Imported, path: tuple[str, ...], parameter: Mapping[str, Any]) -> dict[str, Any]:
    low, high = number(parameter.get("min")), number(parameter.get("max"))
    are_whole = isinstance(low, int) and isinstance(high, int)
    kind = str(parameter.get("distribution", "int_uniform" if are_whole else "uniform"))
    if kind.removeprefix("q_") in ("normal", "log_normal"):
        if "q" in parameter:
            made.note((*path, "q"), "left out: a normal parameter has no steps here")
        name = "lognormal" if "log" in kind else "normal"
        return {name: [number(parameter.get("mu", 0)), number(parameter.get("sigma", 1))]}
    is_range = kind in _LOG or kind in ("uniform", "int_uniform", "q_uniform")
    if not (is_range and isinstance(low, int | float) and isinstance(high, int | float)):
        raise _wrong(path, kind, "cannot import this distribution, or it lacks min or max",
                     "write it as values, or as min and max")  # fmt: skip
    if kind == "inv_log_uniform":  # that of 1 / x
        low, high = -high, -low
    if kind in _EXPONENTS:
        low, high = (float(f"{math.exp(end):.6g}") for end in (low, high))
        made.note(path, f"bounds of {kind} are exponents of e in W&B, and plain numbers here")
    if kind in _LOG:
        if "q" in parameter:
            made.note((*path, "q"), "left out: a log range has no steps here")
        return {"float": [low, high], "log": True}
    if kind == "q_uniform":
        step = number(parameter.get("q", 1))
        whole = are_whole and isinstance(step, int)
        return stepped(math.ceil(low / step) * step, high, step, whole)
    return {"int": [low, high]} if kind == "int_uniform" else {"float": [low, high]}


def _add_command(made: Imported, value: Mapping[str, Any], flags: list[str]) -> None:
    program = value.get("program")
    given = value.get("command", ["${interpreter}", "${program}", "${args}"])
    words = shlex.split(given) if isinstance(given, str) else [str(word) for word in given]
    if program is None and "${program}" in words:
        of_launch = "; of a job of W&B Launch, the program that it runs" if "job" in value else ""
        hint = f"write `program: train.py`{of_launch}"
        raise _wrong(("program",), None, "missing key 'program': which one should run?", hint)
    no_hyphens = [flag.removeprefix("--") for flag in flags]
    macros: dict[str, list[str]] = {
        "${env}": [],
        "/usr/bin/env": [],
        "${interpreter}": ["python"],
        "${program}": [shlex.quote(str(program))],
        "${args}": flags,
        "${args_no_boolean_flags}": flags,
        "${args_no_hyphens}": no_hyphens,
        "${args_no_equals}": [word for flag in flags for word in flag.split("=", 1)],
        "${args_json}": ["{parameters}"],
        "${args_json_file}": ["{parameters}"],
    }
    for word in words:
        made.command += macros.get(word, [shlex.quote(word)])
        if word == "${args_json}":
            made.note(("command",), "${args_json} is {parameters} here, the path of a JSON file")
        elif word == "${args_no_boolean_flags}":
            made.note(("command",), "flags of true and false are written --name=true here")
        elif word.startswith("${") and word not in macros:
            made.note(("command",), f"{word} is unknown, and was left unchanged")


def _wrong(path: tuple[str, ...], value: Any, rule: str, hint: str = "") -> SpaceError:
    return SpaceError([Problem(path, value, rule, hint=hint)])
