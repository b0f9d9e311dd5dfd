"""The names of the parameters of the built-in nets, told without building them (see `nets`)."""

from __future__ import annotations

from sweeps.models.nets.configuration import Cnn, CustomNet, Mlp, ModelConfig

__all__ = ["parameter_names"]


def parameter_names(
    config: ModelConfig, dimensions: int, word_columns: int = 0
) -> list[str] | None:
    """Return the names in a net's own order; None of a user-defined net.

    Args:
        dimensions: of one row: 1 of a table, 3 of images.
        word_columns: how many columns of words a table has.
    """
    if isinstance(config, CustomNet):
        return None
    # Of each module whether it has parameters.
    modules = [False] if dimensions > 1 and not isinstance(config, Cnn) else []
    embedded: list[str] = []
    if isinstance(config, Mlp) and config.embedding != "none":
        embedded = [f"{len(modules)}.columns.{at}.weight" for at in range(word_columns)]
        modules.append(False)
    if isinstance(config, Mlp):
        modules += _hidden(config) * config.hidden_layers
    elif isinstance(config, Cnn):
        modules += _convolution(config) * config.conv_layers
        modules += [False, True, False, *([False] if config.dropout > 0 else [])]
    holders = [at for at, has_any in enumerate([*modules, True]) if has_any]
    return embedded + [f"{at}.{kind}" for at in holders for kind in ("weight", "bias")]


def _hidden(config: Mlp) -> list[bool]:
    normalization = [True] if config.normalization != "none" else []
    return [True, *normalization, False, *([False] if config.dropout > 0 else [])]


def _convolution(config: Cnn) -> list[bool]:
    normalization = [True] if config.normalization == "batch" else []
    return [True, *normalization, False, *([False] if config.pooling != "none" else [])]
