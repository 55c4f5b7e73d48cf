"""The learning-rate sweep: a training whose learning rate grows, as a tracked run."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.errors import InputError, TrialstackError
from trialstack.evaluation.lr_range import RangeTest, RateSchedule, range_test
from trialstack.pipeline.data import Rows
from trialstack.pipeline.fits import FitPlan, build_seeded, built, failed_on_error, fit
from trialstack.pipeline.fitted import FittedModel
from trialstack.pipeline.stacks import DescribedJob, train_stacked
from trialstack.plots.lr_range import LEARNING_RATE
from trialstack.tracking.base import Tracker
from trialstack.tracking.off import NullTracker
from trialstack.trials import TrialSpec

TABLE = "learning_rate_sweep.csv"
PICTURE = "plots/learning_rate_sweep.png"
CURVES = "plots/swept_curves.png"
SUGGESTED = "suggested_learning_rate"


@dataclass(frozen=True)
class SweepPlan:
    """One sweep.

    Attributes:
        key: Of its run.
        name: Of its run.
        build: Makes the compiled model, without arguments; called with the random state of a seed.
        train: What it is trained on.
        validation: What its validation metrics come from; None = none. The suggestion is of the
            training rows' loss.
        encode: Turns class indices into the model's targets.
        batch_size: Rows of a training step.
        specs: One a training, whose seeds its initial weights come from. The first training is
            the run; the suggestion is that of the median over all.
        schedule: How the learning rate grows.
        params: Of the run, beside those that every fit has.
        tags: Of the run.
        parent: Key of the parent run; None = none.
        train_by: See `FitPlan`.
        class_weight: See `FitPlan`.
    """

    key: str
    name: str
    build: Callable[[], Any]
    train: Rows
    validation: Rows | None
    encode: Callable[[NDArray[np.int64]], Any]
    batch_size: int
    specs: Sequence[TrialSpec]
    schedule: RateSchedule = field(default_factory=RateSchedule)
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    train_by: Callable[..., Any] | None = None
    class_weight: Mapping[int, float] | None = None

    @property
    def order_seed(self) -> int:
        """Of the order of rows: the search's, of all trainings."""
        return self.specs[0].seed[0]


@dataclass(frozen=True)
class Sweep:
    """What came of a sweep.

    Attributes:
        test: The curves and the suggestion.
        fitted: The run's model after its last epoch, whose rate was far too large; its history.
        description: Of the run, in Markdown; the first line is the result.
    """

    test: RangeTest
    fitted: FittedModel
    description: str

    @property
    def suggestion(self) -> float | None:
        """Learning rate to train with; None = none, and `test.reason` says why."""
        return self.test.suggestion


def run_sweep(plan: SweepPlan, tracker: Tracker) -> Sweep:
    """Trains a model with a growing learning rate and suggests one to train with.

    The run of kind `model` gets the metrics of every epoch with `learning_rate`, the metric
    `suggested_learning_rate` if there is a suggestion, pictures, a table and a description. It
    stays open, as after `fit`.

    Args:
        plan: What is trained.
        tracker: Where the run goes.

    Raises:
        InputError: The learning rate of the model cannot be set.
        TrialstackError: The training does not use the callback that sets the learning rate.
    """
    first, *others = plan.specs
    fitted = fit(_fit_plan(plan, first), tracker, plan.encode, plan.parent)
    with failed_on_error(tracker, plan.key):
        if LEARNING_RATE not in fitted.history:
            raise TrialstackError(
                "the model's own training does not hand on its callbacks, so its learning rate "
                "stayed as it was; pass **kwargs on to model.fit"
            )
        histories = [fitted.history, *_histories(plan, others)]
        test = range_test(plan.schedule, [history["loss"] for history in histories])
        sweep = Sweep(test, fitted, _description(plan, test))
        _log(plan, sweep, tracker)
    return sweep


def growing_rate(schedule: RateSchedule) -> Any:
    """The Keras callback that sets a schedule's learning rate in every epoch."""
    import keras

    return keras.callbacks.LearningRateScheduler(lambda epoch, _: schedule.rate(epoch))


