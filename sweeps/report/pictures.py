"""The figures of a report as PNG files, for slides."""

from __future__ import annotations

import re
from pathlib import Path

from sweeps.errors import SweepError
from sweeps.record.run_folder import RunFolder
from sweeps.report.report import report_sections
from sweeps.report.style import plain

__all__ = ["write_pictures"]

_WIDTH, _SCALE = 960, 2


def write_pictures(folder: RunFolder) -> list[Path]:
    """Write every figure into `figures/` of the run folder; returns the files.

    Raises:
        SweepError: There is no Chrome or Chromium that could draw them.
    """
    import plotly.io
    from kaleido.errors import ChromeNotFoundError

    panels = [panel for section in report_sections(folder) for panel in section.panels]
    drawn = [panel for panel in panels if panel.figure is not None]
    target = folder.path / "figures"
    target.mkdir(exist_ok=True)
    paths = [
        target / f"{number:02d}-{re.sub(r'[^a-z0-9]+', '-', panel.title.lower()).strip('-')}.png"
        for number, panel in enumerate(drawn, start=1)
    ]
    for panel in drawn:
        assert panel.figure is not None
        panel.figure.update_layout(title={"text": panel.title, "x": 0.02, "y": 0.98}, margin_t=90)
    try:
        plotly.io.write_images(
            fig=[plain(panel.figure) for panel in drawn], file=paths, width=_WIDTH, scale=_SCALE
        )
    except (ChromeNotFoundError, RuntimeError) as err:
        raise SweepError(
            f"pictures are drawn by Chrome or Chromium, which is not found: install one of them, "
            f"or take them from report.html ({str(err).splitlines()[0]})"
        ) from err
    return paths
