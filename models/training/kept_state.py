"""What a user's own training keeps, as named tensors and JSON, and back into the same objects.

No pickle: a state is a tree of lists, tuples, dicts, numbers, texts, tensors and arrays, in which
tensors go by their path. Anything else in it is an error that names the place.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sweeps.models.errors import OwnTrainingError
from sweeps.models.own_code.guards import described

__all__ = ["TARGET", "packed", "refused", "restore", "state_of", "unpacked"]

# Where a trial's configuration names the training.
TARGET = ("training", "target")

# The tensor that holds the tree itself, as the bytes of JSON.
_TREE = "tree"
_KEPT = (
    "Keep objects with state_dict() and load_state_dict(), tensors, arrays, dicts, lists or random "
    "generators"
)
_ALLOWED = "A state holds tensors, arrays, numbers, texts, None, lists, tuples and dicts of these"


def refused(rule: str, hint: str = "", key: tuple[str, ...] = TARGET) -> OwnTrainingError:
    """What is wrong with own training; the same would come of a second attempt."""
    return OwnTrainingError(rule, key=key, hint=hint, is_permanent=True)


def state_of(name: str, kept: Any) -> Any:
    """The state of an object as a tree.

    Args:
        name: by which it is kept, for messages.

    Raises:
        OwnTrainingError: it has none that is known here.
    """
    if isinstance(kept, nn.Module):
        return {"state": dict(kept.state_dict()), "buffers": _unsaved_buffers(kept)}
    if hasattr(kept, "state_dict") and hasattr(kept, "load_state_dict"):
        return _own_state(name, kept)
    if isinstance(kept, torch.Generator):
        return kept.get_state()
    if isinstance(kept, np.random.Generator):
        return dict(kept.bit_generator.state)
    if isinstance(kept, random.Random):
        return kept.getstate()
    if isinstance(kept, Tensor | np.ndarray | dict | list):
        return kept
    raise refused(f"cannot keep {name!r}, a {type(kept).__name__}", _KEPT)


def _own_state(name: str, kept: Any) -> Any:
    try:
        return kept.state_dict()
    except OwnTrainingError:
        raise
    except Exception as err:
        rule = f"cannot keep {name!r}: its state_dict() raised {described(err)}"
        raise OwnTrainingError(rule, key=TARGET) from err  # a disk may be there again


def restore(name: str, kept: Any, state: Any) -> None:
    """Puts a state back into the object that it is of, in place.

    Raises:
        OwnTrainingError: it does not fit the object.
    """
    try:
        _restore(kept, state)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, AttributeError) as err:
        rule = f"the state of {name!r} must fit the {type(kept).__name__} that is kept now: {err}"
        raise refused(rule, "Create the same objects in every run of one configuration") from err


def _restore(kept: Any, state: Any) -> None:
    if isinstance(kept, nn.Module):
        kept.load_state_dict(state["state"])
        for name, buffer in _unsaved_buffers(kept).items():
            buffer.copy_(state["buffers"][name])
    elif hasattr(kept, "load_state_dict"):
        kept.load_state_dict(state)
    elif isinstance(kept, torch.Generator):
        kept.set_state(state)
    elif isinstance(kept, np.random.Generator):
        kept.bit_generator.state = state
    elif isinstance(kept, random.Random):
        kept.setstate(state)
    elif isinstance(kept, Tensor):
        kept.detach().copy_(state)
    elif isinstance(kept, dict):
        kept.clear()
        kept.update(state)
    else:
        kept[... if isinstance(kept, np.ndarray) else slice(None)] = state


def _unsaved_buffers(module: nn.Module) -> dict[str, Tensor]:
    """The buffers that a state_dict leaves out, which training may change nevertheless."""
    saved = module.state_dict().keys()
    return {name: buffer for name, buffer in module.named_buffers() if name not in saved}


def packed(states: Mapping[str, Any]) -> dict[str, Tensor]:
    """Trees by name as tensors by path, one of which holds the rest as JSON.

    Raises:
        OwnTrainingError: a tree holds what can be neither.
    """
    tensors: dict[str, Tensor] = {}
    tree = {}
    for name, state in states.items():
        try:
            tree[name] = _encoded(state, name, tensors)
        except RecursionError:
            rule = f"cannot save a recursive or too deeply nested object, in the state of {name}"
            raise refused(rule, _ALLOWED) from None
    text = json.dumps(tree).encode()
    return {**tensors, _TREE: torch.frombuffer(bytearray(text), dtype=torch.uint8)}


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Undoes `packed`.

    Raises:
        KeyError: a tensor is missing.
    """
    tree = json.loads(tensors[_TREE].numpy().tobytes())
    return {name: _decoded(value, tensors) for name, value in tree.items()}


def _encoded(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """A tree as JSON, each list of which is [what it is, ...]; its tensors go to `tensors`."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Tensor):
        return ["tensor", _named(path, value, tensors)]
    if isinstance(value, np.ndarray | np.generic):
        kind = "array" if isinstance(value, np.ndarray) else "number"
        return [kind, _named(path, _tensor_of(value, path), tensors)]
    if isinstance(value, Mapping):
        for key in value:
            if type(key) not in (int, str, bool):
                raise _unsavable(key, f"{path}: a key")
        return ["dict", *([k, _encoded(v, f"{path}/{k}", tensors)] for k, v in value.items())]
    if type(value) in (list, tuple):
        items = (_encoded(item, f"{path}/{at}", tensors) for at, item in enumerate(value))
        return [type(value).__name__, *items]
    raise _unsavable(value, path)


def _tensor_of(value: Any, path: str) -> Tensor:
    try:
        return torch.from_numpy(np.array(value))
    except TypeError as err:
        raise _unsavable(value, path) from err


def _named(path: str, tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise _unsavable(tensor, path)
    name = path if path not in tensors and path != _TREE else f"{path}#{len(tensors)}"
    tensors[name] = tensor
    return name


def _decoded(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(value, list):
        return value
    kind, *items = value
    if kind == "tensor":
        return tensors[items[0]]
    if kind in ("array", "number"):
        array = tensors[items[0]].numpy()
        return array if kind == "array" else array[()]
    if kind == "dict":
        return {key: _decoded(inner, tensors) for key, inner in items}
    found = [_decoded(inner, tensors) for inner in items]
    return tuple(found) if kind == "tuple" else found


def _unsavable(value: Any, path: str) -> OwnTrainingError:
    return refused(f"cannot save a {type(value).__name__}, in the state of {path}", _ALLOWED)
