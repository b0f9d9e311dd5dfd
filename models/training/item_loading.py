"""Blocks of items, read in the trial's own process or ahead of it in loader processes.

What a block holds follows from its positions and its seed alone, so that equal blocks are equal
whoever reads them, and a trial that goes on needs no state of a loader.
"""

from __future__ import annotations

import itertools
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from multiprocessing import active_children
from multiprocessing.util import get_temp_dir
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset

from sweeps.models.data.item_reading import ItemReader, passes
from sweeps.models.data.items import ItemRows, NetInputs
from sweeps.models.errors import DataError, ModelError
from sweeps.models.own_code.own_processes import end_with_parent
from sweeps.models.process.held_folder import held_folder
from sweeps.models.process.randomness import seed_generators
from sweeps.models.process.socket_room import room_for

__all__ = ["Block", "ItemLoading", "pass_blocks"]

# torch's loader looks this often whether its processes live; one that is waited for is not killed.
_LOOK_S = 1.0
_KEY = ("loader", "workers")
_PREFIX = "swl-"
# Of multiprocessing, below a folder of ours.
_DEEPEST = f"{_PREFIX}{'x' * 8}/pymp-xxxxxxxx/listener-xxxxxxxx"


class Block(NamedTuple):
    """Items that are read together.

    Attributes:
        part: 0 of train, 1 of dev.
        positions: which of the part's rows.
        seed: of all that is drawn at random for them.
    """

    part: int
    positions: list[int]
    seed: int


Rows = tuple[ItemRows, ItemRows]


def pass_blocks(part: int, positions: list[int], rows: ItemRows, seed: int) -> list[Block]:
    """Return rows in order in blocks for forward passes; equal rows of equal seeds are equal."""
    return [Block(part, [*block], own) for block, own in passes(rows.items.x, positions, seed)]


class ItemLoading:
    """The items of a trial: those of an epoch, then those that it is measured on, and so on.

    Loader processes read in that order and never wait; what is asked for out of it is read here.
    """

    def __init__(
        self, rows: Rows, train: Callable[[int], list[Block]], passes: list[Block]
    ) -> None:
        """Open the dataset, where this process has not done so yet.

        Args:
            rows: of train and of dev.
            train: returns the blocks of an epoch, counted from 0.
            passes: those that are measured after each.

        Raises:
            DataError: see `ItemReader`.
        """
        self._rows, self._train, self._passes = rows, train, passes
        self._readers = ItemReader(rows[0]), ItemReader(rows[1])
        self._stream: _Stream | None = None
        # What the processes give next: the blocks of an epoch (its number), or those after it.
        self._next: tuple[str, int] | None = None

    def here(self, block: Block) -> NetInputs:
        """Return the x of a block, read in this process.

        Raises:
            DataError: see `ItemReader.read`.
        """
        return self._readers[block.part].read(block.positions, block.seed)

    def train(self, epoch: int) -> Iterator[tuple[Block, NetInputs]]:
        """Yield the blocks of an epoch, and the x of each.

        Raises:
            DataError: see `ItemReader.read`; or a process has ended, or takes too long.
        """
        if self._rows[0].items.loader.workers and self._next != ("train", epoch):
            self.close()
            self._stream = _Stream(self._rows, self._blocks_from(epoch))
            self._next = ("train", epoch)
        blocks = self._train(epoch)
        read = self._read(blocks, ("train", epoch), ("passes", epoch))
        yield from zip(blocks, read, strict=True)

    def passes(self) -> Iterator[NetInputs]:
        """Yield the x of the blocks that are measured; raises as `train`."""
        epoch = self._next[1] if self._next else 0
        yield from self._read(self._passes, ("passes", epoch), ("train", epoch + 1))

    def _read(
        self, blocks: list[Block], which: tuple[str, int], then: tuple[str, int]
    ) -> Iterator[NetInputs]:
        if self._stream is None or self._next != which:
            yield from map(self.here, blocks)
            return
        self._next = None  # of one that is left in the middle nothing more is taken
        for _ in blocks:
            yield next(self._stream)
        self._next = then

    def _blocks_from(self, epoch: int) -> Iterator[Block]:
        for each in itertools.count(epoch):
            yield from self._train(each)
            yield from self._passes

    def close(self) -> None:
        """End the loader processes."""
        if self._stream is not None:
            self._stream.close()
        self._stream = self._next = None


