"""The parts of a page: axes, drawings, curves, grids, pictures."""

from __future__ import annotations

import base64
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from trialstack.report.page.chart_of_trials import (
    chart_over_trials,
    charts_by_hyperparameter,
    log_sampled,
    looks_of,
    objective_scale,
    records_of,
)
from trialstack.report.page.curves import read_curves
from trialstack.report.page.entries import model_entries, ranked_entries
from trialstack.report.page.facts import environment_facts
from trialstack.report.page.gallery import grid_of, shown_trials
from trialstack.report.page.parallel import parallel_coordinates
from trialstack.report.page.pictures import boundaries, small
from trialstack.report.page.scales import count_scale, linear_scale, log_scale
from trialstack.report.page.scores import score_rows
from trialstack.report.search import StoredSearch, Trial
from trialstack.trials import Objective


def trial(number: int, score: float | None, status: str = "FINISHED", **values) -> Trial:
    name = f"trial {number:03d}"
    return Trial(f"{number}", number, name, status, values, score, 1, 4, 2.0, "", 0.0, "epochs")


@pytest.fixture(scope="module")
def search(written) -> StoredSearch:
    from trialstack.report.find import find_search
    from trialstack.report.search import read_search

    return read_search(written.runs, find_search(written.runs, f"rings@{written.ids['search']}"))


def of(search: StoredSearch, *trials: Trial, direction: str = "max") -> StoredSearch:
    return replace(search, trials=tuple(trials), objective=Objective("val_auc", direction))


def test_axes_have_round_marks_within_their_ends() -> None:
    assert [tick.label for tick in linear_scale(0.985, 1.0, ticks=3).ticks] == (
        ["0.985", "0.990", "0.995", "1.000"]
    )
    assert [tick.label for tick in count_scale(0, 29, room=0.02).ticks] == (
        ["0", "5", "10", "15", "20", "25"]
    )
    assert [tick.label for tick in count_scale(1, 2).ticks] == ["1", "2"]
    assert [tick.label for tick in log_scale(1e-15, 0.1).ticks][:2] == ["1e-15", "1e-13"]
    for scale in (linear_scale(3.0, 3.0), log_scale(2.0, 2.0), count_scale(0, 0)):
        assert scale.low < scale.high
        assert all(0 <= tick.at <= 1 for tick in scale.ticks)


def test_a_value_beyond_an_axis_stands_at_its_end() -> None:
    scale = linear_scale(0.0, 10.0)
    assert (scale.share(20.0), scale.place(20.0), scale.share(-1.0)) == (1.0, 2.0, 0.0)
    assert log_scale(0.01, 1.0).place(0.0) == pytest.approx(-2.0)  # drawn, and cut off


@pytest.mark.parametrize(("direction", "line"), [("max", "M0 778H500V111H1000"), ("min", "M0 778")])
def test_the_best_so_far_is_a_staircase(search, direction: str, line: str) -> None:
    """Scores 0.25, failed, 0.75 on an axis from 0.15 to 0.85, drawn in thousandths."""
    found = of(
        search,
        trial(0, 0.25),
        trial(1, None, "FAILED"),
        trial(2, 0.75),
        trial(3, 0.5),
        direction=direction,
    )
    records = records_of(found)
    y = linear_scale(0.25, 0.75, room=0.166667)
    chart = chart_over_trials(records, direction, y, looks_of(found))
    looks = [dot.look for dot in chart.dots]
    assert looks == (
        ["s0", "failed", "best", "s3"] if direction == "max" else ["best", "failed", "s0", "s3"]
    )
    assert chart.line.startswith("M")
    assert ("V" in chart.line) == (direction == "max")


def test_equal_scores_look_alike(search) -> None:
    found = of(search, trial(0, 0.9), trial(1, 0.9), trial(2, 0.5), trial(3, 0.9))
    assert looks_of(found) == {0: "best", 1: "s6", 3: "s6", 2: "s0"}
    assert looks_of(of(search)) == {}


