"""How the executor makes use of its room, and how executions become trials."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import pytest

from trialstack.errors import Interrupted
from trialstack.executors.stacked import executor as module
from trialstack.executors.stacked import padding
from trialstack.executors.stacked.executor import StackedExecutor
from trialstack.trials import EpochBlock, Event, Failed, Finished, Objective, Started, TrialSpec

X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
Y = (X[:, :1] > 0).astype(np.float32)
EPOCHS = 6


class Job:
    """What a search would say of its trials.

    Args:
        executions: Of every trial.
        rate: Learning rate of an execution.
        callbacks: Of every fit.
    """

    objective = Objective("val_loss", "min")
    search_seed = 1
    fit_args = ()
    fit_kwargs: Mapping[str, Any] = {}
    probe = None

    def __init__(
        self,
        executions: int = 1,
        rate: Callable[[TrialSpec], float] = lambda _: 0.1,
        callbacks: tuple[Any, ...] = (),
    ) -> None:
        self.executions = executions
        self._rate = rate
        self._callbacks = list(callbacks)

    def build(self, spec: TrialSpec) -> Any:
        keras.utils.set_random_seed(spec.seed_for_keras())
        layers = [keras.layers.Dense(2 + spec.number % 5, "tanh"), keras.layers.Dense(1, "sigmoid")]
        model = keras.Sequential([keras.Input((3,)), *layers])
        model.compile(keras.optimizers.SGD(self._rate(spec)), "binary_crossentropy")
        return model

    def described(self, spec: TrialSpec) -> tuple[Any, Mapping[str, Any]]:
        fit = {"x": X, "y": Y, "validation_split": 0.25, "epochs": EPOCHS, "batch_size": 6}
        return self.build(spec), fit | {"callbacks": self._callbacks}

    def train(self, spec: TrialSpec, tell: Any) -> Finished:
        raise AssertionError("everything here can be stacked")

    def failure(self, spec: TrialSpec, error: Exception) -> Failed:
        raise AssertionError("everything here can be stacked") from error

    def out_of_time(self) -> bool:
        return False


def specs(count: int) -> Iterator[TrialSpec]:
    return (TrialSpec(f"{k}", k, {}, (1, k)) for k in range(count))


def run(job: Job, count: int) -> list[Event]:
    events: list[Event] = []
    StackedExecutor().run(specs(count), job, events.append)
    return events


def finished(events: list[Event]) -> dict[str, Finished]:
    return {event.trial_id: event for event in events if isinstance(event, Finished)}


def most_open(events: list[Event]) -> int:
    """Most trials that were under way at a time."""
    now = most = 0
    for event in events:
        now += isinstance(event, Started) - isinstance(event, Finished | Failed)
        most = max(most, now)
    return most


@pytest.fixture(scope="module")
def alone() -> dict[str, Finished]:
    """All trials in the room for all of them."""
    return finished(run(Job(), 11))


def test_waiting_trials_take_the_room_of_those_that_end(
    alone: dict[str, Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "room_for", lambda plan, probe: 4)
    events = run(Job(), 11)
    assert most_open(events) == 4
    assert finished(events).keys() == alone.keys()
    for trial_id, expected in alone.items():
        np.testing.assert_allclose(
            finished(events)[trial_id].history["val_loss"], expected.history["val_loss"], 1e-5
        )


def test_how_far_an_epoch_is_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialstack.executors.stacked.feed.NUMBERS_OF_A_PIECE", 1)
    monkeypatch.setattr(module, "stacks_at_a_time", lambda: 1)
    executor, seen = StackedExecutor(), []
    count = module.Cohort._count

    def noted(*arguments: Any) -> None:
        seen.append(executor.epochs_passed)
        count(*arguments)

    monkeypatch.setattr(module.Cohort, "_count", noted)
    assert executor.epochs_passed is None
    executor.run(specs(2), Job(), lambda event: None)
    assert executor.epochs_passed is None
    # Three batches of 6 rows, and 6 rows of validation.
    assert seen == [epoch + rows / 24 for epoch in range(EPOCHS) for rows in (0, 6, 12, 18)]


@pytest.fixture
def trained_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two stacks at a time; names of the threads that train epochs."""
    monkeypatch.setattr(module, "stacks_at_a_time", lambda: 2)
    monkeypatch.setattr(padding, "STACK_COST", 1)
    names: list[str] = []
    train = module.Cohort.train

    def noted(self: Any) -> Any:
        names.append(threading.current_thread().name)
        return train(self)

    monkeypatch.setattr(module.Cohort, "train", noted)
    return names


def test_stacks_side_by_side_give_the_same(
    alone: dict[str, Finished], trained_in: list[str]
) -> None:
    events = run(Job(), 11)
    assert {name[: len("stack")] for name in trained_in} == {"stack"}
    assert list(finished(events)) == list(finished(run(Job(), 11)))  # in the same order every time
    for trial_id, expected in alone.items():
        np.testing.assert_allclose(
            finished(events)[trial_id].history["val_loss"], expected.history["val_loss"], 1e-5
        )


def test_an_error_of_a_search_ends_the_threads(trained_in: list[str]) -> None:
    def tell(event: Event) -> None:
        if isinstance(event, Finished):
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        StackedExecutor().run(specs(11), Job(), tell)
    assert trained_in
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stack_")]


