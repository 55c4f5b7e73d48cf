"""Pages of single runs, what their artifacts look like, and runs side by side."""

from __future__ import annotations

import re

import pytest
from mlflow_pages import Browser
from shown_store import CANCER, RINGS, Shown

pytestmark = pytest.mark.browser


class TestSearch:
    def test_the_result_and_where_to_go_from_here(self, shown: Shown, browser: Browser) -> None:
        page = browser.open(shown.link(CANCER, "search"))
        browser.expect(page.get_by_role("heading", level=2)).to_contain_text("breast-cancer · 20")
        page.get_by_text("Show more").click()
        for name in ("rank", "trial", "val_auc", "units_1", "l2", "learning_rate", "best epoch"):
            browser.expect(page.get_by_role("columnheader", name=name).first).to_be_visible()
        browser.expect(
            page.get_by_text(re.compile(r"AUC 0\.\d{4} \(.*143 test rows"))
        ).to_be_visible()
        browser.expect(page.get_by_text("12 trials, 2 failed.")).to_be_visible()
        browser.expect(page.get_by_text("loss became nan in epoch 0").first).to_be_visible()
        # The parameters are the settings, the dataset has its digest.
        browser.expect(page.get_by_text("search.max_trials")).to_be_visible()
        browser.expect(page.get_by_text("breast_cancer (").first).to_be_visible()
        browser.follow(page.get_by_role("link", name="trials, best first"))
        assert browser.table(rows=12).columns[:2] == ["Run Name", "Created"]

    def test_the_leaderboard_is_a_table(self, shown: Shown, browser: Browser) -> None:
        page = browser.open(shown.run_page(shown.search(RINGS), "artifacts/leaderboard.json"))
        browser.expect(page.get_by_text("View as table")).to_be_visible()
        for name in ("rank", "trial", "best_val_auc", "units_1", "units_2", "activation"):
            header = page.get_by_role("columnheader", name=f"{name} Resize Column")
            browser.expect(header).to_be_visible()
        browser.expect(page.get_by_role("row")).to_have_count(7)  # and the header

    @pytest.mark.parametrize(
        "name", ["objective_over_trials", "objective_by_hyperparameter", "data_scatter"]
    )
    def test_the_plots_are_shown(self, shown: Shown, browser: Browser, name: str) -> None:
        browser.open(shown.run_page(shown.search(RINGS), f"artifacts/plots/{name}.png"))
        assert_picture(browser, name)

    def test_a_csv_is_a_table(self, shown: Shown, browser: Browser) -> None:
        page = browser.open(shown.run_page(shown.search(RINGS), "artifacts/leaderboard.csv"))
        browser.expect(page.get_by_text("Previewing the first 6 rows")).to_be_visible()

    def test_the_report_is_shown(self, shown: Shown, browser: Browser) -> None:
        page = browser.open(shown.run_page(shown.search(RINGS), "artifacts/report.html"))
        report = page.frame_locator("iframe")
        browser.expect(report.get_by_role("heading", name="circles-search")).to_be_visible()
        # MLflow's sandbox lets no link open a page, so there they are plain text,
        browser.expect(report.locator("#trials tbody tr")).to_have_count(6)
        browser.expect(report.locator("a[target]")).to_have_count(0)
        # and those to its own sections stay within it.
        report.get_by_role("link", name="Reproduce").click()
        browser.expect(report.get_by_role("heading", name="How to do it again")).to_be_in_viewport()


class TestTrial:
    def test_one_that_finished(self, shown: Shown, browser: Browser) -> None:
        trial = shown.run(RINGS, "tags.trialstack.model = 'v1' and tags.trialstack.kind = 'trial'")
        page = browser.open(shown.run_page(trial))
        browser.expect(page.get_by_role("heading", level=2)).to_contain_text(trial.info.run_name)
        score = f"{trial.data.metrics['best_val_auc']:.4f}"
        browser.expect(page.get_by_text(f"val_auc {score} in epoch")).to_be_visible()
        for name in ("best_val_auc", "val_loss", "units_1", "learning_rate"):
            browser.expect(page.get_by_text(name, exact=True).first).to_be_visible()
        browser.expect(
            page.get_by_role("link", name=re.compile("circles-search · 20"))
        ).to_be_visible()

    def test_its_picture_is_previewed(self, shown: Shown, browser: Browser) -> None:
        trial = shown.runs(RINGS, "tags.trialstack.kind = 'trial'")[0]
        page = browser.open(shown.run_page(trial, "artifacts"))
        page.get_by_text("images", exact=True).click()
        page.get_by_text(re.compile(r"boundary_final.*\.png$")).click()
        assert_picture(browser, "boundary_final")

    def test_one_that_failed_says_why(self, shown: Shown, browser: Browser) -> None:
        trial = shown.runs(CANCER, "attributes.status = 'FAILED'")[0]
        page = browser.open(shown.run_page(trial))
        browser.expect(
            page.get_by_text("Failed after 1 epoch: loss became nan in epoch 0")
        ).to_be_visible()
        browser.expect(page.get_by_text("Failed", exact=True)).to_be_visible()


