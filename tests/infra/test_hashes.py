"""What is pinned is held to hashes, and this checkout and its image are installed by them."""

from __future__ import annotations

import re
from pathlib import Path

INFRA = Path(__file__).resolve().parents[2] / "infra"
PIN = re.compile(r"^(\S+)==(\S+)", re.MULTILINE)


def test_each_pinned_package_but_torch_is_held_to_hashes() -> None:
    pins = dict(PIN.findall((INFRA / "constraints.txt").read_text()))
    product = (INFRA / "hashes.txt").read_text()
    others = (INFRA / "hashes-dev.txt").read_text()
    held = [*PIN.findall(product), *PIN.findall(others)]
    assert pins.pop("torch")
    assert len(held) == len(pins)
    assert dict(held) == pins
    for block in re.split(r"\n(?=\S)", product + others):
        if PIN.match(block):
            assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block


def test_what_runs_the_product_needs_no_package_of_its_tests() -> None:
    product = dict(PIN.findall((INFRA / "hashes.txt").read_text()))
    assert {"ray", "mlflow", "pydantic", "numpy", "boto3"} <= product.keys()
    assert not {"pytest", "ruff", "mypy", "selenium"} & product.keys()


def test_the_checkout_and_the_image_are_installed_by_hash() -> None:
    image = (INFRA / "images" / "Dockerfile").read_text()
    setup = (INFRA.parent / "Makefile").read_text().replace("\\\n", "")
    for text in (image, setup):
        by_hash = re.search(r"pip install .*--require-hashes.*-r infra/hashes\.txt", text)
        rest = re.search(r"pip install .*-e '\.", text)
        assert by_hash
        assert rest
        assert by_hash.start() < rest.start()
