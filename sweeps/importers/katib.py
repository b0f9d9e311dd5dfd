"""A sweep file of a Katib Experiment (kubeflow.org/v1beta1).

https://www.kubeflow.org/docs/components/katib/user-guides/hp-tuning/configure-experiment/
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from sweeps.importers.imported import (
    Imported,
    drawn,
    epochs_of,
    file_name,
    number,
    option_name,
    stepped,
)
from sweeps.models.own_code.program_command import named_in
from sweeps.models.scoring.metrics import METRICS
from sweeps.search_spaces.problems import Problem, SpaceError

__all__ = ["from_katib", "is_katib"]

_METHODS = {
    "random": "random", "grid": "grid", "sobol": "sobol", "tpe": "tpe", "multivariate-tpe": "tpe",
    "bayesianoptimization": "tpe", "cmaes": "cmaes", "hyperband": "random",
}  # fmt: skip
_KNOWN = ("objective", "algorithm", "earlyStopping", "parallelTrialCount", "maxTrialCount",
          "maxFailedTrialCount", "parameters", "trialTemplate")  # fmt: skip
_ELSEWHERE = {
    "metricsCollectorSpec": "the program reports to the file that SWEEPS_METRICS names",
    "resumePolicy": "every sweep can be resumed",
}
_OF_CONTAINERS = {
    "image": "the program runs in the environment where the sweep does",
    "resources": "say what a trial needs in `resources` of the sweep file",
    "env": "set it where the sweep is started",
    "volumeMounts": "the program sees this machine's files",
}
_DISTRIBUTIONS = ("uniform", "logUniform", "normal", "logNormal")
_PLACE = re.compile(r"\$\{trialParameters\.([^}]+)\}")
_OTHER_PLACE = re.compile(r"\{\{[^}]*\}\}")
_EPOCHS_FLAG = re.compile(r"--(epochs|num[-_]epochs|max[-_]epochs)=(\d+)")


def is_katib(value: Mapping[str, Any]) -> bool:
    """Return whether a file is an Experiment of Katib's."""
    return value.get("kind") == "Experiment" and isinstance(value.get("spec"), Mapping)


def from_katib(value: Mapping[str, Any]) -> Imported:
    """Return what can be said of an Experiment.

    Raises:
        SpaceError: A parameter is none of Katib's, or no container has a command.
    """
    made, spec = Imported(), value["spec"]
    if "nasConfig" in spec:
        rule = "cannot import a neural architecture search: it has no parameters"
        hint = "write what is chosen as options: {choice: [...]}"
        raise SpaceError([Problem(("spec", "nasConfig"), None, rule, hint=hint)])
    made.leave_out(spec, _ELSEWHERE, "spec")
    made.leave_out_unknown(spec, (*_KNOWN, *_ELSEWHERE), "spec")
    made.sections["name"] = file_name((value.get("metadata") or {}).get("name"), "imported")
    _add_objective(made, spec.get("objective") or {})
    _add_search(made, spec)
    _add_stopping(made, spec.get("earlyStopping") or {})
    names = _add_parameters(made, spec.get("parameters") or [])
    _add_command(made, spec.get("trialTemplate") or {}, names)
    return made


def _add_objective(made: Imported, objective: Mapping[str, Any]) -> None:
    name = str(objective.get("objectiveMetricName", "loss"))
    goal = "max" if objective.get("type") == "maximize" else "min"
    metrics = {option_name(name, {}): {"goal": goal}}
    for place, other in enumerate(objective.get("additionalMetricNames") or []):
        ours = option_name(str(other), {})
        known = METRICS[ours].direction if ours in METRICS else None
        metrics[ours] = {"goal": known or "max"}
        if known is None:
            path = ("spec", "objective", "additionalMetricNames", place)
            made.note(
                path, f"goal: max is a guess: the file does not say whether high {ours} is good"
            )
    if option_name(name, {}) != name:
        text = f"{name} is {option_name(name, {})} here: report it by that name"
        made.note(("spec", "objective", "objectiveMetricName"), text)
    made.sections["objective"] = {"metric": f"dev_{option_name(name, {})}"}
    made.sections["metrics"] = metrics
    if "goal" in objective:
        made.sections["budget"] = {"target": objective["goal"]}
    made.leave_out(objective, {"metricStrategies": "the best epoch counts"}, "spec", "objective")


