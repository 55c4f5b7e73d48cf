"""Where one arrives with a browser that has never seen MLflow, and from `trialstack ui`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mlflow_pages import Browser
from shown_store import CANCER, LADDER, RINGS, Shown

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("experiment", "page", "rows"), [(RINGS, "trials", 6), (RINGS, "search", 0)]
)
def test_a_new_browser_opens_in_machine_learning_mode(
    shown: Shown, browsers: Callable[..., Any], experiment: str, page: str, rows: int
) -> None:
    browser = browsers(first_visit=True)
    browser.open(shown.link(experiment, page))
    if rows:
        assert len(browser.table(rows).rows) == rows
    # Only the pages for models have a registry in their menu.
    browser.expect(browser.page.get_by_role("link", name="Model registry")).to_be_visible()
    browser.assert_sound()


def test_the_ui_says_where_to_begin(shown: Shown, browser: Browser) -> None:
    first, *others = shown.said
    page = browser.open(first)
    for name in (RINGS, CANCER, LADDER):
        browser.expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    browser.expect(page.get_by_text("How wide must a network be").first).to_be_visible()
    pages = dict(line.strip().split(": ", 1) for line in others)
    assert set(pages) == {RINGS, CANCER, LADDER}
    browser.open(pages[CANCER])
    assert browser.table(rows=1).rows[0]["Run Name"].startswith("breast-cancer · 20")
    browser.open(pages[LADDER])
    assert browser.table(rows=2).column("Run Name") == ["model_05", "model_08"]


def test_an_experiment_is_described(shown: Shown, browser: Browser) -> None:
    page = browser.open(shown.page("/experiments/1/runs"))
    browser.expect(page.get_by_text("How wide must a network be").first).to_be_visible()
    browser.follow(page.get_by_role("link", name="searches").first)
    assert browser.table(rows=1).columns[-1] == "trialstack.test_auc"


def test_an_experiment_has_views(shown: Shown, browser: Browser) -> None:
    page = browser.open(shown.page("/experiments/1/runs"))
    page.get_by_role("button", name="Views", exact=True).click()
    for view in (
        *("Searches", "Baseline and final models", "Trials, best first · 20"),
        *("Learning curves of the", "Decision boundaries of the", "Hyperparameters in"),
    ):
        browser.expect(page.get_by_role("menuitem").filter(has_text=view)).to_be_visible()
