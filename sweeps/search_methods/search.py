"""The `search` section of a sweep file: which methods there are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sweeps.search_methods.auto import AutoSearch
from sweeps.search_methods.cmaes import CmaEsSearch
from sweeps.search_methods.gp import GpSearch
from sweeps.search_methods.grid import GridSearch
from sweeps.search_methods.manual import ManualSearch
from sweeps.search_methods.nsga2 import Nsga2Search
from sweeps.search_methods.random_search import RandomSearch
from sweeps.search_methods.sobol import SobolSearch
from sweeps.search_methods.tpe import TpeSearch

__all__ = ["Search"]

Search = Annotated[
    GridSearch
    | RandomSearch
    | SobolSearch
    | ManualSearch
    | TpeSearch
    | GpSearch
    | CmaEsSearch
    | Nsga2Search
    | AutoSearch,
    Field(discriminator="method"),
]
