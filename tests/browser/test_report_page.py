"""The report in a browser: what its script does, and that nothing of it escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow_pages import FLAGS

from trialstack.report.page.write import write_report
from trialstack.tracking.base import NewRun
from trialstack.tracking.mlflow import MlflowTracker
from trialstack.tracking.store import resolve_store

pytestmark = pytest.mark.browser

EVIL = "</script><script>document.title = 'gone'</script><img src=x onerror=document.title='gone'>"


TRIALS = (  # units, rate, score
    (8, "0.01", 0.75),
    (16, "0.02", 0.875),
    (4, "0.1", 0.8),
    (2, "0.5", None),
    (6, "0.001", 0.5),
    (12, "0.005", 0.6),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a search, one of whose trials failed for a reason that is markup."""
    folder = tmp_path_factory.mktemp("page")
    store = resolve_store(f"sqlite:///{folder}/mlflow.db")
    params = {"objective": "val_auc", "direction": "max"}
    with MlflowTracker(store, "rings", "s") as tracker:
        tracker.start_run(NewRun("search", "search", "rings", 1.0, params=params))
        for number, (units, rate, score) in enumerate(TRIALS):
            key, tags = f"trial/{number}", {"trialstack.trial_id": str(number)}
            name = f"trial 00{number} · {EVIL if number == 1 else units}"
            of_trial = {"units_1": str(units), "rate": rate}
            tracker.start_run(NewRun(key, "trial", name, 2.0, "search", of_trial, tags))
            if score is None:
                tracker.set_tags(key, {"trialstack.error": EVIL})
            else:
                tracker.log_epochs(key, 0, [{"val_auc": 0.4}, {"val_auc": score}], [2.0, 3.0])
                ended = {"best_val_auc": score, "best_epoch": 1, "epochs_run": 2}
                tracker.log_metrics(key, ended)
            tracker.end_run(key, "FAILED" if score is None else "FINISHED", 3.0)
        tracker.end_run("search", "FINISHED", 4.0)
    return write_report("rings", folder / "report.html", tracking_uri=store.tracking_uri)


@pytest.fixture(scope="module")
def launched(driver: Any, chromium: str) -> Iterator[Any]:
    browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture
def open_page(launched: Any, file: Path) -> Iterator[Any]:
    """Opens the page with some options; at the end nothing may have gone wrong in it."""
    problems: list[str] = []
    contexts = []

    def opened(**options: Any) -> Any:
        context = launched.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        page.on("request", lambda request: problems.append(request.url[:80]))
        page.goto(file.as_uri())
        problems.remove(file.as_uri()[:80])
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [p for p in problems if not p.startswith("data:image/")] == []


def first_trials(page: Any) -> list[str]:
    cells = page.locator("#trials tbody tr td:nth-child(2)")
    return [text.strip() for text in cells.all_inner_texts()]


def test_the_leaderboard_sorts_by_mouse_and_keyboard(open_page) -> None:
    page = open_page()
    assert first_trials(page) == ["001", "002", "000", "005", "004", "003"]
    page.locator("#trials th button", has_text="units_1").click()
    assert first_trials(page)[0] == "003"  # 2 units, which is fewest
    page.keyboard.press("Enter")
    assert first_trials(page)[0] == "001"  # 16
    assert page.locator("#trials th[aria-sort]").inner_text().startswith("units_1")


def test_curves_are_chosen_in_the_table_and_taken_away(open_page) -> None:
    page = open_page()
    drawn = page.locator("svg.curves .inner path")
    assert (page.locator("#chips li").count(), drawn.count()) == (5, 5)
    page.locator("#trials .pick").first.click()
    assert (page.locator("#chips li").count(), drawn.count()) == (4, 4)
    page.locator("#none").click()
    page.locator("#add").select_option("1")
    assert page.locator("#chips li").inner_text().startswith("trial 001")
    pick = page.locator("#trials tr[data-t='1'] .pick")
    assert pick.get_attribute("aria-pressed") == "true"


def test_brushes_keep_the_trials_that_pass(open_page) -> None:
    page = open_page()
    axis = page.locator("#parallel .side").last.locator(".hit")
    axis.focus()
    page.keyboard.press("ArrowUp")  # the worst quarter
    assert re.match(r"1 of 6 trials are within val_auc ", page.locator("#within").inner_text())
    page.keyboard.press("Escape")
    assert page.locator("#within").is_hidden()
    box = axis.bounding_box()
    page.mouse.move(box["x"] + 15, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + 15, box["y"] + 0.3 * box["height"])
    page.mouse.up()
    assert page.locator("#within").inner_text().startswith("2 of 6 trials")
    page.locator("#clear").click()
    assert page.locator("#trials tr.out").count() == 0


def test_what_users_wrote_is_shown_as_text(open_page) -> None:
    page = open_page()
    assert page.title().startswith("rings")
    assert "document.title" in page.locator("#failures").inner_text()
    page.locator("#objective circle[data-t='1']").hover()
    assert page.locator("#tip").inner_text().startswith("trial 001")
    assert page.locator("script").count() == 2


@pytest.mark.parametrize("script", [True, False])
def test_the_page_fits_a_phone_with_and_without_its_script(open_page, script: bool) -> None:
    page = open_page(viewport={"width": 360, "height": 700}, java_script_enabled=script)
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("#trials tbody tr").count() == 6
    assert page.locator("#objective circle").count() > 3
    assert page.locator("svg.curves .inner path").count() == 5
    assert page.locator("#add").is_visible() == script


def test_dark_and_print_have_colours_of_their_own(open_page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = open_page(), open_page(color_scheme="dark")
    assert light.evaluate(background) == "rgb(255, 255, 255)"
    assert dark.evaluate(background) == "rgb(18, 22, 28)"
    dark.emulate_media(media="print")
    assert dark.evaluate(background) == "rgb(255, 255, 255)"
    assert dark.locator("nav").is_hidden()
