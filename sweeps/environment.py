"""The settings of the environment, and the place that they name for a session to train at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import settings as infra_settings
from infra.settings import InfraSettings, without_password
from sweeps.errors import SettingsError
from sweeps.execution.placement import Place, slots
from sweeps.spec.sweep_file import Resources

__all__ = ["default_runs", "default_tracking_uri", "place_of", "read_settings"]


def read_settings() -> InfraSettings:
    """Return what the environment says; raises SettingsError."""
    try:
        return infra_settings.read_settings()
    except infra_settings.SettingsError as err:
        raise SettingsError(str(err)) from err


def default_runs() -> Path:
    """Return where run folders are made: SWEEPS_STORAGE, or `runs` where the command is typed."""
    return read_settings().storage or Path("runs")


def default_tracking_uri(runs: Path) -> str:
    """Return MLFLOW_TRACKING_URI, or a SQLite store in the runs folder, as an absolute URI.

    A relative path in it starts from where the command was typed: the tracker runs elsewhere.
    """
    uri = read_settings().tracking_uri or f"sqlite:///{runs / 'mlflow.db'}"
    scheme, separator, path = uri.partition("sqlite:///")
    return uri if scheme or not separator else f"sqlite:///{Path(path).absolute()}"


@contextmanager
def place_of(
    runner: str, resources: Resources, runs: Path, say: Callable[[str], None]
) -> Iterator[Place]:
    """Hold the place where trials are trained: this machine, or the cluster of RAY_ADDRESS.

    Args:
        runs: The folder of run folders, which all nodes of a cluster must see.
        say: Is told what is waited for.

    Raises:
        SettingsError: RAY_ADDRESS is a Jobs address.
        ClusterError: The cluster, or one of its nodes, cannot be used.
        PlacementError: A trial fits nowhere.
    """
    settings = read_settings()
    if runner == "local" or settings.ray_address is None:
        place = Place.here()
        slots(resources, place.nodes)
        yield place
        return
    if settings.cluster_address is None:
        shown = without_password(settings.ray_address)
        raise SettingsError(
            f"RAY_ADDRESS={shown} is a Jobs address: `submit` sends a sweep there; "
            f"to run it from here, name HOST:PORT of the cluster, or nothing for this machine"
        )
    from sweeps.execution.cluster import joined

    with joined(settings.cluster_address, runs, say) as place:
        slots(resources, place.nodes)
        yield place
