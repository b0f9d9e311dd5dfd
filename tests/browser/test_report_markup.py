"""Chromium shows names and values in figures as they are, under a policy that lets nothing out."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from sweeps.report.page import PageSection, Panel, render
from sweeps.report.style import figure

pytestmark = pytest.mark.browser
PATIENCE_S = 60
EVIL = "<a href='https://evil.example'>me</a> <b>B</b><br>&lt;i&gt; &amp;"
PARCOORDS = go.Parcoords(
    dimensions=[
        {"label": EVIL, "values": [0, 1], "tickvals": [0, 1], "ticktext": [EVIL, "b"]},
        {"label": "loss", "values": [1.0, 2.0]},
    ]
)
FIGURES = {
    "box": figure([go.Box(y=[1.0, 2.0], name=EVIL)], EVIL, EVIL, showlegend=False),
    "categories": figure([go.Scatter(x=[1.0], y=[EVIL], mode="markers", name=EVIL)], EVIL, ""),
    "bar": figure([go.Bar(x=[1.0], y=["a"], text=[EVIL], orientation="h")], EVIL, ""),
    "many points": figure([go.Scattergl(x=[1.0, 2.0], y=[1.0, 2.0], mode="markers")], EVIL, ""),
    "lines": figure([PARCOORDS], "", ""),
}


@pytest.fixture(scope="module")
def page(browser: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory) -> webdriver.Chrome:
    path: Path = tmp_path_factory.mktemp("page") / "page.html"
    panels = [Panel(name, EVIL, made) for name, made in FIGURES.items()]
    path.write_text(render(EVIL, [PageSection(EVIL, panels=panels)]), encoding="utf-8")
    browser.get_log("browser")
    browser.get(path.as_uri())
    WebDriverWait(browser, PATIENCE_S).until(
        lambda page: len(page.find_elements(By.CSS_SELECTOR, "[data-drawn]")) == len(FIGURES)
    )
    return browser


def texts_of(page: webdriver.Chrome, number: int) -> list[str]:
    script = (
        "return [...document.querySelectorAll(`[data-figure='${arguments[0]}'] text`)]"
        ".map(text => text.textContent)"
    )
    found: list[str] = page.execute_script(script, number)
    return found


@pytest.mark.parametrize(
    ("number", "times"), [(0, 3), (1, 2), (2, 2), (3, 1), (4, 2)], ids=list(FIGURES)
)
def test_markup_in_names_and_values_is_shown(
    page: webdriver.Chrome, number: int, times: int
) -> None:
    found = texts_of(page, number)
    assert found.count(EVIL) == times, found


def test_no_figure_holds_a_link_or_a_style_of_theirs(page: webdriver.Chrome) -> None:
    script = "return document.querySelectorAll('svg a, svg tspan[style*=bold], main a').length"
    assert page.execute_script(script) == 0


def test_the_policy_breaks_no_figure(page: webdriver.Chrome) -> None:
    errors = [one for one in page.get_log("browser") if one["level"] == "SEVERE"]
    assert errors == []
    drawn = page.execute_script(
        "return [...document.querySelectorAll('[data-figure]')].filter(place =>"
        " place.querySelector('.points path, .bars path, .parcoords, .boxes path, canvas')).length"
    )
    assert drawn == len(FIGURES)


@pytest.mark.parametrize("number", range(len(FIGURES)), ids=list(FIGURES))
def test_each_figure_can_be_taken_as_a_picture(page: webdriver.Chrome, number: int) -> None:
    script = (
        "const done = arguments[arguments.length - 1];"
        "const place = document.querySelector(`[data-figure='${arguments[0]}']`);"
        "Plotly.toImage(place, {format: 'png'}).then(done, error => done('' + error));"
    )
    found = page.execute_async_script(script, number)
    assert found.startswith("data:image/png;base64,")
    assert len(found) > 5000


@pytest.mark.parametrize(
    "action",
    ["await fetch('https://evil.example')", "await import('data:text/javascript,1')"],
)
def test_nothing_leaves_the_page_or_is_loaded_into_it(page: webdriver.Chrome, action: str) -> None:
    script = (
        "const done = arguments[arguments.length - 1];"
        "const seen = [];"
        "document.addEventListener('securitypolicyviolation', e => seen.push(e.violatedDirective));"
        f"(async () => {{ try {{ {action} }} catch (e) {{}} setTimeout(() => done(seen), 200) }})()"
    )
    assert page.execute_async_script(script)
