"""`trialstack.RandomSearch` in a Keras Tuner script: what is overridden there must work here."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

import trialstack
from trialstack.executors.batch_order import epoch_order
from trialstack.executors.one_by_one import OneByOneExecutor
from trialstack.tracking.memory import MemoryTracker
from trialstack.trials import TrialSpec

TunerOf = Callable[..., Any]
Scores = Callable[[Any], dict[str, float | None]]
MEAN = keras_tuner.Objective("score", "max")


@pytest.fixture(autouse=True)
def _in_tmp(in_tmp: Path) -> None:
    """A tuner without directory writes into the current one."""


class TestDropIn:
    def test_it_is_a_keras_tuner_random_search(self, tuner_of: TunerOf) -> None:
        assert issubclass(trialstack.RandomSearch, keras_tuner.RandomSearch)
        assert isinstance(tuner_of().oracle, keras_tuner.oracles.RandomSearchOracle)

    def test_it_draws_what_keras_tuner_draws(self, tmp_path: Path, tuner_of: TunerOf) -> None:
        class Stock(keras_tuner.RandomSearch):
            def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
                return float(trial.hyperparameters.values["units"])

        class Ours(trialstack.RandomSearch):
            run_trial = Stock.run_trial

        drawn = []
        for kind in (Stock, Ours):
            more = {"tracking": None} if kind is Ours else {}
            tuner = kind(
                tuner_of.__globals__["build"],
                keras_tuner.Objective("val_accuracy", "max"),
                max_trials=8,
                seed=5,
                directory=tmp_path / kind.__name__,
                **more,
            )
            tuner.search(verbose=0)
            drawn.append([trial.hyperparameters.values for trial in tuner.oracle.trials.values()])
            best = tuner.get_best_hyperparameters(2)
            assert best[0].values["units"] >= best[1].values["units"]
        assert drawn[0] == drawn[1]

    def test_a_hypermodel_or_run_trial_is_needed(self) -> None:
        with pytest.raises(ValueError, match="hypermodel=None"):
            trialstack.RandomSearch(objective="val_loss", tracking=None)

    def test_wrong_arguments_are_refused(self, tuner_of: TunerOf) -> None:
        with pytest.raises(ValueError, match="nonsense"):
            tuner_of(nonsense=1)

    def test_its_own_project_folder_by_default(self, in_tmp: Path, pretended: Any) -> None:
        tuner = trialstack.RandomSearch(
            pretended, keras_tuner.Objective("val_score", "max"), max_trials=1, tracking=None
        )
        tuner.search(verbose=0)
        assert (in_tmp / "untitled_project" / "journal.jsonl").exists()

    @pytest.mark.parametrize("tuner_id", [None, "worker-1"])
    def test_a_tuner_id_does_not_hinder_reloading(
        self, tuner_of: TunerOf, pretended: Any, tuner_id: str | None
    ) -> None:
        tuner_of(pretended, tuner_id=tuner_id).search(verbose=0)
        again = tuner_of(pretended, tuner_id=tuner_id)
        assert len(again.oracle.trials) == 3
        assert tuner_of(pretended, tuner_id="another").remaining_trials == 0

    def test_the_printed_summaries_work(
        self, tuner_of: TunerOf, pretended: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tuner = tuner_of(pretended, trials=2)
        tuner.search()
        tuner.search_space_summary()
        tuner.results_summary()
        printed = capsys.readouterr().out
        assert "Search: Running Trial #2" in printed
        assert "Best val_score So Far" in printed
        assert "bonus (Float)" in printed
        assert "Score: " in printed

    def test_a_small_space_ends_the_search(self, tuner_of: TunerOf) -> None:
        class Three(trialstack.RandomSearch):
            def run_trial(self, trial: Any) -> float:
                return float(trial.hyperparameters.Choice("x", [1, 2, 3]))

        tuner = tuner_of(None, trials=50, kind=Three, objective=MEAN)
        tuner.search()
        drawn = [trial.hyperparameters.values["x"] for trial in tuner.oracle.trials.values()]
        assert sorted(drawn) == [1, 2, 3]
        assert tuner.journal.closed["reason"] == "space exhausted"

    def test_a_deadline_ends_the_asking(self, tuner_of: TunerOf, pretended: Any) -> None:
        tuner = tuner_of(pretended)
        tuner.deadline = 0.0  # long ago
        tuner.search(verbose=0)
        assert pretended.trained == []
        assert tuner.journal.closed["reason"] == "time limit"
        tuner.deadline = None
        tuner.search(verbose=0)
        assert len(pretended.trained) == 3

    def test_trials_that_wait_at_the_deadline_are_left_for_another_time(
        self, tuner_of: TunerOf, pretended: Any, scores: Scores, tmp_path: Path
    ) -> None:
        class AllAtOnce(OneByOneExecutor):
            """Asks for all trials before it begins the first."""

            def run(self, trials: Any, job: Any, tell: Any) -> None:
                for spec in list(trials):
                    if not job.out_of_time():
                        super().run(iter([spec]), job, tell)

        tuner = tuner_of(pretended, trials=4, executor=AllAtOnce())
        pretended.epoch = lambda training, _: setattr(tuner, "deadline", 0.0 if training else None)
        tuner.search(verbose=0)
        assert len(pretended.trained) == 2
        assert len(list(tuner.journal.of("asked"))) == 4
        assert tuner.journal.closed["reason"] == "time limit"
        for trials in (3, 4):
            later = tuner_of(pretended, trials=trials)
            later.search(verbose=0)
            assert len(pretended.trained) == trials
            assert later.journal.closed["reason"] == "max_trials"
        whole = tuner_of(type(pretended)(), trials=4, folder=tmp_path / "whole")
        whole.search(verbose=0)
        assert scores(later) == scores(whole)


class TestTraining:
    """Real trainings, and the numbers that come out of them."""

    def test_scores_are_those_of_training_by_hand_in_the_same_order(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        tuner = tuner_of(eager, trials=2, seed=11)
        tuner.search(X, y, batch_size=7, **fit)
        for number, trial in enumerate(tuner.oracle.trials.values()):
            spec = TrialSpec(trial.trial_id, number, {}, (11, number))
            keras.utils.set_random_seed(spec.seed_for_keras())
            model = eager(trial.hyperparameters)
            accuracies = []
            for epoch in range(fit["epochs"]):
                for start in range(0, 30, 7):
                    batch = epoch_order(11, epoch, 30)[start : start + 7]
                    model.train_on_batch(X[batch], y[batch])
                accuracies.append(model.evaluate(X[30:], y[30:], verbose=0)[1])
            assert trial.score == pytest.approx(max(accuracies), abs=1e-6)
            assert trial.best_step == int(np.argmax(accuracies))

    def test_the_same_search_twice_and_the_random_state_of_the_program(
        self, tmp_path: Path, tuner_of: TunerOf, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        """Dropout, lazily built layers and NumPy's global state included."""
        told: list[list[float]] = []

        class Noisy(keras_tuner.HyperModel):
            def build(self, hp: Any) -> keras.Model:
                hp.Int("unused", 0, 10**6)
                layers = [keras.layers.Dropout(0.5), Lazy(), keras.layers.Activation("sigmoid")]
                model = keras.Sequential(layers)
                loss = "binary_crossentropy"
                model.compile("sgd", loss, metrics=["accuracy"], run_eagerly=True)
                return model

            def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
                history = super().fit(hp, model, *args, **kwargs)
                weights = model.get_weights()[0].ravel().tolist()
                told[-1] += [*weights, *history.history["loss"], np.random.rand(), random.random()]
                return history

        for seed in (1, 2):
            told.append([])
            random.seed(seed)
            np.random.seed(seed)
            tuner = tuner_of(Noisy(), 2, tmp_path / str(seed))
            before = random.getstate(), np.random.get_state()[1].tolist()
            tuner.search(X, y, **fit)
            assert (random.getstate(), np.random.get_state()[1].tolist()) == before
        assert told[0] == told[1]
        half = len(told[0]) // 2
        assert all(a != b for a, b in zip(told[0][:half], told[0][half:], strict=True))

    def test_trials_with_equal_hyperparameters_start_from_different_weights(
        self, tuner_of: TunerOf
    ) -> None:
        sums = []

        class Twins(trialstack.RandomSearch):
            def run_trial(self, trial: Any) -> float:
                trial.hyperparameters.Int("number", 0, 10**6)
                model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
                sums.append(float(model.get_weights()[0].sum()))
                return 1.0

        for name in ("a", "b"):
            np.random.seed(len(name))
            tuner_of(None, kind=Twins, objective=MEAN, project_name=name).search()
        assert sums[:3] == sums[3:]
        assert len(set(sums)) == 3

    def test_callbacks_are_copied_for_every_training(
        self, tuner_of: TunerOf, eager: Any, X: Any, y: Any
    ) -> None:
        """A shared EarlyStopping would stop every trial that is worse than the first."""
        seen: list[Any] = []

        class Watching(keras.callbacks.Callback):
            def on_train_begin(self, logs: Any = None) -> None:
                self.epochs = 0

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                self.epochs += 1

            def on_train_end(self, logs: Any = None) -> None:
                seen.append(self)

        stopping = keras.callbacks.EarlyStopping("val_loss", patience=1, mode="min")
        watching = Watching()
        tuner = tuner_of(eager, trials=2, executions_per_trial=2)
        tuner.search(
            X, y, validation_split=0.25, epochs=2, verbose=0, callbacks=[stopping, watching]
        )
        assert len({id(callback) for callback in seen}) == 4
        assert watching not in seen
        assert all(callback.epochs >= 1 for callback in seen)
        assert getattr(stopping, "best", None) is None or not np.isfinite(stopping.best)

    def test_several_executions_are_averaged_and_start_differently(
        self, tuner_of: TunerOf, fit: dict[str, Any], X: Any, y: Any, eager: Any
    ) -> None:
        results: list[Any] = []
        starts: list[float] = []

        class Kept(trialstack.RandomSearch):
            def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
                results.append(super().run_trial(trial, *args, **kwargs))
                return results[-1]

            def _build_hypermodel(self, hp: Any) -> Any:
                model = super()._build_hypermodel(hp)
                if self._job is not None:
                    starts.append(float(np.abs(model.get_weights()[0]).mean()))
                return model

        tuner = tuner_of(eager, trials=2, kind=Kept, executions_per_trial=2)
        tuner.search(X, y, **fit)
        assert len(set(starts)) == 4
        for histories, trial in zip(results, tuner.oracle.trials.values(), strict=True):
            best = [max(history.history["val_accuracy"]) for history in histories]
            assert trial.score == pytest.approx(np.mean(best))
        (entry, _) = tuner.journal.of("finished")
        curves = [history.history["val_accuracy"] for history in results[0]]
        best = max(range(2), key=lambda index: (max(curves[index]), -index))
        assert entry["history"]["val_accuracy"] == pytest.approx(curves[best])

    def test_a_dataset_is_fed_as_it_is(self, tuner_of: TunerOf, eager: Any, X: Any, y: Any) -> None:
        data = tf.data.Dataset.from_tensor_slices((X, y)).batch(20)
        tuner = tuner_of(eager, trials=1)
        tuner.search(data, validation_data=data, epochs=1, verbose=0, shuffle=False)
        assert tuner.get_best_hyperparameters()

    def test_the_report_counts_them(self, tuner_of: TunerOf, pretended: Any) -> None:
        tuner = tuner_of(pretended)
        tuner.search(verbose=0)
        report = tuner.execution_report
        assert (report.stacked, report.one_by_one) == (0, 3)
        assert report.reasons == {"the one-by-one executor was chosen": 3}
        assert tuner.seconds > 0


