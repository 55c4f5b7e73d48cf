from __future__ import annotations

import pytest

from trialstack.errors import InputError
from trialstack.report.find import find_runs, find_search
from trialstack.report.runs import RunStore
from trialstack.report.search import read_search
from trialstack.trials import Objective


def test_a_search_is_read_back(written) -> None:
    search = read_search(written.runs, find_search(written.runs, f"rings@{written.ids['search']}"))
    assert search.objective == Objective("val_auc", "max")
    assert (search.run.name, search.run.experiment) == ("rings · first", "rings")
    assert search.run.data == ("rings", "d" * 36)
    assert search.max_trials == 6
    assert [trial.number for trial in search.trials] == [0, 1, 2, 3, 4, 5]
    # Of equal scores the earlier trial is first; the retry of trial 4 counts, not its failure.
    assert [trial.number for trial in search.ranking] == [1, 2, 0, 4]
    best = search.ranking[0]
    assert best.hyperparameters == {"units_1": 16, "rate": 0.01, "shuffle": True}
    assert (best.score, best.best_epoch, best.epochs_run) == (0.875, 3, 5)
    assert (best.seconds, best.stopped_by) == (4.0, "epochs")
    assert best.run is not None
    assert best.run.run_id == written.ids["trial/01"]
    assert [(t.number, t.reason) for t in search.with_status("FAILED")] == (
        [(3, "ValueError: no width")]
    )
    assert [trial.number for trial in search.with_status("KILLED")] == [5]
    assert search.seconds == 54.0  # from the start of trial 0 to the end of trial 5
    assert search.baseline is not None
    assert search.final is not None
    assert (search.baseline.run_id, search.final.run_id) == (
        (written.ids["baseline"], written.ids["final"])
    )
    assert search.model is None


def test_a_search_that_runs_is_read_as_far_as_it_is(written) -> None:
    search = read_search(written.runs, find_search(written.runs, "moons"))
    assert search.run.status == "RUNNING"
    assert search.run.seconds is None
    assert [trial.number for trial in search.with_status("RUNNING")] == [1]
    assert [trial.number for trial in search.ranking] == [0]
    assert search.seconds is None
    assert search.baseline is None


def test_a_tuners_own_search_names_its_objective_without_a_table(written) -> None:
    run = find_search(written.runs, "moons")
    params = {"objective": "val_loss", "direction": "min", "max_trials": "9"}
    search = read_search(written.runs, type(run)(**{**vars(run), "params": params}))
    assert search.objective == Objective("val_loss", "min")
    assert search.max_trials == 9
    assert search.ranking == []


def test_a_search_without_objective_is_refused(written) -> None:
    run = find_search(written.runs, "moons")
    with pytest.raises(InputError, match="name no objective"):
        read_search(written.runs, type(run)(**{**vars(run), "params": {}}))


def test_more_runs_than_a_page_holds(written, monkeypatch) -> None:
    monkeypatch.setattr("trialstack.report.runs.PAGE", 2)
    runs = written.runs
    assert list(runs.experiments.values())[-1] == "Default"
    assert len(runs.experiments) == 5
    search = read_search(runs, find_search(runs, f"rings@{written.ids['search'][:10]}"))
    assert len(search.trials) == 6
    assert len(runs.where("tags.`trialstack.kind` = 'trial'", most=3)) == 3


def test_the_latest_search_is_meant_unless_one_is_named(written) -> None:
    ids = written.ids
    assert find_search(written.runs, "rings").run_id == ids["second"]
    for prefix in (ids["search"], ids["search"][:12]):
        assert find_search(written.runs, f"rings@{prefix}").run_id == ids["search"]


def test_searches_that_are_not_there(written) -> None:
    ids = written.ids
    for reference, *parts in (
        ("rigns", "'rigns' is not in", "did you mean 'rings'?"),
        ("experiments/rings.toml", "did you mean 'rings'?"),
        ("nothing", "there is: ", "rings"),
        ("Default", "holds no search", "--runs ID,ID"),
        ("rings@", "nothing follows the @"),
        ("rings@xyz", "begins with 'xyz'", ids["second"][:8]),
        ("rings@%", "begins with '%'"),
        (f"rings@{ids['moons']}", f"begins with '{ids['moons']}'"),
        (f"rings@{ids['final']}", "final 'final · of first' of rings, not a search"),
        ("@", "give the NAME"),
    ):
        with pytest.raises(InputError) as caught:
            find_search(written.runs, reference)
        for part in parts:
            assert part in str(caught.value), reference


def test_an_id_that_several_runs_share_is_refused(written) -> None:
    everything = written.runs.where("")
    first = [run.run_id[0] for run in everything]
    shared = next(digit for digit in first if first.count(digit) > 1)  # of 16 digits
    with pytest.raises(InputError, match=f"several runs begin with '{shared}'"):
        find_runs(written.runs, [shared])


def test_chosen_runs_come_in_the_order_of_asking(written) -> None:
    ids = written.ids
    found = find_runs(written.runs, [ids["moons/final"][:14], ids["baseline"]])
    assert [run.run_id for run in found] == [ids["moons/final"], ids["baseline"]]
    with pytest.raises(InputError, match="came twice"):
        find_runs(written.runs, [ids["final"], ids["final"][:12]])
    with pytest.raises(InputError, match="'nowhere'"):
        find_runs(written.runs, ["nowhere"])


def test_a_store_that_is_not_there_is_not_made(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        RunStore.at(f"sqlite:///{tmp_path}/mlflow.db")
    assert list(tmp_path.iterdir()) == []
