from __future__ import annotations

import copy
import math
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
from keras_tuner.src.engine.objective import create_objective

from trialstack.trials import EpochBlock, Event, Objective
from trialstack.tuners.recording import Execution, ExecutionRecorder, TrialDiverged, stopped_by

AUC = Objective("val_auc", "max")
LOSS = Objective("val_loss", "min")


def execution(objective: Objective = AUC, told: list[Event] | None = None) -> Execution:
    return Execution("7", 1, objective, (told if told is not None else []).append)


def improvements(of: Execution, name: str, curve: list[float]) -> list[bool]:
    return [of.add({"loss": 1.0, name: value}) for value in curve]


class TestBestEpoch:
    def test_the_first_of_equal_epochs_is_the_best(self) -> None:
        recorded = execution()
        assert improvements(recorded, "val_auc", [0.5, 0.7, 0.7, 0.6, 0.8, 0.8]) == [
            True,
            True,
            False,
            False,
            True,
            False,
        ]
        assert (recorded.best_epoch, recorded.best_value) == (4, 0.8)

    def test_downwards(self) -> None:
        recorded = execution(LOSS)
        assert improvements(recorded, "val_loss", [0.7, 0.8, 0.4, 0.5]) == [
            True,
            False,
            True,
            False,
        ]
        assert (recorded.best_epoch, recorded.best_value) == (2, 0.4)

    def test_without_the_objective_the_last_epoch_counts(self) -> None:
        recorded = execution()
        assert improvements(recorded, "accuracy", [0.9, 0.1]) == [True, True]
        assert (recorded.best_epoch, recorded.best_value) == (1, -math.inf)


class TestRows:
    def test_epochs_are_told_as_they_come_and_counted_from_zero(self) -> None:
        told: list[Event] = []
        recorded = execution(told=told)
        rows = [{"loss": 1.0}, {"loss": 0.9, "val_auc": 0.6}]
        for row in rows:
            recorded.add(row)
        assert all(isinstance(event, EpochBlock) for event in told)
        assert [(e.trial_id, e.execution, e.first_epoch, list(e.rows)) for e in told] == [
            ("7", 1, 0, rows[:1]),
            ("7", 1, 1, rows[1:]),
        ]
        assert [len(event.times) for event in told] == [1, 1]

    def test_a_metric_that_an_epoch_lacks_is_nan_there(self) -> None:
        recorded = execution()
        recorded.add({"loss": 1.0})
        recorded.add({"loss": 0.9, "val_auc": 0.6})
        assert recorded.history["loss"] == [1.0, 0.9]
        assert math.isnan(recorded.history["val_auc"][0])
        assert recorded.history["val_auc"][1] == 0.6


class TestDivergence:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("name", ["loss", "val_loss", "val_auc"])
    def test_loss_and_objective_must_be_finite(self, name: str, value: float) -> None:
        recorded = execution()
        recorded.add({"loss": 1.0})
        with pytest.raises(TrialDiverged, match=rf"^{name} became {value} in epoch 1$"):
            recorded.add({"loss": 0.9} | {name: value})
        assert len(recorded.rows) == 2, "the epoch that shows it is kept and told"

    def test_other_metrics_may_be_anything(self) -> None:
        execution().add({"loss": 1.0, "val_auc": 0.5, "perplexity": math.inf})


class Model:
    """What the recorder sees of a Keras model."""

    def __init__(self) -> None:
        self.value = 0.0

    def get_weights(self) -> list[np.ndarray]:
        return [np.array(self.value)]


class TestRecorder:
    def recorder(self, objective: Any) -> tuple[ExecutionRecorder, Execution, Model]:
        recorded = execution(Objective(objective.name, objective.direction))
        recorder, model = ExecutionRecorder(recorded, objective), Model()
        recorder.set_model(model)
        return recorder, recorded, model

    def test_the_weights_of_the_best_epoch_are_kept(self) -> None:
        recorder, recorded, model = self.recorder(keras_tuner.Objective("val_auc", "max"))
        for epoch, value in enumerate([0.5, 0.9, 0.7]):
            model.value = epoch + 100.0
            recorder.on_epoch_end(epoch, {"loss": np.float32(1.0), "val_auc": np.float64(value)})
        assert recorded.best_weights == [np.array(101.0)]
        assert recorded.model is model
        assert {type(value) for row in recorded.rows for value in row.values()} == {float}

    def test_several_objectives_count_as_the_number_that_keras_tuner_makes(self) -> None:
        objective = create_objective(
            [keras_tuner.Objective("val_auc", "max"), keras_tuner.Objective("val_loss", "min")]
        )
        recorder, recorded, _ = self.recorder(objective)
        recorder.on_epoch_end(0, {"loss": 1.0, "val_auc": 0.75, "val_loss": 0.5})
        recorder.on_epoch_end(1, {"loss": 1.0, "val_auc": 0.75, "val_loss": 0.25})
        assert [row[objective.name] for row in recorded.rows] == [-0.25, -0.5]
        assert recorded.best_epoch == 1

    def test_a_copy_is_itself_for_what_it_records_has_to_be_found(self) -> None:
        recorder, _, _ = self.recorder(keras_tuner.Objective("val_auc", "max"))
        assert copy.deepcopy([recorder]) == [recorder]


class TestStoppedBy:
    def test_early_stopping_on_a_hand_written_curve(self) -> None:
        """Patience 2: no gain after epoch 2, so epochs 3 and 4 are waited for."""
        stopping = keras.callbacks.EarlyStopping("val_auc", patience=2, mode="max")
        stopping.set_model(Model())
        stopping.on_train_begin()
        epochs = 0
        for epoch, value in enumerate([0.5, 0.6, 0.7, 0.7, 0.65, 0.9]):
            epochs += 1
            stopping.on_epoch_end(epoch, {"val_auc": value})
            if getattr(stopping.model, "stop_training", False):
                break
        assert epochs == 5
        others = [keras.callbacks.Callback(), stopping]
        assert stopped_by(others, 50, epochs) == "EarlyStopping"
        assert stopped_by(others, 5, epochs) == "epochs"

    def test_all_epochs(self) -> None:
        assert stopped_by([], 3, 3) == "epochs"
        assert stopped_by([], None, 3) == "epochs"

    def test_somebody_set_stop_training(self) -> None:
        assert stopped_by([keras.callbacks.Callback()], 3, 2) == "stop_training"
