"""Settings of the process that a trial's net may change, and that can be read and put back."""

from __future__ import annotations

import gc
import locale
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.modules import module as torch_module

__all__ = ["Settings"]

_CPU = torch.device("cpu")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
            signal.SIGALRM, signal.SIGCHLD, signal.SIGPIPE)  # fmt: skip
# torch sets these itself when parts of it are first used.
_TORCHS = ("CUDA_MODULE_LOADING", "TORCH", "TRITON", "KMP_")


class _Setting(NamedTuple):
    read: Callable[[], Any]
    write: Callable[[Any], object]


class Settings:
    """The settings as they were when this was made."""

    def __init__(self) -> None:
        self._were = {name: setting.read() for name, setting in _SETTINGS.items()}

    def changes(self) -> dict[str, Any]:
        """Return what is no longer as it was, by name."""
        found = ((name, setting.read()) for name, setting in _SETTINGS.items())
        return {name: value for name, value in found if value != self._were[name]}

    def put(self, values: Mapping[str, Any]) -> None:
        """Give settings these values."""
        for name, value in values.items():
            _SETTINGS[name].write(value)

    def put_back(self, names: Mapping[str, Any]) -> None:
        """Give these settings the values that they had."""
        self.put({name: self._were[name] for name in names})


def _set_device(device: torch.device) -> None:
    # None takes torch's own way of asking at each call away again; "cpu" would leave it in place.
    torch.set_default_device(None if device == _CPU else device)


def _flushes_denormal() -> bool:
    tiny = torch.tensor(1e-310, dtype=torch.float64, device=_CPU)
    return (tiny * 1).item() == 0


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""  # it has been deleted


def _enter(folder: str) -> None:
    with suppress(OSError):
        os.chdir(folder)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_TORCHS)}


def _set_environment(wanted: Mapping[str, str]) -> None:
    for name in _environment().keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)


def _mask() -> int:
    mask = os.umask(0o077)  # it can only be read by setting it
    os.umask(mask)
    return mask


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in _SIGNALS}


def _set_handlers(wanted: Mapping[int, Any]) -> None:
    # Python lets the main thread alone change them; and None is a handler that is not Python's.
    if threading.current_thread() is threading.main_thread():
        for number, handler in wanted.items():
            if handler is not None and signal.getsignal(number) != handler:
                signal.signal(number, handler)


def _has_alarm() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _end_alarm(wanted: bool) -> None:
    if not wanted:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _filters() -> list[Any]:
    """Those of Python's own kinds: libraries add some of their kinds when they are imported."""
    return [entry for entry in warnings.filters if entry[2].__module__ == "builtins"]


def _set_filters(wanted: list[Any]) -> None:
    others = [entry for entry in warnings.filters if entry[2].__module__ != "builtins"]
    warnings.filters[:] = [*others, *wanted]  # type: ignore[index]
    vars(warnings)["_filters_mutated"]()  # else answers that are remembered go on


def _can_print() -> bool:
    """Whether prints arrive; the live line replaces it, too, while trials run."""
    return hasattr(sys.stderr, "write") and not getattr(sys.stderr, "closed", False)


def _let_print(wanted: bool) -> None:
    if wanted:
        sys.stderr = sys.__stderr__


def _locale(wanted: str | None = None) -> str:
    return locale.setlocale(locale.LC_ALL, wanted)


def _set_collecting(wanted: bool) -> None:
    (gc.enable if wanted else gc.disable)()


_HOOKS = {
    name: table
    for name, table in vars(torch_module).items()
    if name.startswith("_global_") and isinstance(table, dict)
}


def _hooks() -> dict[str, dict[Any, Any]]:
    return {name: dict(table) for name, table in _HOOKS.items() if table}


def _set_hooks(wanted: Mapping[str, Mapping[Any, Any]]) -> None:
    for name, table in _HOOKS.items():
        table.clear()
        table.update(wanted.get(name, {}))


def _attribute(owner: Any, name: str) -> _Setting:
    return _Setting(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


def _autocast(device: str) -> _Setting:
    return _Setting(
        lambda: torch.is_autocast_enabled(device),
        lambda value: torch.set_autocast_enabled(device, value),
    )


_SETTINGS = {
    "torch's grad mode": _Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    # Nothing outside its own context can end it: a fresh process must.
    "torch's inference mode": _Setting(torch.is_inference_mode_enabled, lambda value: None),
    "torch's default dtype": _Setting(torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": _Setting(lambda: torch.empty(0).device, _set_device),
    "torch's threads": _Setting(torch.get_num_threads, torch.set_num_threads),
    "torch's deterministic algorithms": _Setting(
        torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode
    ),
    "torch's matmul precision": _Setting(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    ),
    "torch.backends.cudnn.enabled": _attribute(torch.backends.cudnn, "enabled"),
    "torch.backends.cudnn.benchmark": _attribute(torch.backends.cudnn, "benchmark"),
    "torch.backends.cudnn.deterministic": _attribute(torch.backends.cudnn, "deterministic"),
    "torch's autocast": _autocast("cpu"),
    "torch's autocast on GPUs": _autocast("cuda"),
    "torch's anomaly mode": _Setting(torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    "torch's flushing of denormals": _Setting(_flushes_denormal, torch.set_flush_denormal),
    "hooks of all of torch's modules": _Setting(_hooks, _set_hooks),
    "numpy's handling of errors": _Setting(np.geterr, lambda value: np.seterr(**value)),
    "the working directory": _Setting(_folder, _enter),
    "environment variables": _Setting(_environment, _set_environment),
    "the umask": _Setting(_mask, os.umask),
    "the recursion limit": _Setting(sys.getrecursionlimit, sys.setrecursionlimit),
    "sys.stderr": _Setting(_can_print, _let_print),
    "the locale": _Setting(
        lambda: locale.setlocale(locale.LC_ALL),
        lambda value: locale.setlocale(locale.LC_ALL, value),
    ),
    "garbage collection": _Setting(gc.isenabled, _set_collecting),
    "logging.disable": _Setting(lambda: logging.root.manager.disable, logging.disable),
    "filters of warnings": _Setting(_filters, _set_filters),
    "handlers of signals": _Setting(_handlers, _set_handlers),
    "an alarm": _Setting(_has_alarm, _end_alarm),
}
