"""The saved views of `trialstack train`."""

from __future__ import annotations

import pytest
from mlflow_pages import Browser
from shown_store import LADDER, Shown

pytestmark = pytest.mark.browser


def test_the_models_in_order(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(LADDER, "models"))
    table = browser.table(rows=2)
    assert table.column("Run Name") == ["model_05", "model_08"]
    assert table.columns == [
        *("Run Name", "Created", "Duration"),
        *("accuracy", "seeds_as_tutorial", "seeds_median_accuracy", "test_accuracy"),
        *("activation", "epochs", "learning_rate", "units_1", "units_2"),
        "trialstack.changed",
    ]
    assert table.column("test_accuracy")[0] == "-"  # judged on the rows that it was fitted on


def test_the_curves(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(LADDER, "curves"))
    cards = browser.cards(2)
    assert list(cards) == ["loss", "accuracy"]
    for card in cards.values():
        assert browser.lines(card, count=2) == 2


def test_the_slider_plays_the_learning(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(LADDER, "boundaries"))
    cards = browser.cards(2)
    assert list(cards) == ["boundary_final", "boundary"]
    assert len(browser.images(cards["boundary_final"], count=2)) == 2
    grid = cards["boundary"]
    assert len(browser.images(grid, count=2)) == 2
    names = [line for line in grid.inner_text().split("\n") if line.startswith("model_")]
    assert names == ["model_05", "model_08"]
    browser.expect(grid.get_by_role("slider")).to_have_attribute("aria-valuemax", "100")
    # A short training has a picture of every epoch, a long one of every fifth.
    paths = browser.slide(grid, step=5, count=2)
    assert len(paths) == 2
    assert all("boundary+step+5+" in path for path in paths)


def test_a_model_and_its_lesson(shown: Shown, browser: Browser) -> None:
    page = browser.open(shown.link(LADDER, "model_08"))
    page.get_by_text("Show more").click()
    for text in ("Accuracy 0.", "on the 200 test rows", "New since", "hidden layers"):
        browser.expect(page.get_by_text(text).first).to_be_visible()
