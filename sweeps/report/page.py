"""A page of panels as one HTML file that needs no network."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.report.style import plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["PageSection", "PageTable", "Panel", "render"]

_HERE = Path(__file__).resolve().parent
# The page is complete in itself: nothing in it can load, send or embed anything. What Plotly draws
# by WebGL (parallel coordinates, many points) goes through functions that it makes from texts.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Panel:
    """A figure with the words that say what it shows; some have words alone.

    Attributes:
        caption: What there is to see, with its n; also the figure's text alternative.
        is_wide: Takes the page's whole width.
        min_width_px: A narrower page scrolls the figure sideways; 0 fits it into any.
        is_alarm: Is marked, as something is to be done about it.
    """

    title: str
    caption: str
    figure: go.Figure | None = None
    is_wide: bool = False
    is_alarm: bool = False
    min_width_px: int = 0


@dataclass(frozen=True)
class PageTable:
    """Rows to sort, filter and page through; cells are texts or numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class PageSection:
    """A part of the page.

    Attributes:
        text: Paragraphs before the panels; commands in them stand in backticks.
        facts: Names and values, shown as a list.
        code: Commands or files, shown as they are.
        files: Texts by their titles, which open when clicked on.
    """

    title: str
    text: Sequence[str] = ()
    panels: Sequence[Panel] = ()
    facts: Mapping[str, str] | None = None
    table: PageTable | None = None
    code: Sequence[str] = ()
    files: Mapping[str, str] | None = None


def render(title: str, sections: Sequence[PageSection]) -> str:
    """Return the page; every text in it is taken as text, whatever it holds."""
    from plotly.offline import get_plotlyjs

    figures: list[Any] = []
    tables: list[Any] = []
    body = [_section(section, figures, tables) for section in sections]
    return "".join(
        [
            "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>",
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            f"<title>{html.escape(title)}</title>",
            f"<style>{(_HERE / 'page.css').read_text(encoding='utf-8')}</style></head><body><main>",
            f"<h1>{html.escape(title)}</h1>",
            *body,
            "</main>",
            f"<script>{get_plotlyjs()}</script>" if figures else "",
            f"<script>const FIGURES = {_json(figures)}; const TABLES = {_json(tables)};</script>",
            f"<script>{(_HERE / 'page.js').read_text(encoding='utf-8')}</script></body></html>\n",
        ]
    )


def _section(section: PageSection, figures: list[Any], tables: list[Any]) -> str:
    parts = [f"<section><h2>{html.escape(section.title)}</h2>", _words(section)]
    parts += [f"<pre>{html.escape(text)}</pre>" for text in section.code]
    parts += [
        f"<details><summary>{html.escape(title)}</summary><pre>{html.escape(text)}</pre></details>"
        for title, text in (section.files or {}).items()
    ]
    if section.panels:
        parts.append("<div class='panels'>")
        parts += [_panel(panel, figures) for panel in section.panels]
        parts.append("</div>")
    if section.table is not None:
        parts.append(f"<div class='table' data-table='{len(tables)}'></div>")
        tables.append({"columns": list(section.table.columns), "rows": list(section.table.rows)})
    return "".join([*parts, "</section>"])


def _words(section: PageSection) -> str:
    """Return the paragraphs, and beside them, where there is room, the facts."""
    text = "".join(f"<p>{_with_code(text)}</p>" for text in section.text)
    items = (section.facts or {}).items()
    rows = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in items)
    facts = f"<dl>{''.join(rows)}</dl>" if items else ""
    return f"<div class='words'><div>{text}</div>{facts}</div>" if text and facts else text + facts


def _with_code(text: str) -> str:
    """Return a paragraph's HTML; what stands in backticks is a command to copy."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _panel(panel: Panel, figures: list[Any]) -> str:
    kinds = "panel" + (" wide" if panel.is_wide else "") + (" alarm" if panel.is_alarm else "")
    caption = html.escape(panel.caption)
    drawing = ""
    if panel.figure is not None:
        label = html.escape(f"{panel.title}. {panel.caption}", quote=True)
        drawing = (
            f'<div class="figure" role="img" aria-label="{label}" data-figure="{len(figures)}"'
        )
        height_px, width_px = panel.figure.layout.height or 380, panel.min_width_px
        drawing += f' style="min-height:{height_px}px;min-width:{width_px}px"></div>'
        if width_px:
            drawing = f'<div class="scroll">{drawing}</div>'
        figures.append(plain(panel.figure))
    return (
        f"<figure class='{kinds}'><h3>{html.escape(panel.title)}</h3>{drawing}"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _json(value: Any) -> str:
    """Return JSON that can stand in a script: it cannot close it, whatever texts it holds."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
