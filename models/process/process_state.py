"""What all trials of a process share, and one trial's net may change: put back between trials.

A trial may set what it likes for itself. What the import of its module sets is set again for each
trial whose net is of that module, as a module is imported once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sweeps.models.process.open_files import OpenFiles
from sweeps.models.process.patched_names import Originals
from sweeps.models.process.process_settings import Settings

__all__ = ["ProcessState"]

_MOST_NAMES = 5


class _Changes(NamedTuple):
    settings: Mapping[str, Any]
    patches: Mapping[tuple[str, str], Any]


class ProcessState:
    """The state of this process as it was when this was made.

    Attributes:
        is_spoilt: whether a trial replaced functions or classes, or left what cannot be put back:
            more may be changed than can be seen, and a fresh process is safer.
    """

    def __init__(self) -> None:
        self.is_spoilt = False
        self._settings, self._originals = Settings(), Originals()
        self._of_module: dict[str, _Changes] = {}
        self._module, self._is_in_use = "", False
        self._told: set[str] = set()
        self._files = OpenFiles()

    def begin(self, module: str, load: Callable[[], object]) -> None:
        """Set what the import of a net's module sets.

        Args:
            module: its name; empty for a net of ours.
            load: imports the module; called the first time only, and must not raise.
        """
        self._module, self._is_in_use = module, True
        self._files = OpenFiles()
        if module and module not in self._of_module:
            load()
            self._of_module[module] = self._changes()
        elif module:
            self._settings.put(self._of_module[module].settings)
            self._originals.put(self._of_module[module].patches)

    def put_back(self) -> list[str]:
        """Put all back as it was; returns the names of what a trial left changed, each once."""
        if not self._is_in_use:
            return []
        self._is_in_use = False
        had_no_room = self._files.make_room()
        settings = self._settings.changes()
        self._settings.put_back(settings)
        # Afterwards: torch.Storage, for one, goes with the default dtype.
        changes = _Changes(settings, self._originals.changes())
        self._originals.put_back(changes.patches)
        left = self._left(changes)
        if left.patches or had_no_room or (left.settings and self._settings.changes()):
            self.is_spoilt = True
        names = [*left.settings, *(f"{owner}.{name}" for owner, name in left.patches)]
        names += ["too many open files"] * had_no_room
        new = [name for name in names if name not in self._told]
        self._told.update(new)
        return new if len(new) <= _MOST_NAMES else [*new[:_MOST_NAMES], "and more"]

    def _changes(self) -> _Changes:
        return _Changes(self._settings.changes(), self._originals.changes())

    def _left(self, changes: _Changes) -> _Changes:
        """The changes that are not those of the import."""
        ours = self._of_module.get(self._module, _Changes({}, {}))
        return _Changes(
            {k: v for k, v in changes.settings.items() if k not in ours.settings
             or v != ours.settings[k]},
            {k: v for k, v in changes.patches.items() if ours.patches.get(k, changes) is not v},
        )  # fmt: skip
