"""Takes the pictures of docs/images anew: `python -m tests.pages.pictures` (needs chromium).

Both show the digits example with a final: its page of `watch`, and its report.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

import sweeps
from tests.sweeps.watch.test_server import TOKEN, served

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SWEEP = ROOT / "search_spaces" / "examples" / "digits.yaml"
FLAGS = ("--headless", "--no-sandbox", "--enable-unsafe-swiftshader", "--hide-scrollbars")
PATIENCE_S = 120
# Figures are drawn where they come into view; all of these must be.
DRAWN = """
const figures = [...document.querySelectorAll(arguments[0])].filter(
  one => one.getBoundingClientRect().top < innerHeight && one.offsetParent
);
return figures.length >= arguments[1] && figures.every(one => one.dataset.drawn);
"""


def main() -> None:
    """Run the example in a folder that is deleted, and take both pictures."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        results = sweeps.run(
            SWEEP,
            overrides=["final={top_k: 3, seeds: 5}"],
            runs=runs,
            runner="local",
            tracking_uri="none",
        )
        browser = chromium(Path(folder))
        report = (results.path / "report.html").as_uri()
        take(browser, report, "[data-figure]", (1400, 1456), IMAGES / "report.png")
        with served(runs) as address:
            page = f"{address}/{TOKEN}/sweep/{results.path.name}/"
            take(browser, page, ".figure", (1108, 1180), IMAGES / "watch.png")
        browser.quit()


def chromium(profile: Path) -> webdriver.Chrome:
    """Return a headless browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile / 'profile'}"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver") or ""))


def take(
    browser: webdriver.Chrome, address: str, figures: str, size: tuple[int, int], path: Path
) -> None:
    """Take a picture of a window of this size, frame included, once its figures are drawn."""
    browser.set_window_size(*size)
    browser.get(address)
    waiting = WebDriverWait(browser, PATIENCE_S)
    waiting.until(lambda page: page.execute_script(DRAWN, figures, 2))
    browser.save_screenshot(str(path))


if __name__ == "__main__":
    main()
