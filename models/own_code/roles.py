"""The functions of a user's own that a sweep calls: what each is for, and where it is named.

Whoever checks them, ships their modules, packs them with a model or holds a run to their text asks
`own_functions`; so a further place for one is a row of `ROLES` and a line of a generator. Imports
no torch and runs nothing of the user's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AfterValidator

from sweeps.models.errors import TrialConfigError

if TYPE_CHECKING:
    from sweeps.models.data.configuration import DataConfig
    from sweeps.models.scoring.metric_configuration import MetricOptions

__all__ = [
    "ROLES",
    "TARGET",
    "OwnFunction",
    "OwnRole",
    "Role",
    "check_option_names",
    "data_functions",
    "free_names",
    "metric_functions",
    "own_functions",
    "trial_functions",
]

# package.module:function
TARGET = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"

OwnRole = Literal["data", "net", "optimizer", "loss", "batch", "metric", "training"]


@dataclass(frozen=True)
class Role:
    """What a user-defined function is for.

    Attributes:
        path: where it is named, in the sweep file or in a trial's configuration.
        options: where the keywords are that the user passes to it; None where there are none.
        given: the keywords that it is called with besides.
        answers: whether a trained net cannot answer without it, so that it is packed with a model.
        positional: the arguments that it is called with before the keywords, in their order.
    """

    path: tuple[str, ...]
    options: tuple[str, ...] | None
    given: tuple[str, ...]
    answers: bool
    positional: tuple[str, ...] = ()


ROLES: dict[OwnRole, Role] = {
    "data": Role(("data", "source"), ("data", "options"), (), answers=False),
    "net": Role(("model", "target"), ("model", "options"), ("input_shape", "outputs"), True),
    "optimizer": Role(
        ("optimizer", "target"),
        ("optimizer", "options"),
        ("lr",),
        answers=False,
        positional=("parameters",),
    ),
    "loss": Role(
        ("loss", "target"),
        ("loss", "options"),
        (),
        answers=False,
        positional=("outputs", "targets"),
    ),
    "batch": Role(
        ("batch", "target"), ("batch", "options"), (), False, ("inputs", "targets", "generator")
    ),
    # * stands for the name that the file gives to the metric.
    "metric": Role(
        ("metrics", "*", "target"), ("metrics", "*", "options"), (), False, ("outputs", "targets")
    ),
    "training": Role(
        ("training", "target"), ("training", "options"), (), answers=True, positional=("trial",)
    ),
}


@dataclass(frozen=True)
class OwnFunction:
    """A user-defined function, as a sweep file names it.

    Attributes:
        kind: what it is for.
        target: `package.module:function`.
        options: passed to it as keywords.
        name: of a metric; empty for what has none.
    """

    kind: OwnRole
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def role(self) -> Role:
        """What holds for all functions of its kind."""
        role = ROLES[self.kind]
        if not self.name:
            return role
        options = role.options and self._named(role.options)
        return replace(role, path=self._named(role.path), options=options)

    def _named(self, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.name if key == "*" else key for key in path)


def data_functions(data: DataConfig) -> Iterator[OwnFunction]:
    """Yield those that a `data` section calls."""
    if data.kind == "function":
        yield OwnFunction("data", data.source, data.options)


def trial_functions(configuration: Mapping[str, Any]) -> Iterator[OwnFunction]:
    """Yield those that a trial calls.

    Args:
        configuration: complete, as plain JSON values: a plan of 10,000 is gone through at once.
    """
    named: dict[str, OwnRole] = {
        "model": "net",
        "optimizer": "optimizer",
        "loss": "loss",
        "training": "training",
    }
    for key, kind in named.items():
        section = configuration.get(key, {})
        if section.get("kind") == "custom":
            yield OwnFunction(kind, section["target"], section["options"])
    batch = configuration.get("batch")
    if batch is not None:
        yield OwnFunction("batch", batch["target"], batch["options"])


def metric_functions(metrics: Mapping[str, MetricOptions]) -> Iterator[OwnFunction]:
    """Yield those that a `metrics` section calls."""
    for name, one in metrics.items():
        if one.target:
            yield OwnFunction("metric", one.target, one.options, name)


def own_functions(
    data: DataConfig,
    metrics: Mapping[str, MetricOptions],
    configurations: Iterable[Mapping[str, Any]],
) -> Iterator[OwnFunction]:
    """Yield those that a sweep calls: for data, metrics, then trials, each whenever named."""
    yield from data_functions(data)
    yield from metric_functions(metrics)
    for configuration in configurations:
        yield from trial_functions(configuration)


def free_names(kind: OwnRole) -> AfterValidator:
    """Return what holds the options of a section to names that its function can take."""

    def checked(options: dict[str, Any]) -> dict[str, Any]:
        check_option_names(kind, options)
        return options

    return AfterValidator(checked)


def check_option_names(kind: OwnRole, options: Mapping[str, Any]) -> None:
    """Check the names of the options that a user passes to a function of theirs.

    Raises:
        TrialConfigError: one is no Python name, or is what the product itself passes.
    """
    role = ROLES[kind]
    for name in options:
        if not name.isidentifier() or name in role.given:
            given = " and ".join(role.given)
            rule = "an option must be a Python name" + (f" other than {given}" if given else "")
            raise TrialConfigError(rule, key=role.options or role.path, value=name)
