"""A trial that fails costs that trial only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

import trialstack
from trialstack.errors import AllTrialsFailedError, DataError
from trialstack.executors.reason import MOST_CHARACTERS, reason_of
from trialstack.tracking.memory import MemoryTracker
from trialstack.tuners.search_run import PARENT

TunerOf = Callable[..., Any]
Scores = Callable[[Any], dict[str, float | None]]


class Failing(keras_tuner.HyperModel):
    """Fails in the trainings of the given numbers, counted from 0, in the given way."""

    def __init__(self, inner: Any, way: Any, *numbers: int) -> None:
        super().__init__()
        self.inner = inner
        self.way = way
        self.numbers = numbers
        self.count = -1
        self.seeds: list[float] = []

    def build(self, hp: Any) -> keras.Model:
        model = self.inner.build(hp)
        if self.way == "build" and hp.get("bonus") > 0.5:
            raise ValueError("cannot be built\nbecause of this")
        return model

    def fit(self, hp: Any, model: Any, *args: Any, callbacks: Any, **kwargs: Any) -> Any:
        self.count += 1
        self.seeds.append(float(np.abs(model.get_weights()[0]).mean()))
        if self.count in self.numbers:
            if isinstance(self.way, Exception):
                raise self.way
            if isinstance(self.way, dict):
                for callback in callbacks:
                    callback.set_model(model)
                for epoch in range(2):
                    logs = {"loss": 1.0, "val_score": 0.5} | (self.way if epoch else {})
                    for callback in callbacks:
                        callback.on_epoch_end(epoch, logs)
            if isinstance(self.way, float):
                return self.way
        return self.inner.fit(hp, model, *args, callbacks=callbacks, **kwargs)


SCORE = keras_tuner.Objective("val_score", "max")
RAISED = ValueError("no\nsecond line")


class TestOneTrial:
    @pytest.mark.parametrize(
        ("way", "reason"),
        [
            (RAISED, "ValueError: no"),
            (ValueError(), "ValueError"),
            (MemoryError("too big"), "MemoryError: too big"),
            ({"loss": math.nan}, "loss became nan in epoch 1"),
            ({"loss": math.inf}, "loss became inf in epoch 1"),
            ({"val_loss": math.nan}, "val_loss became nan in epoch 1"),
            ({"val_score": math.inf}, "val_score became inf in epoch 1"),
            (math.inf, "val_score became inf"),
            (-math.inf, "val_score became -inf"),
            (math.nan, "val_score became nan"),
            (RuntimeError("byte \udcff of a name"), r"RuntimeError: byte \udcff of a name"),
        ],
    )
    def test_it_fails_with_its_reason_and_changes_no_other(
        self, tuner_of: TunerOf, scores: Scores, pretended: Any, way: Any, reason: str
    ) -> None:
        arguments: dict[str, Any] = {"objective": SCORE}
        good = tuner_of(pretended, 3, project_name="good", **arguments)
        good.search(verbose=0)
        tracker = MemoryTracker()
        hypermodel = Failing(pretended, way, 1)
        tuner = tuner_of(hypermodel, 3, tracking=tracker, **arguments)
        tuner.search(verbose=0)

        assert scores(tuner) == scores(good) | {"1": None}
        assert [trial.status for trial in tuner.oracle.trials.values()] == [
            "COMPLETED",
            "FAILED",
            "COMPLETED",
        ]
        (entry,) = tuner.journal.of("failed")
        assert (entry["trial_id"], entry["reason"]) == ("1", reason)
        assert "Traceback" in entry["traceback"]
        run = tracker["trial/1"]
        assert run.status == "FAILED"
        assert run.tags["trialstack.error"] == reason
        assert run.tags["trialstack.stopped_by"] == "error"
        assert b"Traceback" in run.files["traceback.txt"]
        assert run.metrics["epochs_run"][0] == len(entry["history"].get("loss", []))
        assert run.params == tracker["trial/0"].params | run.params
        assert "best_val_score" not in run.metrics
        assert tracker[PARENT].status == "FINISHED"
        assert tuner.get_best_hyperparameters()[0] is not None
        assert tuner.oracle.get_best_trials()[0].status == "COMPLETED"

    def test_what_it_did_until_then_is_kept(self, tuner_of: TunerOf, pretended: Any) -> None:
        tracker = MemoryTracker()
        hypermodel = Failing(pretended, {"val_score": math.nan}, 0)
        tuner = tuner_of(hypermodel, 2, tracking=tracker, objective=SCORE)
        tuner.search(verbose=0)
        (entry,) = tuner.journal.of("failed")
        assert entry["history"] == {"loss": [1.0, 1.0], "val_score": [0.5, "NaN"]}
        logged = tracker["trial/0"].metrics["val_score"]
        assert logged[0] == 0.5
        assert math.isnan(logged[1])

    def test_a_model_that_cannot_be_built(self, tuner_of: TunerOf, pretended: Any) -> None:
        tracker = MemoryTracker()
        hypermodel = Failing(pretended, "build")
        tuner = tuner_of(hypermodel, 6, objective=SCORE, tracking=tracker)
        tuner.search(verbose=0)
        failed = list(tuner.journal.of("failed"))
        assert 0 < len(failed) < 6
        for entry in failed:
            assert entry["reason"] == "ValueError: cannot be built"
            assert entry["values"]["bonus"] > 0.5
            assert tracker[f"trial/{entry['trial_id']}"].params.keys() == {"units", "bonus"}

    def test_an_oversized_model_is_not_tried_again(self, tuner_of: TunerOf, pretended: Any) -> None:
        tuner = tuner_of(pretended, 2, max_model_size=1, max_retries_per_trial=3)
        with pytest.raises(AllTrialsFailedError, match=r"Oversized model: \d+ parameters"):
            tuner.search(verbose=0)
        assert len(list(tuner.journal.of("failed"))) == 2

    def test_a_real_divergence(
        self, tuner_of: TunerOf, scores: Scores, X: Any, y: Any, fit: dict[str, Any]
    ) -> None:
        def build(hp: Any) -> keras.Model:
            rate = hp.Choice("rate", [0.01, 1e30])
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
            return model

        tuner = tuner_of(build, 2, objective=keras_tuner.Objective("val_loss", "min"))
        tuner.search(X, y, batch_size=10, **fit)
        by_rate = {
            trial.hyperparameters.values["rate"]: scores(tuner)[trial_id]
            for trial_id, trial in tuner.oracle.trials.items()
        }
        assert by_rate[0.01] is not None
        assert by_rate[1e30] is None


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("it cannot tell")


CALLING = "Exception encountered when calling Sequential.call().\n\n\x1b[1m{}\x1b[0m\n\n"
RECEIVED = "Arguments received by Sequential.call():\n  \u2022 inputs=tf.Tensor(shape=(None, 2))"
INFERRING = (
    "Could not automatically infer the output shape / dtype of 'own' (of type Own). Either the "
    "`Own.call()` method is incorrect, or you need to implement it. Error encountered:\n\n{}"
)
DETECTED = (
    "Detected at node loss/Log defined at (most recent call last):\n"
    '  File "train.py", line 24, in <module>\n\n  File "train.py", line 3, in show\n\n'
)
GRAPH = f"Graph execution error:\n\n{DETECTED}"
NODE = "\n\t [[{{node loss/Log}}]] [Op:__inference_step_343]"


class TestReason:
    """The line that is shown of an error; texts are as Keras 3 and TensorFlow 2 make them."""

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("no rows\nsecond line", "no rows"),
            ("\n\n  no rows\r\nsecond line", "no rows"),
            ("\x1b[31;1mno\x1b[0m rows", "no rows"),
            ("calling it failed:\nno rows", "calling it failed:"),
            (
                CALLING.format("Input 0 of it is 2 wide\nnot 3") + RECEIVED,
                "Input 0 of it is 2 wide",
            ),
            (CALLING.format(INFERRING.format("2 and 7 differ")) + RECEIVED, "2 and 7 differ"),
            # Errors without a text of their own
            (
                CALLING.format("") + RECEIVED,
                "Exception encountered when calling Sequential.call().",
            ),
            (
                CALLING.format(INFERRING.format("")) + RECEIVED,
                INFERRING.format("").strip(),
            ),
            (f"{GRAPH}Received a label value of 7{NODE}", "Received a label value of 7"),
            (
                f"{GRAPH}{DETECTED}2 root error(s) found.\n  (0) INVALID_ARGUMENT:  a label of 7"
                f"{NODE}\n  (1) CANCELLED:  stopped",
                "(0) INVALID_ARGUMENT:  a label of 7",
            ),
            ("Graph execution error:", "Graph execution error:"),
        ],
    )
    def test_it_is_the_first_line_that_names_the_cause(self, text: str, reason: str) -> None:
        assert reason_of(ValueError(text)) == f"ValueError: {reason}"
        assert reason_of(ValueError(text), named=False) == reason
        if "\n" in text.strip():
            assert reason_of(KeyError(text)) == f"KeyError: {reason}"

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (KeyError("units"), "KeyError: 'units'"),
            (KeyError(), "KeyError"),
            (ValueError(" \n\x1b[0m\n"), "ValueError"),
            (ValueError("two", 2), "ValueError: ('two', 2)"),
            (MuteError(), "MuteError"),
        ],
    )
    def test_an_error_with_little_to_say(self, error: Exception, reason: str) -> None:
        assert reason_of(error) == reason

    def test_a_long_one_is_cut(self) -> None:
        full = "x" * (MOST_CHARACTERS - len("ValueError: "))
        assert reason_of(ValueError(full)) == f"ValueError: {full}"
        cut = reason_of(ValueError(full + "x"))
        assert cut == f"ValueError: {full[:-3]}..."
        assert len(cut) == MOST_CHARACTERS == 500

    def test_keras_own_errors(self, tuner_of: TunerOf, X: Any, y: Any, fit: dict[str, Any]) -> None:
        def build(hp: Any) -> keras.Model:
            hp.Int("units", 2, 9)
            model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="first")])
            model.compile("sgd", "mse")
            return model

        tracker = MemoryTracker()
        with pytest.raises(AllTrialsFailedError, match="the only trial failed: ValueError: Input"):
            tuner_of(build, 1, tracking=tracker).search(X, y, **fit)
        reason = tracker["trial/0"].tags["trialstack.error"]
        assert reason.startswith("ValueError: Input 0 ")
        assert "of layer 'first' is incompatible with the layer" in reason
        assert "\x1b" not in reason


class TestDefaults:
    """A hypermodel that cannot be built with its default hyperparameters."""

    @staticmethod
    def hypermodel(pretended: Any, least: float, named_first: bool = True) -> Any:
        class Demanding(keras_tuner.HyperModel):
            def build(self, hp: Any) -> keras.Model:
                if named_first and hp.Int("units", 2, 9) <= least:
                    raise ValueError("too few units")
                if not named_first and not hp.values:
                    raise ValueError("nothing to build with")
                return pretended.build(hp)

            def fit(self, *args: Any, **kwargs: Any) -> Any:
                return pretended.fit(*args, **kwargs)

        return Demanding()

    def test_the_trials_that_can_be_built_are_trained(
        self, tuner_of: TunerOf, scores: Scores, pretended: Any
    ) -> None:
        arguments = {"objective": SCORE, "needs_default_build": False}
        tuner = tuner_of(self.hypermodel(pretended, 4), 8, **arguments)
        tuner.search(verbose=0)
        trials = tuner.oracle.trials.values()
        for trial in trials:
            failed = trial.hyperparameters.get("units") <= 4
            assert trial.status == ("FAILED" if failed else "COMPLETED")
        assert {trial.status for trial in trials} == {"FAILED", "COMPLETED"}
        assert {e["reason"] for e in tuner.journal.of("failed")} == {"ValueError: too few units"}
        # What the failed build did not come to name is tuned as soon as a trial has named it.
        assert len({trial.hyperparameters.values.get("bonus") for trial in trials}) > 3
        again = tuner_of(self.hypermodel(pretended, 4), 8, **arguments)
        again.search(verbose=0)
        assert scores(again) == scores(tuner)

    @pytest.mark.parametrize("named_first", [True, False])
    def test_if_none_can_the_search_ends_as_if_their_trainings_had_failed(
        self, tuner_of: TunerOf, pretended: Any, named_first: bool
    ) -> None:
        hypermodel = self.hypermodel(pretended, 9, named_first)
        tuner = tuner_of(hypermodel, 2, objective=SCORE, needs_default_build=False)
        with pytest.raises(AllTrialsFailedError, match=r"failed(; the first)?: ValueError: "):
            tuner.search(verbose=0)

    def test_in_a_script_it_is_an_error_as_in_keras_tuner(
        self, tuner_of: TunerOf, pretended: Any
    ) -> None:
        with pytest.raises(ValueError, match="too few units"):
            tuner_of(self.hypermodel(pretended, 4), objective=SCORE)


class TestRetries:
    def test_a_healthy_retry_counts(
        self, tuner_of: TunerOf, scores: Scores, pretended: Any
    ) -> None:
        """Keras Tuner keeps the NaN of the first attempt beside the score of the second."""
        tracker = MemoryTracker()
        hypermodel = Failing(pretended, math.nan, 1)
        tuner = tuner_of(hypermodel, 3, tracking=tracker, objective=SCORE, max_retries_per_trial=1)
        tuner.search(verbose=0)
        assert [trial.status for trial in tuner.oracle.trials.values()] == ["COMPLETED"] * 3
        assert None not in scores(tuner).values()
        assert len(set(hypermodel.seeds)) == 4, "a retry starts from other weights"
        assert (tracker["trial/1"].status, tracker["trial/1/retry-1"].status) == (
            "FAILED",
            "FINISHED",
        )
        assert tracker["trial/1/retry-1"].tags["trialstack.attempt"] == "1"
        (retried,) = (e for e in tuner.journal.of("finished") if e["trial_id"] == "1")
        assert retried["attempt"] == 1
        # ... nor do the others change their seeds.
        plain = tuner_of(pretended, 3, project_name="plain", objective=SCORE)
        plain.search(verbose=0)
        assert (scores(plain)["0"], scores(plain)["2"]) == (scores(tuner)["0"], scores(tuner)["2"])
        assert scores(plain)["1"] != scores(tuner)["1"]

    def test_all_retries_fail(self, tuner_of: TunerOf, pretended: Any) -> None:
        tracker = MemoryTracker()
        hypermodel = Failing(pretended, RAISED, 0, 1, 2)
        tuner = tuner_of(hypermodel, 2, tracking=tracker, objective=SCORE, max_retries_per_trial=2)
        tuner.search(verbose=0)
        assert [trial.status for trial in tuner.oracle.trials.values()] == ["FAILED", "COMPLETED"]
        keys = ["trial/0", "trial/0/retry-1", "trial/0/retry-2", "trial/1"]
        assert [run.key for run in tracker.runs[1:]] == keys
        again = tuner_of(pretended, 2, objective=SCORE)
        assert again.oracle._run_times["0"] == 3
        assert again.oracle.trials["0"].status == "FAILED"


class TestTheSearch:
    def test_if_all_fail_the_first_reason_is_told(self, tuner_of: TunerOf, pretended: Any) -> None:
        tracker = MemoryTracker()
        tuner = tuner_of(Failing(pretended, RAISED, 0, 1, 2), tracking=tracker, objective=SCORE)
        with pytest.raises(AllTrialsFailedError) as raised:
            tuner.search(verbose=0)
        assert str(raised.value).startswith("all 3 trials failed; the first: ValueError: no; mend")
        assert raised.value.exit_code == 1
        assert tracker[PARENT].status == "FAILED"
        assert [run.status for run in tracker.runs[1:]] == ["FAILED"] * 3
        assert b"ValueError: no" in tracker[PARENT].files["leaderboard.csv"]

    def test_keras_tuners_limit_of_failures_in_a_row_is_there_on_demand(
        self, tuner_of: TunerOf, pretended: Any
    ) -> None:
        tracker = MemoryTracker()
        hypermodel = Failing(pretended, RAISED, 1, 3, 4)
        arguments: dict[str, Any] = {"objective": SCORE, "max_consecutive_failed_trials": 2}
        tuner = tuner_of(hypermodel, 6, tracking=tracker, **arguments)
        with pytest.raises(RuntimeError, match=r"exceeded the limit of 2\.\nTraceback"):
            tuner.search(verbose=0)
        assert len(list(tuner.journal.of("failed"))) == 3
        assert [run.status for run in tracker.runs] == [
            "FAILED",
            *("FINISHED", "FAILED", "FINISHED", "FAILED", "FAILED"),
        ]
        # What was wrong is mended, and the search goes on.
        again = tuner_of(pretended, 6, **arguments)
        again.search(verbose=0)
        assert [trial.status for trial in again.oracle.trials.values()] == [
            *("COMPLETED", "FAILED", "COMPLETED", "FAILED", "FAILED"),
            "COMPLETED",
        ]

    def test_many_failures_in_a_row_are_no_reason_to_stop(
        self, tuner_of: TunerOf, pretended: Any
    ) -> None:
        hypermodel = Failing(pretended, RAISED, *range(5))
        tuner = tuner_of(hypermodel, 6, objective=SCORE)
        tuner.search(verbose=0)
        assert tuner.oracle.trials["5"].status == "COMPLETED"
        resumed = tuner_of(pretended, 7, objective=SCORE)
        resumed.search(verbose=0)
        assert resumed.oracle.trials["6"].status == "COMPLETED"

    def test_an_objective_that_is_not_produced_is_one_clear_error(
        self, tuner_of: TunerOf, eager: Any, X: Any, y: Any, fit: dict[str, Any]
    ) -> None:
        tuner = tuner_of(eager, objective=keras_tuner.Objective("val_auc", "max"))
        with pytest.raises(keras_tuner.errors.FatalValueError) as raised:
            tuner.search(X, y, **fit)
        assert str(raised.value).startswith(
            "objective 'val_auc' is not among the metrics of the training: accuracy, loss, "
            "val_accuracy, val_loss; compile the model with it"
        )
        assert len(tuner.oracle.trials) == 1

    @pytest.mark.parametrize(
        ("result", "error"),
        [
            (None, "Did you forget to return"),
            ("text", "to be one of float"),
            ({"other": 1.0}, "val_score"),
        ],
    )
    def test_a_result_that_is_none_is_an_error_of_the_program(
        self, tuner_of: TunerOf, result: Any, error: str
    ) -> None:
        class Own(trialstack.RandomSearch):
            def run_trial(self, trial: Any) -> Any:
                return result

        tuner = tuner_of(None, kind=Own, objective=SCORE)
        with pytest.raises(keras_tuner.errors.FatalError, match=error):
            tuner.search()

    def test_a_build_function_that_returns_no_model_is_an_error_of_the_program(
        self, tuner_of: TunerOf
    ) -> None:
        with pytest.raises(keras_tuner.errors.FatalTypeError, match="valid Keras Model"):
            tuner_of(lambda hp: hp.Int("x", 0, 9)).search(verbose=0)

    def test_callbacks_that_cannot_be_copied_are_an_error_of_the_program(
        self, tuner_of: TunerOf, eager: Any, X: Any, y: Any, fit: dict[str, Any]
    ) -> None:
        callback = keras.callbacks.Callback()
        callback.generator = (number for number in range(3))
        with pytest.raises(keras_tuner.errors.FatalValueError, match="deep-copyable"):
            tuner_of(eager).search(X, y, callbacks=[callback], **fit)

    def test_our_own_errors_are_not_taken_for_a_trials(
        self, tuner_of: TunerOf, pretended: Any
    ) -> None:
        tracker = MemoryTracker()
        hypermodel = Failing(pretended, DataError("rows"), 1)
        tuner = tuner_of(hypermodel, tracking=tracker, objective=SCORE)
        with pytest.raises(DataError):
            tuner.search(verbose=0)
        assert [run.status for run in tracker.runs] == ["FAILED", "FINISHED", "KILLED"]

    @pytest.mark.parametrize("what", ["full disk", "broken plot"])
    def test_an_error_of_the_search_closes_its_runs(
        self, tuner_of: TunerOf, pretended: Any, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        def broken(*_: Any, **__: Any) -> None:
            raise OSError(28, what)

        tracker = MemoryTracker()
        tuner = tuner_of(pretended, tracking=tracker)
        if what == "full disk":
            monkeypatch.setattr("trialstack.tuners.weights.BestWeights.offer", broken)
        else:
            monkeypatch.setattr("trialstack.tuners.tracked.summarize", broken)
        with pytest.raises(OSError, match=what):
            tuner.search(verbose=0)
        assert "RUNNING" not in {run.status for run in tracker.runs}
        assert tracker._closed
        monkeypatch.undo()
        again = tuner_of(pretended, tracking=MemoryTracker(tracker.runs))
        again.search(verbose=0)
        assert [trial.status for trial in again.oracle.trials.values()] == ["COMPLETED"] * 3
