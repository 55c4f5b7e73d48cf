"""The saved views of a search: what the links that `trialstack tune` prints open."""

from __future__ import annotations

import pytest
from mlflow_pages import Browser
from shown_store import CANCER, RINGS, Shown

pytestmark = pytest.mark.browser

RINGS_SPACE = ["activation", "learning_rate", "units_1", "units_2"]  # MLflow sorts them
CANCER_SPACE = ["l1", "l2", "learning_rate", "units_1", "units_2"]
CURVES = ["val_auc", "auc", "val_loss", "loss"]


def scores_of(cells: list[str]) -> list[float]:
    """Scores as the table shows them: cut, and a dash for a failed trial."""
    return [float("-inf") if cell == "-" else float(cell.rstrip("…")) for cell in cells]


def test_all_searches(shown: Shown, browser: Browser) -> None:
    browser.open(shown.page("/experiments/1/runs") + "&viewStateShareKey=searches")
    table = browser.table(rows=1)
    assert table.columns == [
        *("Run Name", "Created", "Duration", "User", "search_best"),
        *("search.algorithm", "search.max_trials", "trialstack.model", "trialstack.test_auc"),
    ]
    (row,) = table.rows
    search = shown.search(RINGS)
    assert row["Run Name"] == search.info.run_name
    assert (row["search.max_trials"], row["trialstack.model"]) == ("6", "v1")
    assert scores_of([row["search_best"]]) == pytest.approx([search.data.metrics["search_best"]])


@pytest.mark.parametrize(
    ("experiment", "space", "trials"), [(RINGS, RINGS_SPACE, 6), (CANCER, CANCER_SPACE, 12)]
)
def test_trials_best_first_with_their_hyperparameters(
    shown: Shown, browser: Browser, experiment: str, space: list[str], trials: int
) -> None:
    browser.open(shown.link(experiment, "trials"))
    table = browser.table(trials)
    assert table.columns == [
        *("Run Name", "Created", "Duration", "best_epoch", "best_val_auc", "epochs_run"),
        *(*space, "trialstack.model"),
    ]
    scores = scores_of(table.column("best_val_auc"))
    assert scores == sorted(scores, reverse=True)
    known = shown.runs(experiment, "tags.trialstack.kind = 'trial'")
    params = {run.info.run_name: run.data.params for run in known}
    for row in table.rows:
        # The name starts with the number and the widths: trial 007 · 84-72 · ...
        values = params[row["Run Name"]]
        assert row["Run Name"].split(" · ")[1] == f"{values['units_1']}-{values['units_2']}"
        assert {name: row[name] for name in space} == {name: values[name] for name in space}
    # The best score may be that of several; which of them won is told.
    (won,) = [row for row in table.rows if row["trialstack.model"] == "v1"]
    assert scores_of([won["best_val_auc"]]) == scores[:1]


def test_failed_trials_are_the_last(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(CANCER, "trials"))
    table = browser.table(rows=12)
    failed = [row["learning_rate"] for row in table.rows if row["best_val_auc"] == "-"]
    assert failed == ["1e30"] * len(failed)
    assert len(failed) == 2
    assert table.column("learning_rate")[-2:] == failed


def test_the_trials_as_charts(shown: Shown, browser: Browser) -> None:
    page = browser.open(shown.link(RINGS, "trials") + "&compareRunsMode=CHART")
    cards = browser.cards(6)
    assert list(cards) == ["best_val_auc", *CURVES, "boundary_final"]
    for section in ("Scores", "Learning curves", "Boundaries"):
        browser.expect(page.get_by_text(section, exact=False).first).to_be_visible()
    bars = cards["best_val_auc"].locator(".barlayer .point")
    browser.expect(bars).to_have_count(6)


def test_the_curves_of_the_ten_best(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(CANCER, "curves"))
    cards = browser.cards(4)
    assert list(cards) == CURVES
    for name, card in cards.items():
        assert browser.lines(card, count=10) == 10, name


def test_the_boundaries_of_the_ten_best(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(CANCER, "boundaries"))
    cards = browser.cards(1)
    images = browser.images(cards["boundary_final"], count=10)
    assert {image["width"] for image in images} == {256}
    # The best first: MLflow draws the last row of the table first.
    names = browser.table(rows=10).column("Run Name")
    scores = {
        run.info.run_name: run.data.metrics.get("best_val_auc")
        for run in shown.runs(CANCER, "tags.trialstack.kind = 'trial'")
    }
    shown_scores = [scores[name] for name in names]
    assert shown_scores == sorted(shown_scores)
    assert None not in shown_scores
    assert [name for name in cards["boundary_final"].inner_text().split("\n") if " · " in name] == [
        *reversed(names)
    ]


def test_hyperparameters_in_parallel(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(RINGS, "parallel"))
    cards = browser.cards(1)
    (card,) = cards.values()
    axes = {"units_1", "units_2", "activation", "learning_rate", "best_val_auc"}
    seen = browser.until(
        lambda: axes & set(card.inner_text().split("\n")), lambda found: found == axes
    )
    assert seen == axes
    browser.expect(card.locator("canvas").first).to_be_visible()


def test_the_slider_plays_the_learning_of_the_final_model(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(RINGS, "models"))
    cards = browser.cards(7)
    assert list(cards) == [
        *("boundary", "boundary_final"),
        *("test_auc", "test_accuracy", "test_log_loss", "auc", "loss"),
    ]
    grid = cards["boundary"]
    (first,) = browser.images(grid, count=1)
    assert "boundary+step+0+" in first["path"]
    last = int(grid.get_by_role("slider").get_attribute("aria-valuemax") or 0)
    assert last >= 2
    (path,) = browser.slide(grid, step=last, count=1)
    assert f"boundary+step+{last}+" in path
    # Baseline and final model side by side.
    assert len(browser.images(cards["boundary_final"], count=2)) == 2


def test_the_models_as_a_table(shown: Shown, browser: Browser) -> None:
    browser.open(shown.link(RINGS, "models").replace("&compareRunsMode=CHART", ""))
    table = browser.table(rows=2)
    assert table.columns == [
        *("Run Name", "Created", "Duration", "Models"),
        *("test_accuracy", "test_auc", "test_log_loss", "epochs", "weights"),
    ]
    final, baseline = table.rows
    assert final["Run Name"].startswith("final · ")
    assert baseline["Run Name"] == "baseline · 4-4"
    assert final["Models"].split() == [RINGS, "v1"]