def _add_search(made: Imported, spec: Mapping[str, Any]) -> None:
    algorithm = spec.get("algorithm") or {}
    name = str(algorithm.get("algorithmName", "random"))
    path, ours = ("spec", "algorithm", "algorithmName"), _METHODS.get(name, "random")
    if name == "hyperband":
        made.note(path, "hyperband is random search here, with `stopping: {scheduler: hyperband}`")
        made.sections["stopping"] = {"scheduler": "hyperband"}
    elif ours != name:
        made.note(path, f"{name} is {ours} here")
    reason = {"algorithmSettings": "settings of Katib's own algorithms"}
    made.leave_out(algorithm, reason, "spec", "algorithm")
    trials = spec.get("maxTrialCount", 50)
    if "maxTrialCount" not in spec:
        made.note(("spec",), "maxTrialCount is not given: 50 trials are a guess")
    budget = made.sections.setdefault("budget", {})
    if ours == "grid":
        made.sections["search"] = {"method": ours}
        budget["trials"] = trials
    else:
        made.sections["search"] = drawn(ours, trials)
    if "maxFailedTrialCount" in spec:
        # Katib gives up with that many, a sweep with more than `max_failures`.
        budget["max_failures"] = max(0, spec["maxFailedTrialCount"] - 1)
    if not budget:
        del made.sections["budget"]
    if "parallelTrialCount" in spec:
        made.sections["resources"] = {"workers": spec["parallelTrialCount"]}


def _add_stopping(made: Imported, stopping: Mapping[str, Any]) -> None:
    if not stopping:
        return
    path = ("spec", "earlyStopping", "algorithmName")
    if stopping.get("algorithmName") != "medianstop":
        made.note(path, "left out: only medianstop is known")
        return
    settings = {one["name"]: number(one["value"]) for one in stopping.get("algorithmSettings", [])}
    made.sections["stopping"] = {
        "scheduler": "median",
        "grace_epochs": settings.get("start_step", 4),
        "min_samples": settings.get("min_trials_required", 3),
    }


def _add_parameters(made: Imported, parameters: list[Any]) -> dict[str, str]:
    """Add what is tuned; returns the place in the command of each parameter."""
    places, problems = {}, []
    for position, parameter in enumerate(parameters):
        path = ("spec", "parameters", position)
        try:
            name, ours = str(parameter["name"]), _parameter(made, path, parameter)
        except SpaceError as err:
            problems += err.problems
            continue
        except (KeyError, TypeError):
            rule = "a parameter must have name, parameterType and feasibleSpace"
            problems.append(Problem(path, None, rule))
            continue
        if (epochs := epochs_of(name, ours)) is not None:
            made.epochs, places[name] = epochs, "{epochs}"
            made.note(path, "is space.training.epochs here, {epochs} in the command")
            continue
        option = option_name(name, made.options)
        made.options[option], places[name] = ours, f"{{{option}}}"
    if problems:
        raise SpaceError(problems)
    return places


