"""Contract 6: whatever was killed whenever, the end is the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from trialstack.tuners.journal import FILE_NAME, Journal
from trialstack.tuners.replay import hyperparameters_of, space_config

TRIALS = 4
LINES = 1 + 4 * TRIALS + 1
"""Opened; building, asked, started and finished a trial; closed."""

TunerOf = Callable[..., Any]
Table = Callable[[Any], dict[str, Any]]


def cut(project: Path, lines: int, *, more: bytes = b"") -> None:
    """Takes a journal back to its first lines."""
    path = project / FILE_NAME
    kept = path.read_bytes().split(b"\n")[:lines]
    path.write_bytes(b"".join(line + b"\n" for line in kept) + more)


@pytest.fixture
def new_hypermodel(pretended: Any) -> Callable[[], Any]:
    """Makes hypermodels that count from zero, as in a new process."""
    return type(pretended)


@pytest.mark.parametrize(
    "state_files",
    [
        pytest.param(True, id="with-state-files", marks=pytest.mark.slow),
        pytest.param(False, id="journal-alone"),
    ],
)
def test_every_prefix_of_the_journal_leads_to_the_same_table(
    tmp_path: Path,
    tuner_of: TunerOf,
    table: Table,
    new_hypermodel: Callable[[], Any],
    state_files: bool,
) -> None:
    whole = tuner_of(new_hypermodel(), TRIALS, tmp_path / "whole")
    whole.search(verbose=0)
    expected = table(whole)
    assert [status for status, _, _ in expected.values()] == ["COMPLETED"] * TRIALS
    assert len({score for _, _, score in expected.values()}) == TRIALS
    lines = (tmp_path / "whole/project" / FILE_NAME).read_bytes().count(b"\n")
    assert lines == LINES

    for kept in range(LINES + 1):
        folder = tmp_path / f"cut-{kept}"
        shutil.copytree(tmp_path / "whole", folder)
        if not state_files:
            for path in (folder / "project").glob("*.json"):
                path.unlink()
        cut(folder / "project", kept, more=b'{"event":"fini' if kept < LINES else b"")
        hypermodel = new_hypermodel()
        tuner = tuner_of(hypermodel, TRIALS, folder)
        tuner.search(verbose=0)
        assert table(tuner) == expected, f"after {kept} lines"
        finished_before = max(0, kept - 1) // 4
        assert len(hypermodel.trained) == TRIALS - min(finished_before, TRIALS)
        finished = [entry["trial_id"] for entry in tuner.journal.of("finished")]
        assert sorted(finished) == sorted(expected), "every trial is finished exactly once"
        assert tuner.journal.closed["reason"] == "max_trials"
        for trial_id in expected:
            stored = tuner.best_weights.load(trial_id).arrays
            original = whole.best_weights.load(trial_id).arrays
            np.testing.assert_array_equal(stored[0], original[0])


def test_a_search_may_be_interrupted_at_every_epoch(
    tmp_path: Path, tuner_of: TunerOf, table: Table, new_hypermodel: Callable[[], Any]
) -> None:
    whole = tuner_of(new_hypermodel(), 2, tmp_path / "whole")
    whole.search(verbose=0)
    folder = tmp_path / "interrupted"
    for epoch in (0, 1, 2, 0, 2):

        def interrupt(_: int, now: int, when: int = epoch) -> None:
            if now == when:
                raise KeyboardInterrupt

        hypermodel = new_hypermodel()
        hypermodel.epoch = interrupt
        with pytest.raises(KeyboardInterrupt):
            tuner_of(hypermodel, 2, folder).search(verbose=0)
        assert len(hypermodel.trained) == 1
    tuner = tuner_of(new_hypermodel(), 2, folder)
    tuner.search(verbose=0)
    assert table(tuner) == table(whole)


@pytest.mark.slow
def test_failed_trials_stay_failed_and_the_others_follow_as_before(
    tmp_path: Path, tuner_of: TunerOf, table: Table, new_hypermodel: Callable[[], Any]
) -> None:
    """Keras Tuner's limit of three failures in a row would end the reloading."""

    def failing() -> Any:
        hypermodel = new_hypermodel()

        def fail(_: int, epoch: int) -> None:
            if epoch == 1 and hypermodel.trained[-1]["units"] < 8:
                raise ValueError("too few units")

        hypermodel.epoch = fail
        return hypermodel

    arguments = {"seed": 2, "max_retries_per_trial": 1}
    whole = tuner_of(failing(), 8, tmp_path / "whole", **arguments)
    whole.search(verbose=0)
    expected = table(whole)
    statuses = [status for status, _, _ in expected.values()]
    assert statuses.count("FAILED") >= 4
    assert "FAILED FAILED FAILED" in " ".join(statuses)
    lines = len(whole.journal)
    for kept in range(1, lines + 1, 6):
        folder = tmp_path / f"cut-{kept}"
        shutil.copytree(tmp_path / "whole", folder)
        cut(folder / "project", kept)
        tuner = tuner_of(failing(), 8, folder, **arguments)
        tuner.search(verbose=0)
        assert table(tuner) == expected, f"after {kept} lines"
        assert tuner.oracle.end_order == whole.oracle.end_order