def test_hyperparameters_keep_their_trials_and_their_scale(search) -> None:
    trials = [trial(k, k / 10, rate=10.0 ** -(k % 5), units=4 + k) for k in range(10)]
    trials.append(trial(10, None, "FAILED", units=3))
    found = of(search, *trials)
    records, looks = records_of(found), looks_of(found)
    y = objective_scale(records, "max")
    assert y is not None
    rate, units = charts_by_hyperparameter(records, "max", {"rate"}, y, looks)
    assert rate.name == "rate"
    assert [dot.trial for dot in units.dots] == list(range(11))
    assert [dot.trial for dot in rate.dots] == list(range(10))
    assert units.dots[10].look == "failed"
    drawing = parallel_coordinates(records, "val_auc", "max", {"rate"}, y, looks)
    assert drawing is not None
    assert [axis.name for axis in drawing.axes] == ["rate", "units", "val_auc"]
    assert [line.trial for line in drawing.lines] == [10, *range(10)]
    assert drawing.lines[0].path.count("M") == 1
    assert "L" not in drawing.lines[0].path  # of three axes it has one
    assert drawing.lines[-1].look == "best"
    assert log_sampled({"hypermodel.rate.sampling": "linear"}) == set()


def test_scores_of_models_share_an_axis_a_row(written) -> None:
    from trialstack.report.comparison import compare_runs
    from trialstack.report.find import find_runs

    ids = [written.ids[name] for name in ("baseline", "final")]
    models = compare_runs(written.runs, find_runs(written.runs, ids)).models
    rows = {row.name: row for row in score_rows(models)}
    assert list(rows)[:2] == ["AUC", "accuracy"]
    baseline, final = rows["AUC"].models
    assert baseline is not None
    assert final is not None
    assert (baseline.text, final.text) == ("0.8750", "1.0000")
    assert (baseline.low, final.high) == (0.0, 1.0)
    assert baseline.at < final.at
    assert rows["log loss"].note == "smaller is better"


def test_curves_are_paths_on_an_axis_of_their_own(written, search) -> None:
    entries = [*model_entries(search), *ranked_entries(search)]
    curves = read_curves(written.runs, entries, "val_auc", "max")
    assert curves is not None
    assert [panel.solid for panel in curves.panels] == ["val_auc"]
    assert (curves.x.low, curves.x.ticks[0].label) == (0, "0")  # as on MLflow's pages
    assert "0" in curves.lines
    (lines,) = curves.lines["0"]  # 0.5, then 0.25
    low, high = curves.panels[0].y.place(0.25), curves.panels[0].y.place(0.5)
    assert lines.solid == f"M0 {round(1000 * (1 - high))}l1000 {round(1000 * (high - low))}"
    assert lines.best is None  # epoch 3 was not logged


def test_a_grid_of_neurons_by_penalty_holds_the_best_of_each_cell(search) -> None:
    trials = [
        trial(number, number / 100, units_1=8 + 8 * (number % 4), l1=(0.0, 1e-5)[number // 4 % 2])
        for number in range(24)
    ]
    grid = grid_of(of(search, *trials))
    assert grid is not None
    assert (grid.rows, grid.columns) == ("hidden neurons", "l1")
    assert grid.row_labels == ("8", "16", "24", "32")
    assert grid.column_labels == ("0", "1e-5")
    assert [[cell.number for cell in row if cell] for row in grid.cells] == (
        [[16, 20], [17, 21], [18, 22], [19, 23]]
    )
    assert grid_of(of(search, *trials[:10])) is None
    assert grid_of(of(search, *(trial(k, k / 30, l1=0.1 * (k % 3)) for k in range(30)))) is None


def test_the_gallery_shows_the_best_and_goes_down_to_the_worst(search) -> None:
    shown = shown_trials(of(search, *(trial(k, k / 100) for k in range(50))))
    assert [one.number for one in shown[:8]] == list(range(49, 41, -1))
    assert len(shown) == 12
    assert shown[-1].number == 0


def test_pictures_are_made_small_and_broken_ones_left_out(written, search) -> None:
    buffer = BytesIO()
    Image.new("RGB", (400, 200), "orange").save(buffer, "PNG")
    picture = small(buffer.getvalue(), 100, "two", lines=True)
    assert picture is not None
    head, _, data = picture.uri.partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(BytesIO(base64.b64decode(data))).size == (100, 50)
    assert small(b"no picture", 100, "", lines=False) is None
    assert boundaries(written.runs, ranked_entries(search)) == {}


@pytest.mark.parametrize(
    ("source", "script"),
    [("/home/ana/tune_rings.py", "tune_rings.py"), ("/venv/bin/trialstack", None)],
)
def test_a_script_is_named_and_the_command_line_is_not(search, source: str, script: str) -> None:
    tags = {"mlflow.user": "ana", "mlflow.source.name": source}
    facts = dict(environment_facts(replace(search.run, tags=tags)))
    assert facts.get("script") == script
    assert facts["user"] == "ana"
