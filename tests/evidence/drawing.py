"""Line charts as small SVG files, which a page of the repository shows as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

__all__ = ["Chart", "Line", "svg"]

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 150, 34, 46
# Okabe and Ito's colours, which the colour-blind tell apart too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


@dataclass(frozen=True)
class Line:
    """One curve; `errors` are standard errors, drawn as bars, and may be empty."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    errors: Sequence[float] = ()


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        x_log: Whether x counts doublings.
        level: A dashed line across, with its name.
        names: What x = 1, 2, ... are called: things without an order, so that points are not joined
            and stand beside one another.
    """

    title: str
    x_title: str
    y_title: str
    lines: Sequence[Line]
    x_log: bool = False
    level: tuple[float, str] | None = None
    names: Sequence[str] = ()


class _Axes:
    """Where values lie on the page."""

    def __init__(self, chart: Chart) -> None:
        self._log = chart.x_log
        xs = [self._scaled(x) for line in chart.lines for x in line.x]
        ys = [end for line in chart.lines for end in _ends(line)]
        ys += [chart.level[0]] if chart.level else []
        beside = 0.5 if chart.names else 0.0
        self.low, self.high = min(xs) - beside, max(xs) + beside
        self.y_ticks = _ticks(min(ys), max(ys))

    def _scaled(self, x: float) -> float:
        return math.log2(x) if self._log else x

    def x(self, value: float) -> float:
        share = (self._scaled(value) - self.low) / ((self.high - self.low) or 1)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        share = (value - low) / (high - low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _ends(line: Line) -> list[float]:
    """Return the values that a line and its errors reach."""
    errors = line.errors or [0.0] * len(line.y)
    return [y + sign * error for sign in (-1, 1) for y, error in zip(line.y, errors, strict=True)]


def _ticks(low: float, high: float) -> list[float]:
    """Return four to nine round numbers from below `low` to above `high`."""
    span = (high - low) or abs(high) or 1.0
    power = 10 ** math.floor(math.log10(span / 4))
    step = next(one * power for one in (1, 2, 5, 10) if span / (one * power) <= 7)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(at * step, 12) for at in range(first, max(last, first + 1) + 1)]


def svg(chart: Chart) -> str:
    """Return a chart as the text of an SVG file."""
    axes = _Axes(chart)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 18, chart.title, 'font-size="13" font-weight="bold"'),
        *_frame(axes, chart),
    ]
    for at, line in enumerate(chart.lines):
        shift = 0.12 * (at - (len(chart.lines) - 1) / 2)
        shown = replace(line, x=[x + shift for x in line.x]) if chart.names else line
        colour = _COLOURS[at % len(_COLOURS)]
        parts += _line(axes, shown, colour, not chart.names)
        parts += _name(line.name, colour, _TOP + 12 + 18 * at)
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" {more}>{escape(words)}</text>'


def _frame(axes: _Axes, chart: Chart) -> list[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = []
    for tick in axes.y_ticks:
        y = axes.y(tick)
        parts.append(f'<path d="M{_LEFT} {y}H{right}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{tick:g}", 'text-anchor="end"'))
    for x, name in _x_ticks(axes, chart):
        parts.append(_text(axes.x(x), bottom + 18, name, 'text-anchor="middle"'))
    middle = (_LEFT + right) / 2
    parts.append(_text(middle, _HEIGHT - 10, chart.x_title, 'text-anchor="middle"'))
    turned = f'text-anchor="middle" transform="rotate(-90 14 {(_TOP + bottom) / 2})"'
    parts.append(_text(14, (_TOP + bottom) / 2, chart.y_title, turned))
    if chart.level:
        value, name = chart.level
        y = axes.y(value)
        parts.append(f'<path d="M{_LEFT} {y}H{right}" stroke="#555" stroke-dasharray="5 4"/>')
        parts.append(_text(_LEFT + 4, y - 4, name, 'fill="#555"'))
    return parts


def _x_ticks(axes: _Axes, chart: Chart) -> list[tuple[float, str]]:
    if chart.names:
        return [(float(at), name) for at, name in enumerate(chart.names, start=1)]
    drawn = sorted({x for line in chart.lines for x in line.x})
    whole = [tick for tick in _ticks(axes.low, axes.high) if axes.low <= tick <= axes.high]
    return [(x, f"{x:g}") for x in (drawn if chart.x_log else whole)]


def _line(axes: _Axes, line: Line, colour: str, is_joined: bool) -> list[str]:
    places = [(axes.x(x), axes.y(y)) for x, y in zip(line.x, line.y, strict=True)]
    path = "L".join(f"{x} {y}" for x, y in places)
    parts = [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    if not is_joined:
        parts = [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in places]
    for (x, _), y, error in zip(places, line.y, line.errors, strict=bool(line.errors)):
        ends = f"M{x} {axes.y(y - error)}V{axes.y(y + error)}"
        parts.append(f'<path d="{ends}" stroke="{colour}" stroke-width="1"/>')
    return parts


def _name(name: str, colour: str, y: float) -> list[str]:
    x = _WIDTH - _RIGHT + 12
    mark = f'<path d="M{x} {y - 4}h16" stroke="{colour}" stroke-width="3"/>'
    return [mark, _text(x + 22, y, name)]
