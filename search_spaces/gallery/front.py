"""An MLP whose layers each have a width and a dropout of their own."""

from collections.abc import Mapping

from torch import nn


def build(input_shape: tuple[int, ...], outputs: int, *, layers: Mapping[str, float]) -> nn.Module:
    """Return a net of the layers that have a width: `units_1`, and perhaps `units_2` and so on."""
    parts: list[nn.Module] = [nn.Flatten()]
    for number in range(1, 1 + sum(name.startswith("units_") for name in layers)):
        parts += [
            nn.LazyLinear(int(layers[f"units_{number}"])),
            nn.ReLU(),
            nn.Dropout(layers[f"dropout_{number}"]),
        ]
    return nn.Sequential(*parts, nn.LazyLinear(outputs))
