"""What a net costs to ask: the operations of a row, counted, and the time of one, measured.

Both on passes that a net makes anyway, where it is a user's own: it may count them.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

__all__ = ["Operations", "Stopwatch", "counted"]


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the floating point operations of all that torch does meanwhile, by torch's formulas.

    As torch's own `FlopCounterMode`, which imports torch's compiler for a second in each process.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to keep the compiler away, torch would import it

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        formula = flop_registry.get(func._overloadpacket)
        if formula is None:
            with self:  # what has no formula may be made of what has
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        if formula is not None:
            self.total += formula(*args, **kwargs, out_val=out)
        return out


@contextmanager
def counted(net: nn.Module) -> Iterator[Operations]:
    """Count the floating point operations of what `net` is asked meanwhile.

    Those of products of matrices and of convolutions: a multiplication and an addition are two.
    What is done number by number (an activation, a normalization) is not counted.
    """
    with _in_parts(net), torch.enable_grad(), Operations() as operations:
        yield operations


@contextmanager
def _in_parts(net: nn.Module) -> Iterator[None]:
    """Have torch make up of single products what libraries do in one: an LSTM, attention."""
    with ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if any(isinstance(one, nn.RNNBase) for one in net.modules()):
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")  # of devices that are not there
            stack.enter_context(torch.backends.mkldnn.flags(enabled=False))
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


class Stopwatch:
    """Times passes of rows through a net.

    Attributes:
        ms_per_row: milliseconds of a row in the fastest pass, as others were disturbed; infinite
            before there is one.
    """

    def __init__(self, device: torch.device) -> None:
        """Waits for the device before and after each pass."""
        self._device = device
        self.ms_per_row = math.inf

    def timed(self, forward: Callable[[], Tensor]) -> Tensor:
        """Return what a pass of some rows returns: a tensor of as many."""
        self._wait()
        begun = time.perf_counter()
        outputs = forward()
        self._wait()
        took_ms = 1000 * (time.perf_counter() - begun)
        self.ms_per_row = min(self.ms_per_row, took_ms / len(outputs))
        return outputs

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
