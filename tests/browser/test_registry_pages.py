"""The registered model, its version, and the logged model behind it."""

from __future__ import annotations

import re

import pytest
from mlflow_pages import Browser
from shown_store import RINGS, Shown

pytestmark = pytest.mark.browser


def test_the_registered_model(shown: Shown, browser: Browser) -> None:
    page = browser.open(shown.page(f"/models/{RINGS}"))
    browser.expect(page.get_by_text("How wide must a network be")).to_be_visible()
    browser.expect(
        page.get_by_text('load_model("models:/circles-search@champion")')
    ).to_be_visible()
    browser.expect(page.get_by_text("@ champion")).to_be_visible()
    (version,) = shown.client.search_model_versions(f"name = '{RINGS}'")
    browser.expect(page.get_by_role("link", name="Version 1")).to_be_visible()
    browser.expect(page.get_by_text(f"test_auc: {version.tags['test_auc']}")).to_be_visible()
    # The list of versions shows the beginning of the description, without Markdown.
    browser.expect(page.get_by_text(re.compile(r"^AUC [01]\.\d{4} \("))).to_be_visible()


def test_the_version(shown: Shown, browser: Browser) -> None:
    page = browser.open(shown.link(RINGS, "model"))
    browser.expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    browser.expect(page.get_by_text("@ champion")).to_be_visible()
    browser.expect(
        page.get_by_text(re.compile(r"AUC [01]\.\d{4} \(.*200 test rows"))
    ).to_be_visible()
    search = shown.search(RINGS)
    tags = {
        "test_auc": None,
        "trialstack.data_digest": search.data.tags["trialstack.data_digest"],
        "trialstack.search_run_id": search.info.run_id,
        "trialstack.champion_reason": "the first version",
    }
    for name, value in tags.items():
        row = page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))
        browser.expect(row).to_contain_text(value or re.compile(r"[01]\.\d"))
    # The signature: both columns by name, the label and a probability for each class.
    page.get_by_text("Inputs (2)").click()
    page.get_by_text("Outputs (3)").click()
    for name in ("X0", "X1", "prediction", "probability_0", "probability_1"):
        browser.expect(page.get_by_text(name, exact=False).first).to_be_visible()
    browser.expect(page.get_by_role("link", name=re.compile("^final · ")).first).to_be_visible()


def test_the_logged_model(shown: Shown, browser: Browser) -> None:
    (model,) = shown.client.search_logged_models(["1"])
    page = browser.open(shown.page(f"/experiments/1/models/{model.model_id}"))
    for text in ("test_auc", "test_log_loss", "circles (#", "units_1", "Ready"):
        browser.expect(page.get_by_text(text).first).to_be_visible()
    page = browser.open(shown.page(f"/experiments/1/models/{model.model_id}/artifacts"))
    for name in ("MLmodel", "input_example.json", "requirements.txt", "scorer.py"):
        browser.expect(page.get_by_text(name, exact=True)).to_be_visible()
    page.get_by_text("input_example.json", exact=True).click()
    browser.expect(page.get_by_text("columns").first).to_be_visible()
