"""The plan of the house, read from the imports: who may know whom, and where third parties live."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("search_spaces", "models", "sweeps", "infra")
FILES = sorted(path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py"))
PRODUCT = [
    path
    for path in FILES
    if path.relative_to(ROOT).parts[0] in PACKAGES and "examples" not in path.parts
]

HOMES = {
    "ray": {
        "infra/jobs.py",
        "sweeps/execution/cluster.py",
        "sweeps/execution/head_watch.py",
        "sweeps/execution/inner_scheduler.py",
        "sweeps/execution/local_ray.py",
        "sweeps/execution/local_runner.py",
        "sweeps/execution/lost_nodes.py",
        "sweeps/execution/metrics.py",
        "sweeps/execution/ray_runner.py",
        "sweeps/execution/ray_trainable.py",
        "sweeps/execution/scheduling.py",
    },
    "mlflow": {
        "sweeps/tracking/projection.py",
        "sweeps/tracking/model.py",
        "sweeps/tracking/store.py",
        "sweeps/tracking/values.py",
        "sweeps/tracking/winner_model.py",
    },
    "yaml": {"search_spaces/yaml_reader.py"},
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(path: Path, with_types: bool = True) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    skipped = set() if with_types else set(type_checking_nodes(tree))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def type_checking_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from ast.walk(node)


def packages_of(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports_of(path)}


def imports_of_folder(folder: str) -> set[str]:
    return set().union(*(packages_of(path) for path in (ROOT / folder).rglob("*.py")))


@pytest.mark.parametrize("package", ["search_spaces", "models", "infra"])
def test_the_three_parts_never_import_one_another_or_sweeps(package: str) -> None:
    others = {"search_spaces", "models", "infra", "sweeps", "tests"} - {package}
    assert imports_of_folder(package) & others == set()


def test_sweeps_never_imports_tests() -> None:
    assert "tests" not in imports_of_folder("sweeps")


@pytest.mark.parametrize("library", sorted(HOMES))
def test_third_parties_stay_home(library: str) -> None:
    users = {name_of(path) for path in PRODUCT if library in packages_of(path)}
    assert users <= HOMES[library]


# What each part of sweeps may know of the others; what stands in sweeps itself composes them.
PARTS = {
    "spec": set(),
    "record": {"spec"},
    "execution": {"spec", "record"},
    "tracking": {"spec", "record"},
    "terminal": {"spec", "record", "execution"},
    "analysis": {"spec", "record"},
    "report": {"spec", "record", "analysis", "terminal"},
}
BESIDE = {"sweeps.errors"}


@pytest.mark.parametrize("part", sorted(PARTS))
def test_the_parts_of_sweeps_know_only_what_lies_below_them(part: str) -> None:
    own = {f"sweeps.{name}" for name in {part, *PARTS[part]}}
    for path in (ROOT / "sweeps" / part).rglob("*.py"):
        known = {name for name in imports_of(path, with_types=False) if name.startswith("sweeps")}
        assert {".".join(name.split(".")[:2]) for name in known - BESIDE} <= own, name_of(path)


def test_every_part_of_sweeps_has_its_place() -> None:
    parts = {path.parent.name for path in (ROOT / "sweeps").glob("*/__init__.py")}
    assert parts == set(PARTS)


def test_torch_is_used_in_models_and_where_a_trial_is_trained() -> None:
    users = {name_of(path) for path in PRODUCT if "torch" in packages_of(path)}
    outside = {name for name in users if not name.startswith("models/")}
    assert outside <= {"sweeps/execution/probe.py", "sweeps/execution/trial_worker.py"}


def test_no_module_imports_itself_in_a_circle() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PRODUCT}
    graph = {
        module: {name for name in imports_of(path, with_types=False) if name in modules}
        for module, path in modules.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
