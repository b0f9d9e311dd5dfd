"""Hyperparameter sweeps from Python: what the commands do, as functions.

Names are imported when they are first used, so that checking a sweep file stays instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.definition.loading import load_sweep as load
    from sweeps.findings.results import Results
    from sweeps.service.answers import compare, predict, suggest, write_pictures, write_report
    from sweeps.service.running import extend, final, open_run, plan, resume, retry, run, sync

__all__ = [
    "Results",
    "compare",
    "extend",
    "final",
    "load",
    "open_run",
    "plan",
    "predict",
    "resume",
    "retry",
    "run",
    "suggest",
    "sync",
    "write_pictures",
    "write_report",
]

_ANSWERS = ("compare", "predict", "suggest", "write_pictures", "write_report")
_HOMES = {
    "load": ("sweeps.definition.loading", "load_sweep"),
    "Results": ("sweeps.findings.results", "Results"),
    **{name: ("sweeps.service.answers", name) for name in _ANSWERS},
}


def __getattr__(name: str) -> Any:
    from sweeps.infra.other_package import clash

    if found := clash():
        raise ImportError(found)
    if name not in __all__:
        raise AttributeError(f"module 'sweeps' has no attribute {name!r}")
    module, attribute = _HOMES.get(name, ("sweeps.service.running", name))
    return getattr(import_module(module), attribute)
