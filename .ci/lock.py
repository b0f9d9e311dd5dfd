"""Writes infra/hashes.txt and infra/hashes-dev.txt: the pins, each with the SHA-256 of its files.

`.venv/bin/python .ci/lock.py` after a change of infra/constraints.txt; it asks pip's index.
"""

from __future__ import annotations

import json
import os
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pip._internal.models.index import PyPI

INFRA = Path(__file__).resolve().parents[1] / "infra"
PYTHONS = ("cp311", "cp312", "cp313")
# Each index of PyTorch has builds of its own, which bring CUDA's libraries or none.
NOT_HELD = {"torch"}
HEAD = """\
# {}, held to the SHA-256 of its files.
# For Python 3.11 to 3.13 on Linux and macOS. Made with: .venv/bin/python .ci/lock.py
"""


def main() -> None:
    """Write both files anew."""
    text = (INFRA / "constraints.txt").read_text()
    pins = dict(re.findall(r"^(\S+)==(\S+)$", text, re.MULTILINE))
    held = [name for name in pins if name not in NOT_HELD]
    with ThreadPoolExecutor(8) as pool:
        blocks = dict(zip(held, pool.map(lambda name: _block(name, pins[name]), held), strict=True))
    used = _needed(Requirement("torch-sweeps[all,aws]"))
    product = [name for name in held if canonicalize_name(name) in used]
    others = [name for name in held if name not in product]
    _write("hashes.txt", "What the product needs but torch", blocks, product)
    _write("hashes-dev.txt", "What its tests and checks need besides", blocks, others)


def _write(file: str, what: str, blocks: dict[str, str], names: list[str]) -> None:
    (INFRA / file).write_text(HEAD.format(what) + "".join(blocks[name] for name in names))


def _needed(wanted: Requirement) -> set[str]:
    """Return the names of all that `wanted` brings, as it is installed here."""
    seen: set[tuple[str, str]] = set()
    waiting = [wanted]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        for extra in {"", *one.extras} - {had for of, had in seen if of == name}:
            seen.add((name, extra))
            more = map(Requirement, requires(name) or [])
            waiting += [x for x in more if not x.marker or x.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def _block(name: str, version: str) -> str:
    index = (os.environ.get("PIP_INDEX_URL") or PyPI.simple_url).rstrip("/")
    accepted = {"Accept": "application/vnd.pypi.simple.v1+json"}
    asked = urllib.request.Request(f"{index}/{canonicalize_name(name)}/", headers=accepted)
    with urllib.request.urlopen(asked, timeout=60) as page:
        files = json.load(page)["files"]
    hashes = sorted({one["hashes"]["sha256"] for one in files if _fits(one["filename"], version)})
    if not hashes:
        raise SystemExit(f"the index has no file of {name} {version}")
    return f"{name}=={version} " + " ".join(f"\\\n    --hash=sha256:{one}" for one in hashes) + "\n"


def _fits(file: str, version: str) -> bool:
    if not file.endswith(".whl"):
        return file.endswith(f"-{version}.tar.gz")
    _, of, *_, python, abi, platform = file.removesuffix(".whl").split("-")
    is_ours = any(one in PYTHONS for one in python.split(".")) or "abi3" in abi or "py3" in python
    is_free_threaded = abi.startswith("cp") and abi.endswith("t")
    return of == version and is_ours and not is_free_threaded and not platform.startswith("win")


if __name__ == "__main__":
    main()
