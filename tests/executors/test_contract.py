"""What every executor has to do. A new one is one line in `EXECUTORS`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from trialstack.errors import DataError, InputError, Interrupted
from trialstack.executors import table
from trialstack.executors.base import Executor, Tell
from trialstack.executors.one_by_one import OneByOneExecutor
from trialstack.executors.stacked.reasons import Unstackable
from trialstack.executors.table import make_executor
from trialstack.trials import EpochBlock, Event, Failed, Finished, Objective, Started, TrialSpec

EXECUTORS = ["one-by-one", "stacked"]


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Executor:
    return make_executor(request.param)


@dataclass
class FakeJob:
    """A job whose trials need no Keras: a trial's score is drawn from its own seed."""

    raising: Mapping[str, BaseException] = field(default_factory=dict)
    epochs: int = 3
    objective: Objective = field(default_factory=lambda: Objective("val_auc", "max"))
    search_seed: int = 42
    executions: int = 1
    fit_args: Sequence[Any] = ()
    fit_kwargs: Mapping[str, Any] = field(default_factory=dict)
    probe: None = None
    trained: list[str] = field(default_factory=list)

    def build(self, spec: TrialSpec) -> Any:
        raise TypeError("there is no model")

    def described(self, spec: TrialSpec) -> Any:
        raise Unstackable("no model at all")

    def out_of_time(self) -> bool:
        return False

    def train(self, spec: TrialSpec, tell: Tell) -> Finished:
        self.trained.append(spec.trial_id)
        curve = np.random.default_rng(spec.seed_for_keras()).random(self.epochs).tolist()
        for epoch, value in enumerate(curve):
            tell(EpochBlock(spec.trial_id, epoch, [{"val_auc": value}], [float(epoch)]))
            if epoch == 1 and spec.trial_id in self.raising:
                raise self.raising[spec.trial_id]
        best = int(np.argmax(curve))
        history = {"val_auc": curve}
        return Finished(spec.trial_id, 0.0, history, {"val_auc": curve[best]}, best)

    def failure(self, spec: TrialSpec, error: Exception) -> Failed:
        if isinstance(error, ZeroDivisionError):
            raise error  # as fatal as a wrong objective
        return Failed(spec.trial_id, 0.0, f"{type(error).__name__}: {error}")


def specs(count: int) -> list[TrialSpec]:
    return [TrialSpec(f"{number:02d}", number, {}, (42, number)) for number in range(count)]


def run(executor: Executor, job: FakeJob, count: int = 5, tell: Tell | None = None) -> list[Event]:
    events: list[Event] = []
    executor.run(iter(specs(count)), job, tell or events.append)
    return events


def of(events: list[Event], trial_id: str) -> list[Event]:
    return [event for event in events if event.trial_id == trial_id]


class TestEvents:
    def test_each_trial_is_started_told_by_epochs_and_ended_once(self, executor: Executor) -> None:
        events = run(executor, FakeJob())
        for spec in specs(5):
            started, *blocks, finished = of(events, spec.trial_id)
            assert isinstance(started, Started)
            assert started.time > 1e9
            assert all(isinstance(block, EpochBlock) for block in blocks)
            assert isinstance(finished, Finished)
            told = [row for block in blocks for row in block.rows]
            assert [block.first_epoch for block in blocks] == [0, 1, 2]
            assert [row["val_auc"] for row in told] == finished.history["val_auc"]

    def test_no_trial_at_all(self, executor: Executor) -> None:
        assert run(executor, FakeJob(), count=0) == []

    def test_a_trial_without_epochs(self, executor: Executor) -> None:
        job = FakeJob()
        job.train = lambda spec, tell: Finished(spec.trial_id, 0.0, {}, {"val_auc": 0.5}, 0)  # type: ignore[method-assign]
        assert [type(event) for event in run(executor, job, 2)] == [Started, Finished] * 2