def _parameter(made: Imported, path: tuple[str | int, ...], parameter: Mapping[str, Any]) -> Any:
    kind, space = str(parameter["parameterType"]), parameter["feasibleSpace"]
    if kind in ("categorical", "discrete"):
        as_numbers = kind == "discrete"
        return {"choice": [number(one) if as_numbers else one for one in space["list"]]}
    low, high, step = (number(space.get(key)) for key in ("min", "max", "step"))
    distribution = space.get("distribution", "uniform")
    is_wrong = not (isinstance(low, int | float) and isinstance(high, int | float))
    if kind not in ("int", "double") or distribution not in _DISTRIBUTIONS or is_wrong:
        rule = f"cannot import a {kind} parameter with {dict(space)}"
        raise SpaceError([Problem(path, None, rule, hint="write min and max, or a list")])
    if low == high:
        return low
    if step is not None and distribution != "uniform":
        made.note((*path, "feasibleSpace", "step"), f"left out: {distribution} takes no step")
    if "ormal" in distribution and kind == "double":
        text = (
            "3 standard deviations on each side of the mean, as in Katib's hyperopt, and the bounds"
        )
        made.note(path, f"min and max are {text} of the draws")
        return _normal(low, high, distribution == "logNormal")
    if "ormal" in distribution:
        made.note(path, "whole numbers are drawn uniformly here, or uniformly in their logarithm")
    if distribution.startswith("log"):
        return {"int" if kind == "int" else "float": [low, high], "log": True}
    if step is not None and distribution == "uniform":
        return stepped(low, high, step, kind == "int")
    return {"int": [low, high]} if kind == "int" else {"float": [low, high]}


def _normal(low: float, high: float, is_log: bool) -> dict[str, Any]:
    ends = (math.log(low), math.log(high)) if is_log else (low, high)
    mean, std = (float(f"{one:.6g}") for one in (sum(ends) / 2, (ends[1] - ends[0]) / 6))
    return {"lognormal" if is_log else "normal": [mean, std], "low": low, "high": high}


def _add_command(made: Imported, template: Mapping[str, Any], places: Mapping[str, str]) -> None:
    containers = list(
        _containers(template.get("trialSpec"), ("spec", "trialTemplate", "trialSpec"))
    )
    primary = template.get("primaryContainerName")
    chosen = (
        [one for one in containers if one[1].get("name") == primary]
        or [one for one in containers if _PLACE.search(" ".join(_words(one[1])))]
        or containers
    )
    if not chosen:
        raise SpaceError([_without_command(template)])
    path, container = chosen[0]
    for other, _ in containers:
        if other != path:
            made.note(other, "left out: a trial is one program, on one machine")
    for key, reason in _OF_CONTAINERS.items():
        if key in container:
            made.note((*path, key), f"left out: {reason}")
    references = {
        one["name"]: str(one["reference"]) for one in template.get("trialParameters") or []
    }
    for word in _words(container):
        made.command.append(_word(made, path, word, references, places))
    named = set(named_in(" ".join(made.command)))
    for name, place in places.items():
        if place[1:-1] not in named:
            made.command.append(f"--{name}={place}")
            made.note(
                path, f"the command does not use {name}: it is passed as --{name}={place} here"
            )


def _words(container: Mapping[str, Any]) -> list[str]:
    return [str(word) for word in (*container["command"], *(container.get("args") or []))]


def _without_command(template: Mapping[str, Any]) -> Problem:
    rule = "no container has a command to run"
    hint = "add a `command: [...]` with what its image runs"
    if "configMap" in template:
        hint = "put the template of its ConfigMap in its place, as `trialSpec`"
    return Problem(("spec", "trialTemplate"), None, rule, hint=hint)


def _word(
    made: Imported,
    path: tuple[str | int, ...],
    word: str,
    references: Mapping[str, str],
    places: Mapping[str, str],
) -> str:
    fixed = _EPOCHS_FLAG.fullmatch(word)
    if fixed and made.epochs is None:
        made.epochs = int(fixed[2])
        return f"--{fixed[1]}={{epochs}}"

    def place(found: re.Match[str]) -> str:
        name = references.get(found[1], found[1])
        if name not in places:
            made.note(path, f"{found[0]} belongs to no parameter: write its value into the command")
        return places.get(name, found[0])

    for found in _OTHER_PLACE.findall(word):
        made.note(path, f"{found} belongs to another tool: write its value into the command")
    return shlex.quote(_PLACE.sub(place, word)) if " " in word else _PLACE.sub(place, word)


def _containers(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield what in a resource has a command, with its place."""
    if isinstance(value, Mapping):
        if isinstance(value.get("command"), list):
            yield path, value
        for key, inner in value.items():
            yield from _containers(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _containers(inner, (*path, position))
