"""Takes the pictures of MLflow's pages for docs/images: `make screenshots`.

It runs two whole searches on a store of its own, which takes some minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from mlflow_pages import Browser, find_chromium
from shown_store import CANCER, RINGS, Shown, make_store, served

SIZE = 1500, 930
COMMANDS = {RINGS: ["tune", "circles_search.toml"], CANCER: ["tune", "breast_cancer.toml"]}


def main() -> None:
    """Makes the store and takes the pictures."""
    from playwright.sync_api import sync_playwright

    executable = find_chromium()
    if executable is None:
        sys.exit("error: no Chromium; install it, for example with: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = make_store(Path(folder), COMMANDS)
        with served(store) as shown:
            browser = Browser(playwright, executable, SIZE)
            take(browser, shown)
            browser.close()


def take(browser: Browser, shown: Shown) -> None:
    """Takes the four pictures."""
    browser.open(shown.link(CANCER, "trials"))
    browser.expect(browser.page.get_by_text("100 matching runs")).to_be_visible()
    save(browser, "trials")

    browser.open(shown.link(CANCER, "search"))
    browser.page.get_by_text("Show more").click()
    save(browser, "search")

    browser.open(shown.link(RINGS, "boundaries"))
    (card,) = browser.cards(1).values()
    browser.images(card, count=10)
    save(browser, "boundaries")

    browser.open(shown.link(RINGS, "curves"))
    for card in browser.cards(4).values():
        browser.lines(card, count=10)
    save(browser, "curves")


def save(browser: Browser, name: str) -> None:
    """Saves what the window shows of a page, from its top."""
    from small_png import save_png

    browser.assert_sound()
    banner = browser.page.get_by_role("button", name="Hide banner")
    if banner.count():
        banner.click()  # which every saved view has
        browser.page.mouse.move(0, 0)
    browser.page.evaluate("document.querySelectorAll('*').forEach(part => { part.scrollTop = 0 })")
    save_png(name, browser.until_at_rest())


if __name__ == "__main__":
    main()
