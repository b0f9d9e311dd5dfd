"""Holds what a worker runs of the user's code to what its session began with.

The files are there to be edited: a worker that starts later would import others, and a program is
read anew by each trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sweeps.models.own_code.imported import code_digest, digest_in_memory, module_name

__all__ = ["HeldCode"]


@dataclass(frozen=True)
class HeldCode:
    """The files of a sweep's own code.

    Attributes:
        digests: Of each by its path below the folder that it is imported from.
        folders: Where they are looked for, the first first.
    """

    digests: Mapping[str, str]
    folders: Sequence[str]

    def changed(self) -> str:
        """Return which files are not what they were, for a program that begins; empty for none."""
        return ", ".join(name for name in self.digests if self._is_changed(name))

    def run_otherwise(self, *, has_failed: bool) -> str:
        """Return which files ran as something else in this process; empty for none.

        Args:
            has_failed: What was not imported may be why: files that cannot be count, too.
        """
        loaded = {name: digest_in_memory(module) for name, module in self._modules.items()}
        return ", ".join(
            name
            for name, digest in loaded.items()
            if (has_failed and self._is_changed(name) if digest is None else
                digest != self.digests[name])
        )  # fmt: skip

    @cached_property
    def _modules(self) -> dict[str, str]:
        return {name: module_name(name) for name in self.digests}

    def _is_changed(self, name: str) -> bool:
        files = [Path(folder, name) for folder in self.folders]
        there = next((file for file in files if file.is_file()), None)
        try:
            return there is None or code_digest(there) != self.digests[name]
        except OSError:
            return True