def test_what_stops_is_told_at_once_and_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two diverge upwards and are stopped: their successors begin before the others end."""
    monkeypatch.setattr(module, "room_for", lambda plan, probe: 4)
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=1)
    job = Job(rate=lambda spec: 0.0 if spec.number < 2 else 0.1, callbacks=(stopping,))
    events = run(job, 6)
    order = [(type(event).__name__, event.trial_id) for event in events]
    assert order.index(("Finished", "0")) < order.index(("Finished", "2"))
    assert order.index(("Started", "4")) < order.index(("Finished", "2"))
    assert {finished(events)[k].stopped_by for k in "01"} == {"EarlyStopping"}
    assert finished(events)["2"].stopped_by == "epochs"


def test_after_the_time_limit_no_waiting_trial_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is up once the first of them ends; what is under way is trained to its end."""
    monkeypatch.setattr(module, "room_for", lambda plan, probe: 4)
    ended: list[str] = []

    class Limited(Job):
        def out_of_time(self) -> bool:
            return bool(ended)

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            assert not ended
        if isinstance(event, Finished):
            ended.append(event.trial_id)

    StackedExecutor().run(specs(11), Limited(), tell)
    assert sorted(ended) == ["0", "1", "2", "3"]


def test_padding_is_in_the_debug_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "trialstack"):
        run(Job(), 2)
    # Widths 2 and 3: 3 * 2 + 2 + 2 + 1 = 11 and 16 weights, in a stack of 16 each.
    assert "stack of 2 trials, padding 19 %" in caplog.text


def test_what_a_broken_stack_has_told_is_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fitted(Job):
        def train(self, spec: TrialSpec, tell: Any) -> Finished:
            for epoch in range(0, EPOCHS, 2):
                rows = [{"val_loss": float(epoch)}, {"val_loss": float(epoch + 1)}]
                tell(EpochBlock(spec.trial_id, epoch, rows, [0.0, 0.0]))
            return Finished(spec.trial_id, 0.0, {}, {"val_loss": 0.5}, 0)

    real = module.Cohort._epoch_rows

    def breaks_in_the_fourth_epoch(self: Any) -> Any:
        if self._epoch == 3:
            raise MemoryError
        return real(self)

    monkeypatch.setattr(module.Cohort, "_epoch_rows", breaks_in_the_fourth_epoch)
    monkeypatch.setattr("trialstack.executors.stacked.cohort.TELL_EVERY", 0.0)
    monkeypatch.setattr("trialstack.executors.stacked.cohort.TELLING_TAKES", 0.0)
    events = run(Fitted(), 1)
    blocks = [event for event in events if isinstance(event, EpochBlock)]
    assert [(block.first_epoch, len(block.rows)) for block in blocks] == [
        *[(0, 1), (1, 1), (2, 1)],  # by the stack
        *[(3, 1), (4, 2)],
    ]
    assert sum(isinstance(event, Started) for event in events) == 1


class TestExecutions:
    """Several trainings a trial."""

    def test_are_averaged_and_the_best_one_is_kept(self) -> None:
        events = run(Job(executions=3), 2)
        singles = [
            finished(run(OnlyExecution(k), 2)) for k in range(3)
        ]  # each execution as if it were the only one
        assert [event.trial_id for event in events if isinstance(event, Started)] == ["0", "1"]
        for trial_id, found in finished(events).items():
            scores = [single[trial_id].metrics["val_loss"] for single in singles]
            assert len(set(scores)) == 3
            best = singles[int(np.argmin(scores))][trial_id]
            assert found.metrics["val_loss"] == pytest.approx(np.mean(scores), rel=1e-5)
            assert found.history["val_loss"] == pytest.approx(best.history["val_loss"], rel=1e-5)
            assert found.best_epoch == best.best_epoch
            assert found.weights is not None
            assert best.weights is not None
            assert found.weights[0] == pytest.approx(best.weights[0], rel=1e-4, abs=1e-6)
        blocks = [event for event in events if isinstance(event, EpochBlock)]
        assert {block.execution for block in blocks} == {0, 1, 2}

    def test_one_that_fails_ends_the_trial(self) -> None:
        def rate(spec: TrialSpec) -> float:
            return float("inf") if (spec.number, spec.execution) == (1, 1) else 0.1

        events = run(Job(executions=2, rate=rate), 3)
        assert sorted(finished(events)) == ["0", "2"]
        (failed,) = (event for event in events if isinstance(event, Failed))
        assert failed.trial_id == "1"
        after = events[events.index(failed) + 1 :]
        assert all(event.trial_id != "1" for event in after)

    def test_of_a_stack_that_breaks_go_to_fit_as_one_trial(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trained: list[TrialSpec] = []

        class Fitted(Job):
            def train(self, spec: TrialSpec, tell: Any) -> Finished:
                trained.append(spec)
                return Finished(spec.trial_id, 0.0, {}, {"val_loss": 0.5}, 0)

        def broken(self: Any) -> None:
            raise MemoryError

        monkeypatch.setattr(module.Cohort, "train", broken)
        events = run(Fitted(executions=2), 2)
        assert [(spec.trial_id, spec.execution) for spec in trained] == [("0", 0), ("1", 0)]
        assert sorted(finished(events)) == ["0", "1"]
        assert [event.trial_id for event in events if isinstance(event, Started)] == ["0", "1"]


class OnlyExecution(Job):
    """A job whose only execution is another one's."""

    def __init__(self, execution: int) -> None:
        super().__init__()
        self._execution = execution

    def build(self, spec: TrialSpec) -> Any:
        return super().build(
            TrialSpec(spec.trial_id, spec.number, {}, spec.seed, execution=self._execution)
        )