class Growing(keras_tuner.HyperModel):
    """Names hyperparameters in a loop and while training: the oracle learns them on the way."""

    def build(self, hp: Any) -> keras.Model:
        layers = [keras.Input((2,))]
        layers += [
            keras.layers.Dense(hp.Int(f"units_{i}", 2, 99)) for i in range(hp.Int("layers", 1, 4))
        ]
        if hp.Boolean("drop"):
            with hp.conditional_scope("drop", [True]):
                layers.append(keras.layers.Dropout(hp.Float("share", 0.1, 0.9)))
        model = keras.Sequential(layers)
        model.compile("sgd", "mse")
        return model

    def fit(self, hp: Any, model: keras.Model, *_: Any, **__: Any) -> dict[str, float]:
        batch = hp.Choice("batch", [16, 32, 64])
        return {"val_accuracy": batch + float(np.abs(model.get_weights()[0]).mean())}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
def test_a_space_that_grows_is_replayed_too(
    tmp_path: Path, tuner_of: TunerOf, table: Table, seed: int
) -> None:
    whole = tuner_of(Growing(), 8, tmp_path / "whole", seed=seed)
    whole.search(verbose=0)
    expected, names = table(whole), [hp.name for hp in whole.oracle.get_space().space]
    assert {"units_3", "share", "batch"} <= set(names)
    for kept in range(1, len(whole.journal), 4):
        folder = tmp_path / f"cut-{kept}"
        shutil.copytree(tmp_path / "whole", folder)
        cut(folder / "project", kept)
        tuner = tuner_of(Growing(), 8, folder, seed=seed)
        tuner.search(verbose=0)
        assert table(tuner) == expected, f"after {kept} lines"
        assert [hp.name for hp in tuner.oracle.get_space().space] == names


def test_reloading_twice_changes_nothing(tuner_of: TunerOf, table: Table, pretended: Any) -> None:
    tuner_of(pretended).search(verbose=0)
    tuner = tuner_of(pretended)
    before, seed_state = table(tuner), tuner.oracle._seed_state
    tuner.reload()
    assert (table(tuner), tuner.oracle._seed_state) == (before, seed_state)
    assert tuner.oracle.end_order == ["0", "1", "2"]
    assert tuner.remaining_trials == 0


def test_more_trials_go_on_where_fewer_stopped(
    tmp_path: Path, tuner_of: TunerOf, new_hypermodel: Callable[[], Any]
) -> None:
    at_once = tuner_of(new_hypermodel(), 6, tmp_path / "at-once")
    at_once.search(verbose=0)
    tuner_of(new_hypermodel(), 4).search(verbose=0)
    hypermodel = new_hypermodel()
    tuner = tuner_of(hypermodel, 6)
    tuner.search(verbose=0)
    assert len(hypermodel.trained) == 2
    assert [trial.score for trial in tuner.oracle.trials.values()] == [
        trial.score for trial in at_once.oracle.trials.values()
    ]


def test_a_finished_search_run_again_trains_nothing(tuner_of: TunerOf, pretended: Any) -> None:
    tuner_of(pretended).search(verbose=0)
    lines = len(tuner_of(pretended).journal)
    pretended.trained.clear()
    again = tuner_of(pretended)
    again.search(verbose=0)
    assert pretended.trained == []
    assert len(again.journal) == lines


def test_overwrite_begins_anew(tuner_of: TunerOf, pretended: Any) -> None:
    tuner_of(pretended).search(verbose=0)
    first = tuner_of(pretended).journal.search_id
    anew = tuner_of(pretended, overwrite=True)
    anew.search(verbose=0)
    assert len(pretended.trained) == 6
    assert anew.journal.search_id != first


@pytest.mark.parametrize("seed", [0, -1, 42, None])
def test_the_seed_of_the_first_start_holds(tuner_of: TunerOf, pretended: Any, seed: Any) -> None:
    first = tuner_of(pretended, seed=seed)
    first.search(verbose=0)
    assert first.oracle.seed == (first.oracle.seed if seed is None else seed)
    again = tuner_of(pretended, trials=5, seed=99)
    assert (again.oracle.seed, again.oracle._seed_state) == (
        first.oracle.seed,
        first.oracle._seed_state,
    )
    assert first.oracle._seed_state == first.oracle.seed + 6, "three trials of two values"


def test_a_journal_is_read_whole_before_anything_is_trusted(
    tmp_path: Path, tuner_of: TunerOf, pretended: Any
) -> None:
    tuner_of(pretended).search(verbose=0)
    path = tmp_path / "project" / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":0'))
    with pytest.raises(Exception, match="line 7: damaged"):
        tuner_of(pretended)
    path.write_bytes(b"")
    assert len(Journal(path)) == 0
    tuner = tuner_of(pretended)
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 3


def test_an_entry_with_conditions_is_read_as_often_as_need_be() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("layers", 1, 2)
    with hp.conditional_scope("layers", [2]):
        hp.Int("units_2", 3, 9)
    entry = {"space": space_config(hp, 0), "values": {"layers": 2, "units_2": 5}}
    for _ in range(2):
        assert hyperparameters_of(entry).get("units_2") == 5