class TestFinal:
    def test_the_result_the_scores_and_the_model(self, shown: Shown, browser: Browser) -> None:
        page = browser.open(shown.link(RINGS, "final"))
        browser.expect(page.get_by_role("heading", level=2)).to_contain_text("final · ")
        browser.expect(
            page.get_by_text(re.compile(r"^AUC [01]\.\d{4} \(.* on 200 test rows"))
        ).to_be_visible()
        for name in ("test_auc", "test_average_precision", "test_brier", "test_mcc", "test_ece"):
            row = page.get_by_role("row", name=re.compile(rf"^{name} "))
            browser.expect(row.get_by_role("link", name="model")).to_be_visible()
        for name in ("units_1", "weights", "epochs"):
            browser.expect(page.get_by_text(name, exact=True).first).to_be_visible()
        browser.expect(page.get_by_role("link", name=RINGS).last).to_be_visible()

    @pytest.mark.parametrize(
        "name",
        ["boundary_evolution.gif", "decision_boundary.png", "learning_curves.png", "roc.png",
         "calibration.png", "confusion_matrix.png"],
    )  # fmt: skip
    def test_its_pictures_are_previewed(self, shown: Shown, browser: Browser, name: str) -> None:
        final = shown.final(RINGS)
        browser.open(shown.run_page(final, f"artifacts/plots/{name}"))
        assert_picture(browser, name)

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("summary.txt", "Total params"),
            ("evaluation.json", '"auc"'),
            ("importance.csv", "Previewing the first"),
            ("test_predictions.csv", "Previewing the first"),
        ],
    )
    def test_its_files_are_previewed(
        self, shown: Shown, browser: Browser, path: str, text: str
    ) -> None:
        final = shown.final(RINGS)
        page = browser.open(shown.run_page(final, f"artifacts/{path}"))
        browser.expect(page.get_by_text(text).first).to_be_visible()

    def test_its_curves(self, shown: Shown, browser: Browser) -> None:
        final = shown.final(RINGS)
        page = browser.open(shown.run_page(final, "model-metrics"))
        for name in ("loss", "auc", "test_auc"):
            browser.expect(page.get_by_text(name, exact=True).first).to_be_visible()


class TestSideBySide:
    def test_the_comparison(self, shown: Shown, browser: Browser) -> None:
        page = browser.open(shown.link("compare", "compare"))
        # The three best, the baseline and the final model.
        browser.expect(page.get_by_text("Comparing 5 Runs from 1 Experiment")).to_be_visible()
        for text in ("baseline · 4-4", "Run Name:", "learning_rate", "test_auc"):
            browser.expect(page.get_by_text(text).first).to_be_visible()

    def test_the_curves(self, shown: Shown, browser: Browser) -> None:
        page = browser.open(shown.link("compare", "curves"))
        browser.expect(page.get_by_text("val_auc").first).to_be_visible()
        # Of five runs, the final fit has no validation; each is drawn as it is and smoothed.
        # Colours come from the runs' ids on this page: two may be alike, and are not counted.
        browser.expect(page.locator(".js-line")).to_have_count(2 * 4)


def assert_picture(browser: Browser, name: str) -> None:
    """The preview is a picture that is loaded; its name stands above."""
    browser.expect(browser.page.get_by_text(name).last).to_be_visible()
    widths = browser.until(
        lambda: browser.page.evaluate(
            "() => [...document.querySelectorAll('img')].map(i => i.complete && i.naturalWidth)"
        ),
        lambda found: any(width and width >= 400 for width in found),
    )
    assert max(widths) >= 400