class _Stream:
    """Blocks in an order without end, read ahead by processes of its own, which end with it."""

    def __init__(self, rows: Rows, blocks: Iterator[Block]) -> None:
        """Start the processes.

        Args:
            rows: of train and of dev, whose dataset says how it is loaded.
            blocks: in the order in which they will be asked for.
        """
        self._source, self._config = rows[0].items.source, rows[0].items.loader
        self._held = ExitStack()
        folder = self._held.enter_context(held_folder(_place_of_sockets(), _PREFIX))
        before = {*active_children()}
        outer = signal.getsignal(signal.SIGCHLD)
        with warnings.catch_warnings():
            # Processes that wait for a disk may well be more than there are cores.
            warnings.filterwarnings("ignore", "This DataLoader will create")
            self._blocks: Iterator[Any] | None = iter(_loader(rows, blocks, folder))
        _put_back(outer)
        self._processes = {*active_children()} - before

    def __next__(self) -> NetInputs:
        """Return the x of the next block.

        Raises:
            DataError: see `ItemReader.read`; or a process has ended, or takes too long.
        """
        assert self._blocks is not None, "read after close()"
        until = time.monotonic() + self._config.timeout_s
        while True:
            try:
                read = next(self._blocks)
                break
            except (RuntimeError, OSError, EOFError) as err:  # the two of a broken pipe
                if ended := self._ended(err):
                    raise ended from err
                if time.monotonic() >= until:
                    raise self._late() from None
        if isinstance(read, Exception):
            raise read
        return read  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for process in self._processes:
            process.terminate()  # torch has it exit with 0: a handler of its may see it
        for process in self._processes:
            process.join(_LOOK_S / len(self._processes))
            process.kill()
            process.join()
        self._processes = set()
        if self._blocks is not None:
            # A process that was killed may have held the lock of torch's own event for ever.
            self._blocks._workers_done_event = threading.Event()  # type: ignore[attr-defined]
            self._blocks = None
        self._held.close()

    def _ended(self, error: Exception) -> Exception | None:
        """The error that a process has ended; None where all live, and torch has only waited."""
        is_broken = not isinstance(error, RuntimeError)
        for process in self._processes if is_broken else ():
            process.join(_LOOK_S / len(self._processes))  # its pipe may break before it has ended
        codes = [process.exitcode for process in self._processes if process.exitcode is not None]
        if not codes:
            return error if is_broken else None
        how = f"was killed by signal {-codes[0]}" if codes[0] < 0 else f"exited with {codes[0]}"
        rule = f"a loader process {how}"
        hint = "If the machine ran out of memory, use fewer workers"
        return DataError(rule, key=_KEY, value=self._config.workers, hint=hint)

    def _late(self) -> DataError:
        rule = f"a batch of {self._source} was not read in time"
        hint = "Find out what its items wait for, or allow more time"
        return DataError(rule, key=("loader", "timeout_s"), value=self._config.timeout_s, hint=hint)


class _Source(Dataset[Any]):
    """What the processes read from: a block at a time, or the error of one."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._readers: tuple[ItemReader, ItemReader] | None = None

    def __getitem__(self, block: Block) -> NetInputs | Exception:
        try:
            if self._readers is None:  # in a process that was not forked the dataset is opened anew
                self._readers = ItemReader(self._rows[0]), ItemReader(self._rows[1])
            seed_generators(block.seed)
            return self._readers[block.part].read_unseeded(block.positions)
        except ModelError as err:
            return err
        except RuntimeError as err:  # raised, it would look like torch's own of a long wait
            return RuntimeError(str(err))


class _Blocks:
    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[Block]:
        return self._blocks


def _loader(rows: Rows, blocks: Iterator[Block], folder: Path) -> DataLoader[Any]:
    return DataLoader(
        _Source(rows),
        batch_size=None,
        sampler=_Blocks(blocks),
        num_workers=rows[0].items.loader.workers,
        timeout=_LOOK_S,
        worker_init_fn=partial(_begin, str(folder)),
        # Others than Linux cannot fork safely, and open the dataset anew in each process.
        multiprocessing_context="fork" if sys.platform == "linux" else None,
        generator=torch.Generator(),  # else it would draw from the trial's
    )


def _place_of_sockets() -> Path:
    """Return the temporary folder, or a shorter one where a socket in it would have no name."""
    place = room_for(_DEEPEST)
    if place is None:
        rule = (
            "loader processes use sockets, and the path of every temporary folder is too long for "
            "one"
        )
        raise DataError(rule, key=_KEY, hint="Set TMPDIR to a shorter one")
    return place


def _begin(folder: str, _: int) -> None:
    """Leave Ctrl-C to the trial's own process, end with it, and leave sockets in its folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    outer, tempfile.tempdir = tempfile.tempdir, folder
    get_temp_dir()  # where tensors are handed over: a process that is killed does not delete it
    tempfile.tempdir = outer


def _put_back(handler: Any) -> None:
    """Take out torch's handler of ended processes: it would raise in whatever code runs then."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, handler)
