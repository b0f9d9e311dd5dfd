"""Prints the lowest version of each dependency, as constraints for pip: `make test-lowest`."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

__all__ = ["lowest_versions"]

_PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
_BOUND = re.compile(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)")


def lowest_versions() -> dict[str, str]:
    """Return the lower bounds of pyproject.toml, those of the extras too, by package."""
    project = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    needs = chain(project["dependencies"], *extras)
    return {found[1]: found[2] for need in needs if (found := _BOUND.match(need))}


if __name__ == "__main__":
    print("\n".join(f"{name}=={version}" for name, version in lowest_versions().items()))