class TestFailures:
    def test_a_trial_that_raises_is_told_as_failed_and_changes_no_other(
        self, executor: Executor
    ) -> None:
        without = run(executor, FakeJob())
        job = FakeJob(raising={"02": ValueError("no"), "04": MemoryError("big")})
        events = run(executor, job)
        for trial_id, reason in (("02", "ValueError: no"), ("04", "MemoryError: big")):
            kinds = [type(event) for event in of(events, trial_id)]
            assert kinds == [Started, EpochBlock, EpochBlock, Failed]
            assert of(events, trial_id)[-1].reason == reason
        for trial_id in ("00", "01", "03"):
            assert of(events, trial_id)[1:] == of(without, trial_id)[1:]

    @pytest.mark.parametrize(
        "error",
        [
            pytest.param(DataError("the rows"), id="ours"),
            pytest.param(Interrupted(15), id="signal"),
            pytest.param(KeyboardInterrupt(), id="ctrl-c"),
            pytest.param(SystemExit(3), id="exit"),
            pytest.param(ZeroDivisionError(), id="fatal"),
        ],
    )
    def test_what_is_not_the_trials_ends_the_search(
        self, executor: Executor, error: BaseException
    ) -> None:
        job = FakeJob(raising={"01": error})
        events: list[Event] = []
        with pytest.raises(type(error)) as raised:
            run(executor, job, tell=events.append)
        assert raised.value is error
        assert job.trained == ["00", "01"]
        assert not any(isinstance(event, Finished | Failed) for event in of(events, "01"))

    @pytest.mark.parametrize("at", [Started, Finished, Failed])
    def test_an_error_of_the_listener_is_not_taken_for_the_trials(
        self, executor: Executor, at: type
    ) -> None:
        told: list[Event] = []

        def tell(event: Event) -> None:
            told.append(event)
            if isinstance(event, at) and event.trial_id == "01":
                raise OSError("disk full")

        job = FakeJob(raising={"01": ValueError("no")} if at is Failed else {})
        with pytest.raises(OSError, match="disk full"):
            run(executor, job, tell=tell)
        assert [type(event) for event in of(told, "01")].count(at) == 1
        assert "02" not in job.trained


class TestAsking:
    def test_a_trial_is_asked_when_there_is_room_for_it(self) -> None:
        """The one-by-one executor has room for one: the last is told before the next is asked."""
        log: list[str] = []

        def asked() -> Iterator[TrialSpec]:
            for spec in specs(3):
                log.append(f"ask {spec.trial_id}")
                yield spec
            log.append("no more")

        OneByOneExecutor().run(
            asked(),
            FakeJob(epochs=1),
            lambda event: log.append(f"{type(event).__name__} {event.trial_id}"),
        )
        a_trial = "ask {0}", "Started {0}", "EpochBlock {0}", "Finished {0}"
        assert log == [
            *(text.format(f"{number:02d}") for number in range(3) for text in a_trial),
            "no more",
        ]

    def test_an_algorithm_that_waits_for_results_of_nothing_is_an_error(
        self, executor: Executor
    ) -> None:
        with pytest.raises(RuntimeError, match="no trial is running"):
            executor.run(iter([None]), FakeJob(), lambda _: None)

    def test_an_error_of_asking_goes_through(self, executor: Executor) -> None:
        def asked() -> Iterator[TrialSpec]:
            yield specs(1)[0]
            raise LookupError("the oracle is broken")

        events: list[Event] = []
        with pytest.raises(LookupError, match="oracle is broken"):
            executor.run(asked(), FakeJob(), events.append)
        assert isinstance(events[-1], Finished)


class TestTable:
    def test_this_suite_covers_all(self) -> None:
        assert list(table.EXECUTORS) == EXECUTORS

    @pytest.mark.parametrize("name", EXECUTORS)
    def test_they_are_made_by_name(self, name: str) -> None:
        made = make_executor(name)
        assert made.name == name
        assert inspect.signature(made.run).parameters.keys() == {"trials", "job", "tell"}

    def test_auto_is_one_of_them(self) -> None:
        assert make_executor("auto").name in EXECUTORS

    def test_an_executor_is_taken_as_it_is(self) -> None:
        own = OneByOneExecutor()
        assert make_executor(own) is own

    def test_a_name_that_is_not_there(self) -> None:
        with pytest.raises(InputError, match=r"executor 'gpu' is not there; allowed: auto, one-"):
            make_executor("gpu")
