"""Chromium has room for long names: on the report's first lines, and on axes."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from sweeps.report.page import PageSection, PageTable, render

pytestmark = pytest.mark.browser
LONG = "best: training.options.the_strength_of_the_augmentation_of_the_second_stage"


@pytest.mark.parametrize("width", [500, 1000, 1400])
def test_a_value_beside_a_long_name_is_not_broken_into_letters(
    browser: webdriver.Chrome, tmp_path: Path, width: int
) -> None:
    facts = {LONG: "0.34023967", "test set": "not enforced: own training reads its data"}
    path = tmp_path / "page.html"
    section = PageSection("In short", ["Some words."], facts=facts)
    path.write_text(render("Long", [section]), "utf-8")
    browser.set_window_size(width, 900)
    browser.get(path.as_uri())
    heights = [one.size["height"] for one in browser.find_elements(By.TAG_NAME, "dd")]
    line = browser.find_element(By.TAG_NAME, "p").size["height"]
    assert max(heights) <= 3 * line
    sizes = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    wanted, there = browser.execute_script(sizes)
    assert wanted <= there


def test_the_cells_of_a_column_that_has_a_number_stand_under_its_head(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    table = PageTable(["batch", "kind"], [[32, "adam"], ["full", "sgd"]])
    path = tmp_path / "page.html"
    path.write_text(render("Mixed", [PageSection("All trials", table=table)]), "utf-8")
    browser.get(path.as_uri())
    cells = browser.find_elements(By.CSS_SELECTOR, "tr > :first-child")
    assert [one.value_of_css_property("text-align") for one in cells] == ["right"] * 3
