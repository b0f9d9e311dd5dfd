"""The `model` section: which net is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from sweeps.models.nets.cnn import Cnn
from sweeps.models.nets.linear import Linear
from sweeps.models.nets.mlp import Mlp
from sweeps.models.own_code.roles import TARGET, free_names
from sweeps.models.section import Section

__all__ = ["CustomNet", "ModelConfig"]


class CustomNet(Section):
    """A user-defined net: `function(input_shape, outputs, **options)` returns a Module."""

    kind: Literal["custom"]
    target: str = Field(
        pattern=f"^{TARGET}$",
        description="package.module:function, importable from where the program runs.",
    )
    options: Annotated[dict[str, Any], free_names("net")] = Field(
        default_factory=dict, description="Keyword arguments of the function."
    )


ModelConfig = Annotated[Linear | Mlp | Cnn | CustomNet, Field(discriminator="kind")]
