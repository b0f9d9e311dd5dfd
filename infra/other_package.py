"""Whether the package `sweeps` of Weights & Biases lies over ours: it has the same import name."""

from __future__ import annotations

from pathlib import Path

__all__ = ["clash"]

# Not resolved: in a checkout this folder is a link inside the package.
_PACKAGE = Path(__file__).absolute().parents[1]


def clash() -> str:
    """Return what is wrong and what to type, or an empty text.

    Installed one after the other, each overwrites the other's `__init__.py`; uninstalled, it takes
    that away.
    """
    if (_PACKAGE / "bayes_search.py").exists():
        what, first = "is installed over torch-sweeps", "pip uninstall sweeps, then "
    elif not (_PACKAGE / "__init__.py").exists():
        what, first = "was installed over torch-sweeps and took a part of it away", ""
    else:
        return ""
    return (
        f"the package `sweeps` of Weights & Biases {what}; they have one import name, so an "
        f"environment can hold only one: {first}pip install --force-reinstall --no-deps "
        f"torch-sweeps"
    )
