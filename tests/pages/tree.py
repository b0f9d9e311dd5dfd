"""The tree of docs/architecture.md, from the files' own first lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"search_spaces": "what may be tried", "models": "what is trained",
           "sweeps": "the service that composes them", "infra": "where it runs"}  # fmt: skip
REST = {
    "search_spaces": {
        "examples/": "sweep files to start from",
        "gallery/": "sweep files by kind of work, with code of their own",
        "sweep.schema.json": "what editors complete from",
    },
    "infra": {"constraints.txt": "every package of the environment, pinned"},
}
LAST = {
    "tests/": "the same folders, browser tests, benchmarks, the documentation itself",
    "docs/": "reference, architecture, decisions, formats, performance",
}


def tree() -> str:
    lines = []
    for folder, about in FOLDERS.items():
        lines.append(f"{folder + '/':<32}{about}")
        lines += files_of(ROOT / folder, "  ")
        lines += [f"  {name:<30}{text}" for name, text in REST.get(folder, {}).items()]
    lines += [f"{name:<32}{about}" for name, about in LAST.items()]
    return "\n".join(lines) + "\n"


def files_of(folder: Path, indent: str) -> Iterator[str]:
    for path in sorted(folder.iterdir(), key=lambda one: (one.is_dir(), one.name)):
        if path.is_symlink():
            continue
        if path.suffix == ".py" and path.name != "__init__.py":
            yield f"{indent + path.name:<32}{sentence(path)}"
        elif (path / "__init__.py").exists():
            yield f"{indent + path.name + '/':<32}{sentence(path / '__init__.py')}"
            yield from files_of(path, indent + "  ")


def sentence(path: Path) -> str:
    """Return the first line of a module's docstring, whole: what is behind a colon is the point."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.splitlines()[0].rstrip(".:")