def _checked(model: Any) -> Any:
    if not hasattr(model.optimizer._learning_rate, "shape"):
        raise InputError(
            "the model is compiled with a learning rate schedule of its own, and a sweep has to "
            "set the rate; compile it with a number"
        )
    return model


def _histories(plan: SweepPlan, specs: Sequence[TrialSpec]) -> list[Mapping[str, Sequence[float]]]:
    """The same training from other initial weights."""
    if plan.train_by is not None:
        fitted = [fit(_fit_plan(plan, spec), NullTracker(), plan.encode, None) for spec in specs]
        return [each.history for each in fitted]
    arguments = {
        "x": plan.train.X,
        "y": plan.encode(plan.train.y),
        "epochs": plan.schedule.epochs,
        "batch_size": plan.batch_size,
        "callbacks": [growing_rate(plan.schedule)],
        "class_weight": plan.class_weight,
    }
    job = DescribedJob(lambda _: plan.build(), lambda _: arguments, plan.order_seed)
    return [end.history for end in train_stacked(specs, job)]


def _fit_plan(plan: SweepPlan, spec: TrialSpec) -> FitPlan:
    schedule = plan.schedule
    params = {name: value for name, value in plan.params.items() if name != LEARNING_RATE}
    seed = spec.seed_for_keras()
    return FitPlan(
        key=plan.key,
        kind="model",
        name=plan.name,
        model=_checked(build_seeded(seed, lambda: built(plan.build(), plan.train.X))),
        train=plan.train,
        validation=plan.validation,
        epochs=schedule.epochs,
        batch_size=plan.batch_size,
        seed=plan.order_seed,
        params={
            **params,
            "learning_rate_from": schedule.start,
            "learning_rate_to": schedule.stop,
            "seeds": len(plan.specs),
        },
        tags=plan.tags,
        train_by=plan.train_by,
        callbacks=[growing_rate(schedule)],
        may_diverge=True,
        class_weight=plan.class_weight,
    )


def _description(plan: SweepPlan, test: RangeTest) -> str:
    several = f", {len(plan.specs)} times from other initial weights" if len(plan.specs) > 1 else ""
    result = test.sentence()
    if test.suggestion is not None:
        result = result.replace(f"{test.suggestion:g}", f"**{test.suggestion:g}**", 1)
    return (
        f"{result[0].upper()}{result[1:]}\n\n"
        f"A learning-rate range test: the rate grows from {plan.schedule.describe()}{several}. Its "
        f"last epochs ruin the model, so it is not evaluated. Picture: `{PICTURE}`; numbers: "
        f"`{TABLE}`."
    )


def _log(plan: SweepPlan, sweep: Sweep, tracker: Tracker) -> None:
    from trialstack.plots.lr_range import draw_range_test, swept_curves
    from trialstack.plots.style import figure_png

    test = sweep.test
    if test.suggestion is not None:
        tracker.log_metrics(plan.key, {SUGGESTED: test.suggestion})
    tracker.describe(plan.key, sweep.description)
    tracker.log_file(plan.key, TABLE, _table(test))
    tracker.log_file(plan.key, PICTURE, figure_png(draw_range_test(test, plan.name)))
    curves = swept_curves(sweep.fitted.history, plan.schedule)
    tracker.log_file(plan.key, CURVES, figure_png(curves))


def _table(test: RangeTest) -> bytes:
    """One row an epoch; of several trainings the median first, then each."""
    several = len(test.losses) > 1
    columns = {
        "epoch": range(test.schedule.epochs),
        LEARNING_RATE: test.rates,
        "loss": test.loss,
        "smoothed_loss": test.smoothed,
        **({f"loss_{number}": row for number, row in enumerate(test.losses)} if several else {}),
    }
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(map(_cell, column) for column in columns.values()), strict=True))
    return buffer.getvalue().encode()


def _cell(value: float) -> str:
    """A number to seven digits, which is what float32 has; empty where there is none."""
    return "" if np.isnan(value) else f"{value:.7g}"
