from __future__ import annotations

import pytest

from trialstack.commands.compared import print_comparison
from trialstack.errors import InputError
from trialstack.report.comparison import compare_runs, compare_search
from trialstack.report.find import find_runs, find_search
from trialstack.report.search import read_search


@pytest.fixture(scope="module")
def first(written):
    runs = written.runs
    search = read_search(runs, find_search(runs, f"rings@{written.ids['search']}"))
    return compare_search(runs, search, top=3)


def chosen(written, *keys):
    return compare_runs(written.runs, find_runs(written.runs, [written.ids[key] for key in keys]))


def test_the_best_trials_come_first_then_baseline_and_final(first) -> None:
    labels = ["trial 001", "trial 002", "trial 000", "baseline", "final"]
    assert [row.label for row in first.rows] == labels
    assert [row.rank for row in first.rows] == [1, 2, 3, None, None]
    # A trial's best epoch (not its last, 0.25); the baseline's last; the final has no such rows.
    assert [row.score for row in first.rows] == [0.875, 0.875, 0.75, 0.625, None]
    assert [row.epochs for row in first.rows] == [5, 5, 5, 4, 4]
    assert [row.run.seconds for row in first.rows] == [4.0, 4.0, 4.0, 7.5, 7.5]
    assert [row.weights for row in first.rows] == [None, None, None, 33, 33]


def test_what_differs_is_shown_and_what_was_set_is_known(first) -> None:
    """`rate` is the same wherever it is, the batch size too; trial 2 lacks `shuffle`."""
    assert first.differing == ("units_1", "shuffle", "standardize")
    assert [row.hyperparameters.get("standardize") for row in first.rows] == (
        [True, True, True, False, True]
    )
    assert {row.hyperparameters["batch_size"] for row in first.rows} == {32}


def test_scores_on_test_rows_have_their_intervals(first) -> None:
    baseline, final = first.models
    assert baseline.test is not None
    assert baseline.test["auc"] == 14 / 16
    assert baseline.test["accuracy"] == 6 / 8
    low, high = baseline.test["auc_ci"]
    assert low < 14 / 16 < high
    low, high = baseline.test["accuracy_ci"]  # which is no metric, but in the run's files
    assert low < 6 / 8 < high
    assert final.test is not None
    assert final.test["auc"] == 1.0
    assert (final.test_rows, baseline.test_rows) == (8, 8)


def test_final_is_tested_against_the_baseline(first) -> None:
    """The final model is right in 16 of 16 pairs and 8 of 8 rows, the baseline in 14 and 6."""
    (test,) = first.tested
    assert (test.new_name, test.old_name) == ("final", "baseline")
    assert test.auc.difference == 2 / 16
    assert (test.accuracy.only_new_right, test.accuracy.only_old_right) == (2, 0)
    assert test.accuracy.p == 0.5  # two coins that fall alike
    assert "difference in AUC 0.1250" in test.sentence
    assert first.untested == ()


def test_links_open_these_runs(first, written) -> None:
    ids = [row.run.run_id for row in first.rows]
    quoted = "%2C".join(f"%22{run_id}%22" for run_id in ids)
    link = first.links["compare"]
    assert link.startswith("http://127.0.0.1:5000/#/compare-runs?runs=%5B" + quoted)
    assert link.endswith("&workflowType=machine_learning")
    assert "metric=%22val_auc%22" in first.links["curves"]
    assert written.ids["search"] in first.links["search"]


def test_finals_of_two_searches_on_the_same_rows_are_tested(written) -> None:
    found = chosen(written, "final", "second/final")
    (test,) = found.tested
    assert test.auc.difference == -2 / 16
    old, new = written.ids["final"][:8], written.ids["second/final"][:8]
    assert (test.new_name, test.old_name) == (f"final {new}", f"final {old}")
    assert not found.on_several_data
    assert found.search is None


def test_a_column_of_scores_is_left_out_where_there_is_none(written, capsys) -> None:
    print_comparison(chosen(written, "final", "second/final"), "")
    assert "val_auc" not in capsys.readouterr().out.partition("test rows")[0]


def test_runs_on_other_data_are_marked_and_not_tested(written) -> None:
    found = chosen(written, "moons/final", "final", "second/final")
    assert found.on_several_data
    assert [found.data_marks[row.data] for row in found.rows] == ["A", "B", "B"]
    assert found.tested == ()
    assert [pair.reason for pair in found.untested] == ["other test rows"] * 2
    experiments = {row.run.experiment_id for row in found.rows}
    assert len(experiments) == 2
    for experiment in experiments:
        assert f"%22{experiment}%22" in found.links["compare"].partition("experiments=")[2]


def test_runs_of_all_kinds_can_be_chosen(written) -> None:
    found = chosen(written, "search", "trial/01", "baseline")
    assert [row.label for row in found.rows] == ["search", "trial 001", "baseline"]
    assert [row.rank for row in found.rows] == [None, None, None]
    assert [row.score for row in found.rows] == [None, 0.875, 0.625]
    assert [row.objective for row in found.rows] == ["val_auc"] * 3
    assert found.tested == found.untested == ()


def test_predictions_that_are_gone_or_changed_are_not_tested(written, monkeypatch) -> None:
    runs = written.runs
    pair = find_runs(runs, [written.ids["final"], written.ids["second/final"]])
    content = runs.read_file(pair[0], "test_predictions.csv")
    assert content is not None
    one_row_less = b"\n".join(content.splitlines()[:-1])
    for answer, reason in (
        (None, "cannot be read"),
        (b"", "no table of predictions"),
        (b"row,class,probability_0\nx,y,z\n", "no table of predictions"),
        (one_row_less, "not of the rows that its run names"),
    ):
        monkeypatch.setattr(runs, "read_file", lambda *_, answer=answer: answer)
        found = compare_runs(runs, pair)
        assert found.tested == ()
        assert set(found.models[0].test) & {"auc_ci", "accuracy_ci"} == {"auc_ci"}  # the metrics'
        assert reason in found.untested[0].reason


def test_a_search_without_a_score_is_refused(written) -> None:
    runs = written.runs
    search = read_search(runs, find_search(runs, "broken"))
    with pytest.raises(InputError, match=r"no finished trial yet: 1 failed; .*no width"):
        compare_search(runs, search)


def test_one_run_is_nothing_to_compare(written) -> None:
    with pytest.raises(InputError, match="two or more"):
        chosen(written, "final")
