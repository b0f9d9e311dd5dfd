"""Which other sweeps of a storage had opened a sweep's test rows before.

Whoever runs a sweep file a second time gets a folder of its own and the same test rows: their cut
follows from data, seed and fractions. Figures are a first look only where nobody has looked before.
"""

from __future__ import annotations

from collections.abc import Iterator

from sweeps.errors import SweepError
from sweeps.record.description import Description
from sweeps.record.final import OPENINGS, Opening, read_openings
from sweeps.record.run_folder import RunFolder

__all__ = ["opened_before"]


def opened_before(folder: RunFolder) -> tuple[str, ...]:
    """Return the names of the sweeps that opened the same test rows, one for each time, in order.

    Sweeps of the same folder of runs count. A copy of a run folder adds nothing, and one that
    cannot be read is passed over: its own commands say what is wrong with it.

    Raises:
        RunFolderError: The sweep's own openings were damaged.
    """
    test = _test_digest(folder.read_description())
    if not test:
        return ()
    found = {_identity(one): "" for one in read_openings(folder)}
    for path in sorted(folder.path.parent.glob(f"*/{OPENINGS}")):
        for one in _openings_on(RunFolder(path.parent), test):
            found.setdefault(_identity(one), path.parent.name)
    return tuple(found[key] for key in sorted(found) if found[key])


def _openings_on(folder: RunFolder, test: str) -> Iterator[Opening]:
    try:
        if _test_digest(folder.read_description()) == test:
            yield from read_openings(folder)
    except SweepError:
        return


def _test_digest(description: Description) -> str:
    """Return what identifies the test rows; empty where the sweep has no data of its own."""
    return next((one.digest for one in description.data.splits if one.name == "test"), "")


def _identity(opening: Opening) -> tuple[float, str]:
    return opening.opened_at, opening.sha256
