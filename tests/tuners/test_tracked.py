"""Contract 4, value by value: what the runs of a search hold."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
from PIL import Image

import trialstack
from trialstack.tracking.memory import MemoryTracker, RunRecord
from trialstack.trials import TrialSpec
from trialstack.tuners.search_run import PARENT
from trialstack.tuners.tracked import painter_of

TunerOf = Callable[..., Any]


class Told(MemoryTracker):
    """A memory whose runs a test looks at after the search has closed it."""

    def trials(self) -> list[RunRecord]:
        return [run for run in self.runs if run.key != PARENT]


@pytest.fixture(scope="module")
def searched(
    tmp_path_factory: pytest.TempPathFactory, X: np.ndarray, y: np.ndarray
) -> tuple[Any, Told, list[Any]]:
    """A real search of three trials, its runs, and the histories that Keras returned."""
    histories: list[Any] = []

    class Kept(keras_tuner.HyperModel):
        def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
            model = keras.Sequential([keras.Input((2,))])
            for number in range(hp.Int("layers", 1, 2)):
                model.add(keras.layers.Dense(hp.Int(f"units_{number}", 2, 9), activation="relu"))
            model.add(keras.layers.Dense(1, activation="sigmoid"))
            optimizer = keras.optimizers.SGD(hp.Float("learning_rate", 1e-3, 0.1, sampling="log"))
            loss = "binary_crossentropy"
            model.compile(optimizer, loss, metrics=["accuracy"], run_eagerly=True)
            return model

        def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            histories.append(model.fit(*args, **kwargs))
            return histories[-1]

    tracker = Told()
    tuner = trialstack.RandomSearch(
        Kept(),
        keras_tuner.Objective("val_loss", "min"),
        max_trials=4,
        seed=3,
        executor="one-by-one",
        tracking=tracker,
        directory=str(tmp_path_factory.mktemp("searched")),
        project_name="project",
    )
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=1, mode="min", min_delta=0.005)
    tuner.search(
        X, y, validation_split=0.25, epochs=4, batch_size=15, verbose=0, callbacks=[stopping]
    )
    return tuner, tracker, histories


def values_of(run: RunRecord, name: str) -> list[float]:
    return list(run.metrics[name].values())


class TestTrialRuns:
    def test_there_is_one_finished_child_a_trial(self, searched: Any) -> None:
        tuner, tracker, _ = searched
        trials = tracker.trials()
        assert [run.key for run in trials] == [f"trial/{number}" for number in range(4)]
        assert {run.status for run in trials} == {"FINISHED"}
        assert {run.parent for run in trials} == {tracker.runs[0].run_id}
        assert [run.tags["trialstack.trial_id"] for run in trials] == list(tuner.oracle.trials)
        assert {run.new.kind for run in trials} == {"trial"}

    def test_metrics_of_every_epoch_are_those_of_the_history(self, searched: Any) -> None:
        _, tracker, histories = searched
        assert {len(history.history["loss"]) for history in histories} > {4}, "some stop early"
        for run, history in zip(tracker.trials(), histories, strict=True):
            for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
                assert list(run.metrics[name]) == list(range(len(history.history[name])))
                assert values_of(run, name) == pytest.approx(history.history[name])

    def test_the_score_and_its_epoch_stand_at_step_0(self, searched: Any) -> None:
        tuner, tracker, histories = searched
        for run, history, trial in zip(
            tracker.trials(), histories, tuner.oracle.trials.values(), strict=True
        ):
            losses = history.history["val_loss"]
            assert run.metrics["best_val_loss"] == {0: pytest.approx(min(losses))}
            assert run.metrics["best_val_loss"][0] == trial.score
            assert run.metrics["best_epoch"] == {0: float(losses.index(min(losses)))}
            assert run.metrics["epochs_run"] == {0: float(len(losses))}

    def test_params_are_those_that_the_model_has_as_people_read_them(self, searched: Any) -> None:
        tuner, tracker, _ = searched
        seen = set()
        for run, trial in zip(tracker.trials(), tuner.oracle.trials.values(), strict=True):
            values = trial.hyperparameters.values
            names = ["layers", *(f"units_{n}" for n in range(values["layers"])), "learning_rate"]
            seen.add(values["layers"])
            assert sorted(run.params) == sorted(names)
            for name in names[:-1]:
                assert run.params[name] == str(values[name])
            assert float(run.params["learning_rate"]) == pytest.approx(
                values["learning_rate"], rel=1e-3
            )
            assert len(run.params["learning_rate"].replace("0.", "").lstrip("0")) <= 4
        assert seen == {1, 2}

    def test_what_stopped_it(self, searched: Any) -> None:
        _, tracker, histories = searched
        for run, history in zip(tracker.trials(), histories, strict=True):
            early = len(history.history["loss"]) < 4
            assert run.tags["trialstack.stopped_by"] == ("EarlyStopping" if early else "epochs")

    def test_exact_values_are_in_a_file(self, searched: Any) -> None:
        tuner, tracker, _ = searched
        for number, (run, trial) in enumerate(
            zip(tracker.trials(), tuner.oracle.trials.values(), strict=True)
        ):
            exact = json.loads(run.files["trial.json"])
            assert exact["trial_id"] == trial.trial_id
            assert exact["number"] == number
            assert exact["seed"] == [3, number]
            assert exact["score"] == trial.score
            assert exact["metrics"]["val_loss"] == trial.score
            assert exact["values"] == {
                name: value
                for name, value in trial.hyperparameters.values.items()
                if name in run.params
            }
            assert (exact["attempt"], exact["stacked"]) == (0, False)
            assert exact["epochs_run"] == run.metrics["epochs_run"][0]

    def test_the_decision_boundary_is_that_of_the_best_epoch(
        self, searched: Any, X: np.ndarray, y: np.ndarray
    ) -> None:
        tuner, tracker, _ = searched
        for run, trial in zip(tracker.trials(), tuner.oracle.trials.values(), strict=True):
            assert list(run.images) == ["boundary_final"]
            (png,) = run.images["boundary_final"].values()
            picture = Image.open(io.BytesIO(png))
            assert picture.size[0] == picture.size[1]
            painter = painter_of({"x": X, "y": y})
            assert painter is not None
            model = tuner.load_model(trial)
            assert painter.paint(np.asarray(model(painter.plane.points))) == png

    def test_the_pictures_that_waited_are_gone(self, searched: Any) -> None:
        tuner, _, _ = searched
        assert not (Path(tuner.project_dir) / "pictures").exists()
        assert len(list((Path(tuner.project_dir) / "weights").iterdir())) == 4

    def test_the_name_says_what_it_is(self, searched: Any) -> None:
        _, tracker, _ = searched
        for number, run in enumerate(tracker.trials()):
            widths = [run.params[f"units_{n}"] for n in range(int(run.params["layers"]))]
            start = f"trial {number:03d} · {'-'.join(widths)} · lr "
            assert run.new.name.startswith(start)


class TestTheSearchsRun:
    def test_it_is_opened_with_its_settings(self, searched: Any) -> None:
        tuner, tracker, _ = searched
        run = tracker.runs[0]
        assert run.new.kind == "search"
        assert run.parent is None
        assert run.params == {
            "algorithm": "RandomSearch",
            "objective": "val_loss",
            "direction": "min",
            "max_trials": "4",
            "executions_per_trial": "1",
            "executor": tuner.executor.name,
            "seed": "3",
        }
        assert run.status == "FINISHED"

    def test_the_best_so_far_has_a_key_of_its_own(self, searched: Any) -> None:
        tuner, tracker, _ = searched
        scores = [trial.score for trial in tuner.oracle.trials.values()]
        run = tracker.runs[0]
        assert run.metrics == {
            "search_best": {n: pytest.approx(min(scores[: n + 1])) for n in range(4)}
        }

    def test_the_leaderboard_is_sorted_and_complete(self, searched: Any) -> None:
        tuner, tracker, _ = searched
        run = tracker.runs[0]
        rows = list(csv.DictReader(io.StringIO(run.files["leaderboard.csv"].decode())))
        scores = {trial_id: trial.score for trial_id, trial in tuner.oracle.trials.items()}
        best = sorted(scores, key=lambda trial_id: float(scores[trial_id] or math.inf))
        numbers = [f"{int(trial_id):03d}" for trial_id in best]  # as in run names
        assert [row["trial"] for row in rows] == numbers
        assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
        assert [float(row["best_val_loss"]) for row in rows] == [scores[i] for i in best]
        assert {row["status"] for row in rows} == {"FINISHED"}
        for row in rows:
            params = tracker.trials()[int(row["trial"])].params
            assert row["layers"] == params["layers"]
            assert row["units_1"] == params.get("units_1", "")
        columns = run.tables["leaderboard.json"]
        assert list(columns["trial"]) == numbers

    def test_pictures_and_description(self, searched: Any) -> None:
        tuner, tracker, _ = searched
        run = tracker.runs[0]
        for name in ("objective_over_trials", "objective_by_hyperparameter"):
            assert run.files[f"plots/{name}.png"].startswith(b"\x89PNG")
        first, *_ = run.description.split("\n")
        best = tuner.oracle.get_best_trials()[0]
        assert first.startswith(f"Best val_loss **{best.score:.4f}**: trial 00{best.trial_id} · ")
        assert first.endswith("(4 trials).")


class Interrupting(keras.callbacks.Callback):
    """Ctrl-C in the second epoch of the second trial."""

    trials = 0

    def on_train_begin(self, logs: Any = None) -> None:
        Interrupting.trials += 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if Interrupting.trials == 2 and epoch == 1:
            raise KeyboardInterrupt


class TestInterruption:
    def test_runs_are_killed_at_once_and_the_rest_follows_in_others(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        whole = tuner_of(eager, project_name="whole")
        whole.search(X, y, **fit)

        Interrupting.trials = 0
        first = Told()
        with pytest.raises(KeyboardInterrupt):
            tuner_of(eager, tracking=first).search(X, y, callbacks=[Interrupting()], **fit)
        assert [(run.key, run.status) for run in first.runs] == [
            (PARENT, "KILLED"),
            ("trial/0", "FINISHED"),
            ("trial/1", "KILLED"),
        ]
        assert list(first.runs[2].metrics["loss"]) == [0]
        assert b"trial" in first.runs[0].files["leaderboard.csv"]

        second = Told(first.runs)
        tuner = tuner_of(eager, tracking=second)
        tuner.search(X, y, **fit)
        assert [(run.key, run.status) for run in second.runs] == [
            (PARENT, "FINISHED"),
            ("trial/0", "FINISHED"),
            ("trial/1", "KILLED"),
            ("trial/1", "FINISHED"),
            ("trial/2", "FINISHED"),
        ]
        assert [t.score for t in tuner.oracle.trials.values()] == [
            t.score for t in whole.oracle.trials.values()
        ]
        assert list(second.runs[0].metrics["search_best"]) == [0, 1, 2]

    @pytest.mark.parametrize("lost", ["everything", "the ends"])
    def test_what_the_store_lacks_is_written_from_the_journal(
        self, tuner_of: TunerOf, pretended: Any, lost: str
    ) -> None:
        original = Told()
        tuner_of(pretended, tracking=original).search(verbose=0)
        known = [] if lost == "everything" else original.runs[:3]
        for run in known:
            run.status = "RUNNING"
        second = Told(known)
        tuner_of(pretended, tracking=second).search(verbose=0)
        assert len(pretended.trained) == 3, "nothing is trained again"
        finished = {run.key: run for run in second.runs if run.status == "FINISHED"}
        assert len(finished) == 4
        for old in original.runs:
            new = finished[old.key]
            assert new.metrics == old.metrics
            assert new.params == old.params
            kept = {"trialstack.successor"}
            assert {k: v for k, v in new.tags.items() if k not in kept} == {
                k: v for k, v in old.tags.items() if k not in kept
            }
            assert new.files.keys() == old.files.keys()
        others = [run for run in second.runs if run not in finished.values()]
        assert {run.status for run in others} <= {"KILLED"}

    def test_several_executions_of_different_length_are_written_again_too(
        self, tuner_of: TunerOf, pretended: Any
    ) -> None:
        """The journal has the curve of the best execution, and the times of the first."""
        pretended.epoch = lambda training, epoch: None
        inner = pretended.fit

        def fit(hp: Any, model: Any, *args: Any, callbacks: Any, **kwargs: Any) -> float:
            if len(pretended.trained) % 2:
                return inner(hp, model, *args, callbacks=callbacks, **kwargs)
            pretended.trained.append({})
            for callback in callbacks:
                callback.set_model(model)
                callback.on_epoch_end(0, {"loss": 1.0, "val_score": 9.0})
            return 9.0

        pretended.fit = fit
        tuner_of(pretended, 2, executions_per_trial=2, tracking=Told()).search(verbose=0)
        second = Told()
        tuner_of(pretended, 2, executions_per_trial=2, tracking=second).search(verbose=0)
        assert [run.status for run in second.runs] == ["FINISHED"] * 3
        for run in second.trials():
            assert run.metrics["val_score"] == {0: 9.0}
            assert run.metrics["epochs_run"] == {0: 1.0}


class TestPainter:
    def test_class_labels_become_a_picture(self, X: np.ndarray, y: np.ndarray) -> None:
        for labels, classes in (
            (y, 2),
            (y[:, None], 2),
            (y.astype(float), 2),
            (y.astype(bool), 2),
            (np.where(y, "yes", "no"), 2),
            (2 * y - 1, 2),
            (y + 1, 3),
            (np.eye(3)[y], 3),
        ):
            painter = painter_of({"x": X, "y": labels})
            assert painter is not None
            assert painter.n_classes == classes

    def test_more_features_are_drawn_on_a_plane(self, X: np.ndarray, y: np.ndarray) -> None:
        painter = painter_of({"x": np.hstack([X, X**2]), "y": y})
        assert painter is not None
        assert painter.plane.points.shape[1] == 4

    @pytest.mark.parametrize(
        ("x", "y"),
        [
            (None, None),
            (np.zeros((9, 2)), None),
            (np.zeros((9, 2, 2)), np.zeros(9)),
            (np.zeros((9, 2)), np.zeros(9)),
            (np.zeros((9, 2)), np.zeros(8)),
            (np.zeros((0, 2)), np.zeros(0)),
            (np.zeros((9, 2)), np.zeros((9, 2))),
            (np.zeros((9, 2)), np.linspace(0, 1, 9)[:, None] * [1.0, 2.0]),
            (np.zeros((99, 2)), np.linspace(0, 1, 99)),
            (np.full((9, 2), "a"), np.arange(9) % 2),
            ({"a": np.zeros((9, 2))}, np.arange(9) % 2),
            (np.zeros((9, 2)), {"a": np.arange(9) % 2}),
        ],
    )
    def test_what_cannot_be_drawn_is_not(self, x: Any, y: Any) -> None:
        assert painter_of({"x": x, "y": y}) is None


class TestOddData:
    """What has no picture must not cost a trial."""

    @pytest.mark.parametrize("kind", ["ratings", "tokens", "two outputs", "labels from 1"])
    def test_the_search_goes_on(self, tuner_of: TunerOf, X: Any, y: Any, kind: str) -> None:
        tokens = np.random.default_rng(0).integers(0, 20, (40, 6))
        inputs = {"tokens": tokens}.get(kind, X)
        targets = {
            "ratings": np.arange(40) % 5 + 1.0,
            "two outputs": {"a": y, "b": y},
            "labels from 1": y + 1,
        }.get(kind, y)

        def build(hp: Any) -> keras.Model:
            units = hp.Int("units", 2, 9)
            if kind == "tokens":
                given = keras.Input((6,), dtype="int32")
                inner = keras.layers.Flatten()(keras.layers.Embedding(20, units)(given))
            else:
                given = keras.Input((2,))
                inner = keras.layers.Dense(units)(given)
            loss, outputs = "mse", keras.layers.Dense(1)(inner)
            if kind == "two outputs":
                outputs = {name: keras.layers.Dense(1, name=name)(inner) for name in ("a", "b")}
            elif kind == "labels from 1":
                loss, outputs = "sparse_categorical_crossentropy", keras.layers.Dense(3)(inner)
                outputs = keras.layers.Softmax()(outputs)
            model = keras.Model(given, outputs)
            model.compile("sgd", loss, run_eagerly=True)
            return model

        tracker = Told()
        loss = keras_tuner.Objective("loss", "min")
        tuner = tuner_of(build, 1, objective=loss, tracking=tracker)
        tuner.search(inputs, targets, verbose=0)
        (run,) = tracker.trials()
        assert run.status == "FINISHED"
        assert bool(run.images) == (kind == "labels from 1")


def test_names_readable_by_people_come_from_the_hypermodel(
    tuner_of: TunerOf, pretended: Any
) -> None:
    pretended.readable = lambda values: {"width": 2 * values["units"]}
    tracker = Told()
    tuner = tuner_of(pretended, 1, tracking=tracker)
    tuner.search(verbose=0)
    (run,) = tracker.trials()
    units = tuner.oracle.trials["0"].hyperparameters.values["units"]
    assert run.params == {"width": str(2 * units)}
    assert run.new.name == f"trial 000 · width {2 * units}"
    exact = json.loads(run.files["trial.json"])
    assert exact["hyperparameters"] == {"width": 2 * units}
    assert exact["values"]["units"] == units


def test_a_tracker_that_cannot_be_asked_is_closed(tuner_of: TunerOf, pretended: Any) -> None:
    class Away(MemoryTracker):
        def known_runs(self) -> Any:
            raise ConnectionError("server away")

    tracker = Away()
    with pytest.raises(ConnectionError, match="server away"):
        tuner_of(pretended, tracking=tracker).search(verbose=0)
    assert tracker._closed


@pytest.mark.filterwarnings("default")
def test_what_a_tracker_could_not_write_is_told_and_the_pictures_stay(
    tuner_of: TunerOf,
    eager: Any,
    X: Any,
    y: Any,
    fit: dict[str, Any],
    recwarn: pytest.WarningsRecorder,
) -> None:
    class Away(MemoryTracker):
        def end_run(self, key: str, status: Any, ended: float, written: Any = None) -> None:
            super().end_run(key, status, ended)  # and nobody is told that it is written

    tracker = Away()
    tracker.problems = ["the server went away"]
    tuner = tuner_of(eager, 1, tracking=tracker)
    tuner.search(X, y, **fit)
    assert "tracking: the server went away" in [str(warning.message) for warning in recwarn]
    assert len(list((Path(tuner.project_dir) / "pictures").iterdir())) == 1


def test_seeds_in_files_lead_to_the_initial_weights(tuner_of: TunerOf, pretended: Any) -> None:
    tracker = Told()
    tuner = tuner_of(pretended, tracking=tracker)
    tuner.search(verbose=0)
    for run in tracker.trials():
        exact = json.loads(run.files["trial.json"])
        spec = TrialSpec("", 0, {}, tuple(exact["seed"]), exact["attempt"])
        keras.utils.set_random_seed(spec.seed_for_keras())
        hp = keras_tuner.HyperParameters()
        hp.values = exact["values"]
        expected = pretended.build(hp).get_weights()[0]
        stored = tuner.best_weights.load(exact["trial_id"]).arrays[0]
        np.testing.assert_array_equal(stored, expected)
