"""Registry and namespace of the manifests are written in one place."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.infra.test_manifests import KUBERNETES, KUSTOMIZATION, documents, within

WHOLE = yaml.safe_load(KUSTOMIZATION.read_text(encoding="utf-8"))


def images(paths: list[Path]) -> set[str]:
    return {image for path in paths for one in documents(path) for image in within(one, "image")}


def test_every_manifest_but_that_of_one_sweep_is_in_it() -> None:
    assert {*WHOLE["resources"], "ray-job.yaml"} == {path.name for path in KUBERNETES}


def test_every_image_has_its_registry_in_it() -> None:
    names = {image.partition(":")[0] for image in images(KUBERNETES)}
    assert {one["name"] for one in WHOLE["images"]} == names


def test_a_registry_and_a_namespace_reach_every_pod(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    folder = tmp_path / "kubernetes"
    shutil.copytree(KUSTOMIZATION.parent, folder)
    own = {**WHOLE, "namespace": "team"}
    own["images"] = [
        {"name": one["name"], "newName": f"registry.example/{one['name']}"}
        for one in WHOLE["images"]
    ]
    (folder / KUSTOMIZATION.name).write_text(yaml.safe_dump(own))
    command = [kubectl, "kustomize", str(folder)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    made = list(yaml.safe_load_all(text))
    found = {image for one in made for image in within(one, "image")}
    given = images([folder / name for name in WHOLE["resources"]])
    assert found == {f"registry.example/{image}" for image in given}
    assert {one["metadata"]["namespace"] for one in made} == {"team"}