class TestExecutors:
    """The choice of executor never changes a result."""

    @pytest.mark.parametrize("kind", ["built", "at the first batch", "needs its variables"])
    def test_a_custom_loop_is_not_trained_twice_on_one_model(
        self, tuner_of: TunerOf, scores: Scores, X: Any, y: Any, kind: str
    ) -> None:
        """Asking `HyperModel.fit` for its arguments runs all of it."""

        class Loop(keras_tuner.HyperModel):
            def build(self, hp: Any) -> keras.Model:
                layers = [keras.layers.Dense(hp.Int("units", 2, 9)), Lazy()]
                given = [keras.Input((2,))] if kind != "at the first batch" else []
                model = keras.Sequential([*given, *layers])
                if kind == "needs its variables":
                    assert isinstance(model.weights[0]._value, tf.Variable)
                model.compile("sgd", "mse", run_eagerly=True)
                return model

            def fit(self, hp: Any, model: Any, x: Any, y: Any, **_: Any) -> float:
                return float(np.ravel(model.train_on_batch(x, y))[0])

        arguments = {"objective": keras_tuner.Objective("first_loss", "min"), "trials": 2}
        found = []
        for executor in ("one-by-one", "auto"):
            tuner = tuner_of(Loop(), executor=executor, project_name=executor, **arguments)
            tuner.search(X, y.astype(np.float32), verbose=0)
            found.append(scores(tuner))
        assert found[0] == found[1]


