"""A learning-rate sweep as a tracked run, on a model that is small enough to train here."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from trialstack.errors import InputError, TrialstackError
from trialstack.evaluation.lr_range import RateSchedule
from trialstack.pipeline.data import Rows
from trialstack.pipeline.sweep import CURVES, PICTURE, TABLE, Sweep, SweepPlan, run_sweep
from trialstack.tracking.memory import MemoryTracker, RunRecord
from trialstack.trials import TrialSpec

SCHEDULE = RateSchedule(1e-2, 100.0, 10)
SPECS = [TrialSpec(f"sweep/{number}", number, {}, (7, number)) for number in range(3)]

Swept = tuple[Sweep, RunRecord]


def build(optimizer: Any = "sgd", eager: bool = False) -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], run_eagerly=eager)
    return model


def build_eager() -> keras.Model:
    """The same, which cannot be stacked; without tracing, a small training is over sooner."""
    return build(eager=True)


def rows(scale: float = 1.0) -> Rows:
    X = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    return Rows(X * np.float32(scale), (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(np.int64))


def plan(**changes: Any) -> SweepPlan:
    plan = SweepPlan(
        key="sweep",
        name="a sweep",
        build=build,
        train=rows(),
        validation=None,
        encode=lambda y: y[:, None].astype(np.float32),
        batch_size=20,
        specs=SPECS[:1],
        schedule=SCHEDULE,
        params={"units_1": 3, "learning_rate": 0.5},
        tags={"trialstack.order": "09"},
    )
    return dataclasses.replace(plan, **changes)


def swept(**changes: Any) -> Swept:
    tracker = MemoryTracker()
    return run_sweep(plan(**changes), tracker), tracker["sweep"]


def table(run: RunRecord) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run.files[TABLE].decode())))


@pytest.fixture(scope="module")
def alone() -> Swept:
    return swept(build=build_eager, validation=rows())


@pytest.fixture
def unpictured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take longer than such trainings."""
    monkeypatch.setattr("trialstack.plots.style.figure_png", lambda _: b"")


@pytest.fixture(scope="module")
def thrice() -> Swept:
    return swept(specs=SPECS)


def test_every_epoch_has_its_learning_rate(alone: Swept) -> None:
    _, run = alone
    told = run.metrics["learning_rate"]
    assert [told[epoch] for epoch in range(10)] == pytest.approx(SCHEDULE.rates)
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert list(run.metrics[name]) == list(range(10))


def test_the_run_tells_what_came_of_it(alone: Swept) -> None:
    sweep, run = alone
    assert sweep.suggestion is not None
    assert run.metrics["suggested_learning_rate"] == {0: sweep.suggestion}
    first, _, rest = run.description.partition("\n")
    assert first == (
        f"Suggested learning rate **{sweep.suggestion:g}**: the steepest fall about ten times "
        f"below the lowest loss, at {SCHEDULE.rate(sweep.test.minimum or 0):.2g}"
    )
    assert "from 0.01 towards 100 in 10 epochs. Its last epochs ruin the model" in rest
    assert run.status == "RUNNING"  # for whoever has more to say of it
    assert run.new is not None
    assert (run.new.kind, run.new.name, run.parent) == ("model", "a sweep", None)
    assert run.tags["trialstack.order"] == "09"


def test_the_rate_of_the_model_itself_is_no_param_of_its_sweep(alone: Swept) -> None:
    _, run = alone
    assert run.params == {
        "units_1": "3",
        "learning_rate_from": "0.01",
        "learning_rate_to": "100",
        "seeds": "1",
        "epochs": "10",
        "batch_size": "20",
        "rows": "40",
        "weights": "3",
    }


def test_table_and_pictures(alone: Swept) -> None:
    sweep, run = alone
    lines = table(run)
    assert list(lines[0]) == ["epoch", "learning_rate", "loss", "smoothed_loss"]
    assert [float(line["loss"]) for line in lines] == pytest.approx(
        sweep.fitted.history["loss"], rel=1e-6
    )
    assert lines[5]["learning_rate"] == f"{SCHEDULE.rate(5):.7g}"
    for path in (PICTURE, CURVES):
        assert run.files[path][1:4] == b"PNG"


def test_several_seeds_count_by_their_median(alone: Swept, thrice: Swept) -> None:
    (first, _), (sweep, run) = alone, thrice
    assert sweep.test.losses.shape == (3, 10)
    assert sweep.test.losses[0] == pytest.approx(first.test.loss, rel=1e-6)  # the run itself
    assert sweep.test.loss == pytest.approx(np.median(sweep.test.losses, axis=0))
    assert len({row[0] for row in sweep.test.losses}) == 3
    assert list(table(run)[0])[4:] == ["loss_0", "loss_1", "loss_2"]
    assert run.params["seeds"] == "3"
    assert "in 10 epochs, 3 times from other initial weights." in run.description


@pytest.mark.usefixtures("unpictured")
def test_a_stack_of_seeds_has_the_numbers_of_each_alone(thrice: Swept) -> None:
    sweep, _ = thrice
    second, _ = swept(build=build_eager, specs=SPECS[1:2])
    assert sweep.test.losses[1] == pytest.approx(second.test.loss, rel=1e-4)


@pytest.mark.usefixtures("unpictured")
def test_seeds_of_a_training_of_ones_own(thrice: Swept) -> None:
    def own(model: Any, *args: Any, **kwargs: Any) -> Any:
        return model.fit(*args, **kwargs)

    sweep, _ = swept(specs=SPECS[:2], build=build_eager, train_by=own)
    assert sweep.test.losses == pytest.approx(thrice[0].test.losses[:2], rel=1e-4)


@pytest.mark.usefixtures("unpictured")
def test_seeds_that_cannot_be_stacked_are_trained_one_by_one(
    thrice: Swept, caplog: pytest.LogCaptureFixture
) -> None:
    sweep, _ = swept(specs=SPECS[:2], build=build_eager)
    assert "trained one by one: eager execution" in caplog.text
    assert sweep.test.losses == pytest.approx(thrice[0].test.losses[:2], rel=1e-4)


@pytest.mark.usefixtures("unpictured")
@pytest.mark.parametrize("specs", [SPECS[:1], SPECS])
def test_a_sweep_that_diverges_ends_there_and_is_no_failure(specs: list[TrialSpec]) -> None:
    sweep, run = swept(train=rows(scale=1e19), specs=specs)
    assert sweep.suggestion is None
    assert np.isnan(sweep.test.loss[-1])
    assert "suggested_learning_rate" not in run.metrics
    assert run.description.startswith("No learning rate is suggested: the loss ")
    assert "trialstack.error" not in run.tags
    assert table(run)[-1]["loss"] == ""


def test_a_training_that_ignores_the_callback_is_refused() -> None:
    def own(model: Any, x: Any, y: Any, *, epochs: int, **_: Any) -> Any:
        return model.fit(x, y, epochs=epochs, verbose=0)

    tracker = MemoryTracker()
    with pytest.raises(TrialstackError, match="does not hand on its callbacks"):
        run_sweep(plan(train_by=own), tracker)
    assert tracker["sweep"].status == "FAILED"


def test_a_model_with_a_schedule_of_its_own_is_refused() -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    build_scheduled: Callable[[], Any] = lambda: build(keras.optimizers.SGD(schedule))  # noqa: E731
    with pytest.raises(InputError, match="a learning rate schedule of its own"):
        swept(build=build_scheduled)
