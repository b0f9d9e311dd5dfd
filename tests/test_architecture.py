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
    if path.relative_to(ROOT).parts[0] in PACKAGES and not {"examples", "gallery"} & {*path.parts}
]

HOMES = {
    "ray": {
        "infra/jobs.py",
        "sweeps/execution/cluster/head_watch.py",
        "sweeps/execution/cluster/joining.py",
        "sweeps/execution/cluster/lost_nodes.py",
        "sweeps/execution/cluster/metrics.py",
        "sweeps/execution/cluster/nodes.py",
        "sweeps/execution/cluster/shared_places.py",
        "sweeps/execution/cluster/sharing.py",
        "sweeps/execution/local_ray.py",
        "sweeps/execution/frozen_workers.py",
        "sweeps/execution/ray_loss.py",
        "sweeps/execution/ray_messages.py",
        "sweeps/execution/ray_runner.py",
        "sweeps/execution/ray_trainable.py",
        "sweeps/execution/tune_scheduler.py",
        "sweeps/execution/tune_search.py",
    },
    "mlflow": {
        "sweeps/tracking/mlflow/links.py",
        "sweeps/tracking/mlflow/projection.py",
        "sweeps/tracking/mlflow/model.py",
        "sweeps/tracking/mlflow/store.py",
        "sweeps/tracking/mlflow/values.py",
        "sweeps/tracking/mlflow/winner_model.py",
    },
    "fastapi": {"sweeps/watch/server.py"},
    "uvicorn": {"sweeps/watch/server.py"},
    "obstore": {"sweeps/storage/conditional.py"},
    "yaml": {"search_spaces/yaml_reader.py"},
    "lightning": {"models/training/lightning_fit.py"},
    "transformers": {"models/training/transformers_fit.py"},
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(path: Path, with_types: bool = True) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
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


def parts_of(path: Path, with_types: bool = True) -> set[str]:
    """The parts of the package that a file imports from; `""` is the package itself."""
    own = (name for name in imports_of(path, with_types) if name.partition(".")[0] == "sweeps")
    return {([*name.split("."), ""])[1] for name in own}


# What each part may know of the others.
FLOOR = {"models", "search_spaces", "infra"}
PARTS = {
    "models": set(),
    "search_spaces": set(),
    "infra": set(),
    "schedulers": {"models"},
    "search_methods": {"models", "search_spaces"},
    "importers": {"models", "search_spaces", "search_methods"},
    "definition": {"models", "search_spaces", "schedulers", "search_methods"},
    "storage": FLOOR,
    "record": FLOOR | {"search_methods", "definition", "storage"},
    "findings": FLOOR | {"definition", "storage", "record"},
    "execution": FLOOR | {"schedulers", "definition", "storage", "record"},
    "rehearsal": FLOOR | {"schedulers", "definition", "findings", "execution"},
    "tracking": FLOOR | {"definition", "storage", "record", "findings"},
    "analysis": FLOOR | {"search_methods", "definition", "storage", "record", "findings"},
}
PARTS["report"] = FLOOR | {"definition", "storage", "record", "findings", "analysis"}
PARTS["terminal"] = {*PARTS} - {"analysis", "importers", "report", "tracking"}
PARTS["watch"] = {*PARTS["report"]}
PARTS["session"] = {*PARTS} - {"importers", "watch"}
PARTS["service"] = {*PARTS}
# What is drawn, measured and kept, commands ask of the service.
PARTS["cli"] = {*PARTS} - {"analysis", "importers", "report", "schedulers", "storage", "watch"}


def files_of(part: str) -> list[Path]:
    folder = ROOT / part if part in FLOOR else ROOT / "sweeps" / part
    return [path for path in sorted(folder.rglob("*.py")) if path.parent.name != "gallery"]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_each_part_knows_only_what_lies_below_it(part: str) -> None:
    allowed = {part, *PARTS[part]} | (set() if part in FLOOR else {"errors"})
    for path in files_of(part):
        assert parts_of(path, with_types=False) <= allowed, name_of(path)


def test_every_part_of_sweeps_has_its_place() -> None:
    parts = {path.parent.name for path in (ROOT / "sweeps").glob("*/__init__.py")}
    assert parts == set(PARTS)


# The rooms of models, and what each may know of the others. Files beside the rooms know them all.
MODEL_ROOMS = {
    "process": set(),
    "own_code": {"process"},
    "scoring": {"own_code", "process"},
    "nets": {"own_code"},
    "optimizers": {"own_code", "scoring"},
    "data": {"own_code", "process", "scoring"},
    "splits": {"data", "own_code", "scoring"},
    "training": {"process", "own_code", "scoring", "nets", "optimizers", "data", "splits"},
}


def rooms_of(path: Path) -> set[str]:
    """The rooms of models that a file imports from."""
    names = (name.split(".") for name in imports_of(path, with_types=False))
    return {name[2] for name in names if name[:2] == ["sweeps", "models"]} & {*MODEL_ROOMS}


@pytest.mark.parametrize("room", sorted(MODEL_ROOMS))
def test_each_room_of_models_knows_only_what_lies_below_it(room: str) -> None:
    allowed = {room, *MODEL_ROOMS[room]}
    for path in sorted((ROOT / "models" / room).glob("*.py")):
        assert rooms_of(path) <= allowed, name_of(path)


def test_every_room_of_models_has_its_place() -> None:
    rooms = {path.parent.name for path in (ROOT / "models").glob("*/__init__.py")}
    assert rooms == set(MODEL_ROOMS)


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_nothing_imports_tests_or_a_folder_by_its_short_name(path: Path) -> None:
    assert packages_of(path) & {"tests", *FLOOR} == set()


@pytest.mark.parametrize("library", sorted(HOMES))
def test_third_parties_stay_home(library: str) -> None:
    users = {name_of(path) for path in PRODUCT if library in packages_of(path)}
    assert users <= HOMES[library]


# Explore draws from the keys of one section, and its checks say what the section needs.
KNOW_A_SCHEDULER = {
    "sweeps/definition/exploring.py": {"population"},
    "sweeps/definition/population_checks.py": {"population"},
    "sweeps/definition/sweep_file.py": {"none"},  # the default
}


def test_nobody_else_knows_a_scheduler_by_its_file() -> None:
    shared = {"__init__", "scheduler", "stopping"}
    one_by_one = {path.stem for path in (ROOT / "sweeps/schedulers").glob("*.py")} - shared
    for path in PRODUCT:
        if "schedulers" not in path.parts:
            names = {name.removeprefix("sweeps.schedulers.") for name in imports_of(path)}
            assert names & one_by_one == KNOW_A_SCHEDULER.get(name_of(path), set()), name_of(path)


# Importers write these names into a new file, from those of other tools.
@pytest.mark.parametrize("path", [p for p in PRODUCT if "importers" not in p.parts], ids=name_of)
def test_nothing_is_decided_by_the_name_of_a_scheduler_or_method(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            asked = {getattr(one, "attr", "") for one in sides}  # a section's, not words about it
            is_name = any(isinstance(one, ast.Constant | ast.Tuple | ast.Set) for one in sides)
            assert not (is_name and asked & {"scheduler", "method"}), ast.unparse(node)


def test_nobody_but_the_follower_knows_which_tracker_it_follows_into() -> None:
    inside = "sweeps.tracking.mlflow"
    users = {
        name_of(path) for path in PRODUCT if any(n.startswith(inside) for n in imports_of(path))
    }
    assert {one for one in users if "/mlflow/" not in one} == {"sweeps/tracking/follower.py"}


def test_torch_is_used_in_models_and_where_a_trial_is_trained() -> None:
    users = {name_of(path) for path in PRODUCT if "torch" in packages_of(path)}
    outside = {name for name in users if not name.startswith("models/")}
    trying = {"fresh_process", "probe", "rehearsal", "rehearsal_apart"}
    assert outside <= {f"sweeps/rehearsal/{name}.py" for name in trying} | {
        "sweeps/execution/trial_worker.py"
    }


def module_of(path: Path) -> str:
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return dotted if dotted.startswith("sweeps.") else f"sweeps.{dotted}"


def test_no_module_imports_itself_in_a_circle() -> None:
    modules = {module_of(path): path for path in PRODUCT}
    graph = {
        module: {name for name in imports_of(path, with_types=False) if name in modules}
        for module, path in modules.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


# What is written for people, wherever it stands, and what a program would look for in it.
WORDS = {"detail", "hint", "message", "msg", "reason", "rule", "sentence", "stopped"}
ERRORS = {"err", "error"}
QUESTIONS = {"startswith", "endswith", "find", "index", "partition", "rpartition", "count"}
# These say what is wrong in words alone: PyYAML; pandas of bytes; Ray's Jobs of an id that it does
# not know, and of what ended an actor.
READS_WORDS_OF_OTHERS = {
    "infra/jobs.py",
    "models/data/csv_files.py",
    "search_spaces/yaml_reader.py",
    "sweeps/execution/cluster/lost_nodes.py",
}


def is_text_of_error(asked: ast.expr | None) -> bool:
    """Whether it is `str(error)`, whatever the error is called."""
    return (
        isinstance(asked, ast.Call)
        and getattr(asked.func, "id", "") == "str"
        and getattr(asked.args[0], "id", "") in ERRORS
    )


def words_decided_by(path: Path) -> Iterator[str]:
    """Expressions that look into words, or compare them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = node.func.value if node.func.attr in QUESTIONS else None
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            asked = node.comparators[0]
        elif isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.Constant):
            is_text = isinstance(node.comparators[0].value, str) and node.comparators[0].value
            asked = node.left if is_text else None
        else:
            continue
        name = getattr(asked, "attr", getattr(asked, "id", ""))
        if name in WORDS | ERRORS or is_text_of_error(asked):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_nothing_is_decided_by_the_words_of_a_message(path: Path) -> None:
    assert bool(list(words_decided_by(path))) == (name_of(path) in READS_WORDS_OF_OTHERS)