class Lazy(keras.layers.Layer):
    """Draws its weights at the first batch."""

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], 1), initializer="glorot_uniform")

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(x, self.kernel)


class TestOverriding:
    @pytest.mark.parametrize("kind", ["float", "int", "dict", "numpy", "list"])
    def test_run_trial_may_return(self, tuner_of: TunerOf, kind: str) -> None:
        class Own(trialstack.RandomSearch):
            def run_trial(self, trial: Any, *_: Any, **__: Any) -> Any:
                x = trial.hyperparameters.Float("x", 0.0, 1.0)
                return {
                    "float": x,
                    "int": int(x > 2),
                    "dict": {"score": x, "other": 7},
                    "numpy": np.float32(x),
                    "list": [x, {"score": x + 1.0}],
                }[kind]

        tuner = tuner_of(None, kind=Own, objective=MEAN)
        tuner.search()
        for trial in tuner.oracle.trials.values():
            x = trial.hyperparameters.values["x"]
            wanted = {"int": 0.0, "list": x + 0.5, "numpy": float(np.float32(x))}.get(kind, x)
            assert trial.score == pytest.approx(wanted)

    @pytest.mark.filterwarnings("default::DeprecationWarning")
    def test_run_trial_may_tell_the_oracle_itself_for_now(
        self, tuner_of: TunerOf, recwarn: pytest.WarningsRecorder
    ) -> None:
        class Own(trialstack.RandomSearch):
            def run_trial(self, trial: Any, *_: Any, **__: Any) -> None:
                x = trial.hyperparameters.Float("x", 0.5, 1.0)
                self.oracle.update_trial(trial.trial_id, {"score": x / 2}, step=0)
                self.oracle.update_trial(trial.trial_id, {"score": x}, step=1)

        tuner = tuner_of(None, kind=Own, objective=MEAN)
        tuner.search()
        assert any("return the metrics" in str(warning.message) for warning in recwarn)
        for trial in tuner_of(None, kind=Own, objective=MEAN).oracle.trials.values():
            assert trial.score == trial.hyperparameters.values["x"]
            assert trial.best_step == 1

    def test_run_trial_may_return_histories_of_its_own_trainings(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        class Own(trialstack.RandomSearch):
            def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
                model = self.hypermodel.build(trial.hyperparameters)
                return [model.fit(*args, **kwargs) for _ in range(2)]

        tracker = MemoryTracker()
        tuner = tuner_of(eager, trials=1, kind=Own, tracking=tracker)
        tuner.search(X, y, **fit)
        (entry,) = tuner.journal.of("finished")
        assert len(entry["history"]["val_accuracy"]) == 2
        assert tracker["trial/0"].metrics["val_loss"].keys() == {0, 1}

    def test_run_trial_may_change_arguments_and_call_super(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        class Own(trialstack.RandomSearch):
            def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
                kwargs["epochs"] = trial.hyperparameters.Int("epochs", 1, 2)
                return super().run_trial(trial, *args, **kwargs)

        tuner = tuner_of(eager, kind=Own)
        tuner.search(X, y, **fit)
        for entry in tuner.journal.of("finished"):
            assert len(entry["history"]["loss"]) == entry["values"]["epochs"]
        assert tuner.get_best_models()

    def test_fit_may_tune_the_batch_size(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        steps: dict[int, int] = {}

        class Batches(keras_tuner.HyperModel):
            def build(self, hp: Any) -> keras.Model:
                return eager(hp)

            def fit(self, hp: Any, model: keras.Model, *args: Any, **kwargs: Any) -> Any:
                size = hp.Choice("batch_size", [5, 10, 30])
                history = model.fit(*args, batch_size=size, **kwargs)
                steps[size] = history.params["steps"]
                return history

        tracker = MemoryTracker()
        tuner = tuner_of(Batches(), trials=4, tracking=tracker)
        tuner.search(X, y, **fit)
        assert len(steps) > 1
        assert all(count == 30 // size for size, count in steps.items())
        sizes = [run.params["batch_size"] for run in tracker.runs[1:]]
        assert sizes == [str(e["values"]["batch_size"]) for e in tuner.journal.of("finished")]

    def test_the_custom_loop_of_keras_tuners_guide(
        self, tuner_of: TunerOf, eager: Any, X: Any, y: Any
    ) -> None:
        """It tells callbacks of epochs, but neither of the beginning nor of the end."""

        class Loop(keras_tuner.HyperModel):
            def build(self, hp: Any) -> keras.Model:
                return eager(hp)

            def fit(self, hp: Any, model: Any, x: Any, y: Any, callbacks: Any) -> float:
                for callback in callbacks:
                    callback.set_model(model)
                for epoch in range(3):
                    model.train_on_batch(x, y)
                    for callback in callbacks:
                        callback.on_epoch_end(epoch, logs={"score": epoch / 10})
                return 0.2

        tracker = MemoryTracker()
        tuner = tuner_of(Loop(), objective=MEAN, tracking=tracker, trials=1)
        tuner.search(X, y)
        (model,) = tuner.get_best_models()
        stored = tuner.best_weights.load("0").arrays
        np.testing.assert_array_equal(model.get_weights()[0], stored[0])
        assert tracker["trial/0"].metrics["score"] == {0: 0.0, 1: 0.1, 2: 0.2}
        assert list(tracker["trial/0"].images) == ["boundary_final"]

    def test_a_training_in_two_parts_is_one_curve(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        class Twice(keras_tuner.HyperModel):
            def build(self, hp: Any) -> keras.Model:
                return eager(hp)

            def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
                model.fit(*args, **kwargs)
                return model.fit(*args, **kwargs)

        tracker = MemoryTracker()
        tuner = tuner_of(Twice(), trials=1, tracking=tracker)
        tuner.search(X, y, **fit)
        (entry,) = tuner.journal.of("finished")
        assert len(entry["history"]["loss"]) == 4
        assert list(tracker["trial/0"].metrics["loss"]) == [0, 1, 2, 3]
        curve = entry["history"]["val_accuracy"]
        assert entry["best_epoch"] == curve.index(max(curve))

    def test_build_and_fit_model_may_be_overridden_as_autokeras_does(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        builds = []

        class Own(trialstack.RandomSearch):
            def _build_and_fit_model(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
                model = self._try_build(trial.hyperparameters)
                builds.append(model)
                return model.fit(*args, **kwargs)

        tuner = tuner_of(eager, trials=2, kind=Own)
        tuner.search(X, y, **fit)
        assert len(builds) == 2
        assert tuner.get_best_models()
        assert len(list(Path(tuner.project_dir).glob("trial_*/checkpoint.weights.h5"))) == 2

    def test_hooks_are_called_as_keras_tuner_calls_them(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        called: list[str] = []

        class Hooked(trialstack.RandomSearch):
            def on_search_begin(self) -> None:
                called.append("search begins")

            def on_search_end(self) -> None:
                called.append("search ends")

            def on_trial_begin(self, trial: Any) -> None:
                called.append(f"trial {trial.trial_id} begins")
                super().on_trial_begin(trial)

            def on_trial_end(self, trial: Any) -> None:
                super().on_trial_end(trial)
                called.append(f"trial {trial.trial_id} ends with {trial.status}")

            def on_epoch_begin(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
                called.append(f"epoch {epoch} begins")

            def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
                assert model.get_weights()
                assert "val_accuracy" in logs
                called.append(f"epoch {epoch} ends")

            def on_batch_end(self, trial: Any, model: Any, batch: int, logs: Any = None) -> None:
                called.append(f"batch {batch}")

        def build(hp: Any) -> keras.Model:
            called.append("build")
            return eager(hp)

        tuner = tuner_of(build, trials=1, kind=Hooked)
        called.clear()  # it is built to find the space
        tuner.search(X, y, **fit)
        epoch = ["epoch {0} begins", "batch 0", "epoch {0} ends"]
        assert called == [
            "search begins",
            "trial 0 begins",
            "build",
            *(line.format(number) for number in range(2) for line in epoch),
            "trial 0 ends with COMPLETED",
            "search ends",
        ]

    def test_a_method_may_be_set_on_the_object(self, tuner_of: TunerOf, pretended: Any) -> None:
        tuner = tuner_of(pretended)
        tuner.run_trial = lambda trial: {"val_score": trial.hyperparameters.get("bonus")}
        tuner.search()
        assert pretended.trained == []

    def test_several_objectives(self, tuner_of: TunerOf) -> None:
        class Own(trialstack.RandomSearch):
            def run_trial(self, trial: Any) -> dict[str, float]:
                x = trial.hyperparameters.Float("x", 0.0, 1.0)
                return {"val_auc": x, "val_loss": 0.5, "multi_objective": 0.5 - x}

        goals = [keras_tuner.Objective("val_auc", "max"), keras_tuner.Objective("val_loss", "min")]
        tuner = tuner_of(None, kind=Own, objective=goals)
        tuner.search()
        drawn = [trial.hyperparameters.values["x"] for trial in tuner.oracle.trials.values()]
        assert tuner.get_best_hyperparameters()[0].values["x"] == max(drawn)
        assert tuner_of(None, kind=Own, objective=goals).get_best_hyperparameters()[0].values[
            "x"
        ] == max(drawn)


class TestModels:
    def test_the_best_models_predict_as_they_did(
        self, tuner_of: TunerOf, eager: Any, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        tuner = tuner_of(eager)
        tuner.search(X, y, **fit)
        for trial, model in zip(
            tuner.oracle.get_best_trials(3), tuner.get_best_models(3), strict=True
        ):
            accuracy = model.evaluate(X[30:], y[30:], verbose=0)[1]
            assert accuracy == pytest.approx(trial.score)

    def test_a_model_that_builds_itself_at_the_first_batch(
        self, tuner_of: TunerOf, fit: dict[str, Any], X: Any, y: Any
    ) -> None:
        def build(hp: Any) -> keras.Model:
            model = keras.Sequential([keras.layers.Dense(hp.Int("units", 1, 9)), Lazy()])
            model.compile("sgd", "mse", metrics=["accuracy"], run_eagerly=True)
            return model

        tuner = tuner_of(build, trials=1)
        tuner.search(X, y, **fit)
        (model,) = tuner_of(build, trials=1).get_best_models()
        for array, stored in zip(
            model.get_weights(), tuner.best_weights.load("0").arrays, strict=True
        ):
            np.testing.assert_array_equal(array, stored)

    def test_a_model_beyond_the_best_ten_is_refused(
        self, tuner_of: TunerOf, pretended: Any
    ) -> None:
        tuner = tuner_of(pretended, trials=12)
        tuner.search(verbose=0)
        assert len(tuner.get_best_models(10)) == 10
        with pytest.raises(KeyError, match="best 10 trials are kept"):
            tuner.get_best_models(11)

    def test_in_a_new_process_without_mlflow(
        self, in_tmp: Path, tuner_of: TunerOf, pretended: Any
    ) -> None:
        """... which tracking=None must never import, nor anything tensorboard."""
        tuner = tuner_of(pretended, trials=2)
        tuner.search(verbose=0)
        program = f"""
import sys
import keras, keras_tuner, trialstack

def build(hp):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 2, 9))])
    model.compile("sgd", "mse")
    return model

def tuner(name):
    return trialstack.RandomSearch(
        build, keras_tuner.Objective("val_score", "max"), max_trials=2, tracking=None,
        directory={str(in_tmp)!r}, project_name=name,
    )

best = tuner("project")
print("best", float(best.get_best_models()[0].get_weights()[0].sum()))
new = tuner("new")
new.run_trial = lambda trial: float(trial.hyperparameters.values["units"])
new.search()
print("score", new.oracle.get_best_trials()[0].score)
print("imported", [name for name in sys.modules if name in ("mlflow", "tensorboard", "pyplot")])
"""
        ended = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        best = tuner.get_best_models()[0].get_weights()[0].sum()
        lines = dict(line.split(" ", 1) for line in ended.stdout.splitlines() if " " in line)
        assert float(lines["best"]) == pytest.approx(float(best), rel=1e-6)
        assert float(lines["score"]) >= 2
        assert lines["imported"] == "[]"


def test_two_processes_in_one_project_do_not_mix(tuner_of: TunerOf, pretended: Any) -> None:
    other = type(pretended)()

    def search_too(training: int, epoch: int) -> None:
        with pytest.raises(trialstack.errors.SearchHeldError, match="project 'project': process"):
            tuner_of(other).search(verbose=0)

    pretended.epoch = search_too
    tuner = tuner_of(pretended)
    tuner.search(verbose=0)
    assert other.trained == []
    assert len(tuner_of(pretended).oracle.get_best_trials(3)) == 3
