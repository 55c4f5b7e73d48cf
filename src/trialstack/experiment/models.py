"""A `[[model]]` table: a fixed model of `trialstack train`, and the lesson that it is to show."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from trialstack.datasets.names import nearest
from trialstack.errors import InputError
from trialstack.evaluation.lr_range import RateSchedule
from trialstack.experiment.available import ACTIVATIONS, FIT_ROWS, OPTIMIZERS, OUTPUTS
from trialstack.experiment.expectations import ExpectSettings, Interval, TutorialSettings
from trialstack.experiment.problems import impossible, wrong_keys
from trialstack.experiment.section import Section
from trialstack.experiment.values import (
    LARGEST_INTEGER,
    CountFrom1,
    Flag,
    Fraction,
    Name,
    PositiveNumber,
    Seed,
    Text,
    Widths,
    is_number,
    name,
    one_of,
)

HIDDEN = ("linear", *ACTIVATIONS.there)
"""Activations of hidden layers. No search needs `linear`; lessons do."""


def _activations(value: Any) -> tuple[str, ...]:
    """One name for all hidden layers, or a list with one for each."""
    chosen = value if isinstance(value, list) else [value]
    for one in chosen or [value]:
        if one not in HIDDEN:
            mend = nearest(one, HIDDEN) if isinstance(one, str) else ""
            rule = "one for all hidden layers or a list with one for each, of"
            raise impossible(one, f"{rule} {', '.join(HIDDEN)}", mend=mend)
    return tuple(chosen)


def _epochs(value: Any) -> tuple[int, ...]:
    """Epochs, or a list of them: stages of one training."""
    stages = value if isinstance(value, list) else [value]
    if stages and all(type(n) is int and 1 <= n <= LARGEST_INTEGER for n in stages):
        return tuple(stages)
    raise impossible(value, "an integer from 1, or a list of them for training in stages")


def _rate(value: Any) -> float | str:
    if isinstance(value, str):
        return name(value)
    if is_number(value) and value > 0:
        return float(value)
    raise impossible(value, "a number above 0, or the name of a model with a sweep")


def _penalty(value: Any) -> float:
    if is_number(value) and value >= 0:
        return float(value)
    raise impossible(value, "a number from 0")


class RateSweepSettings(Section):
    """A learning rate that grows with every epoch, to find one to train with.

    Attributes:
        start: Of the first epoch.
        stop: Of the epoch after the last.
        seeds: Trainings from so many seeds, the model's own first; their median is read.
    """

    start: PositiveNumber = RateSchedule.start
    stop: PositiveNumber = RateSchedule.stop
    seeds: CountFrom1 = 1


class ModelSettings(Section):
    """A fixed model.

    Parts that are None are left away, or have Keras' default.

    Attributes:
        name: Of its run; `model_01`, `model_02`, ... in the order of the file if not given.
        lesson: One sentence: what one learns from it.
        units: Width of each hidden layer; none makes a linear model.
        activation: Of each hidden layer.
        output: Activation of the output layer; None = sigmoid, or softmax of several classes.
        l1: L1 penalty of all kernels and biases.
        l2: L2 penalty of all kernels and biases.
        dropout: Rate of dropout after each hidden layer.
        batch_normalization: Whether each hidden layer is normalised before its activation.
        standardize: Whether inputs are scaled to mean 0 and variance 1 inside the model.
        optimizer: Keras' name of it.
        learning_rate: Of the optimizer, or the name of a model before it with a sweep, which
            suggests one.
        sweep: The learning rate grows while the model is trained.
        epochs: Of each stage of the training; usually there is one stage.
        batch_size: Rows of a training step.
        rows: `"train"`: fitted on the training rows and judged on the test rows; `"all"`: fitted
            and judged on all rows.
        seed: Number of its initial weights; a study of seeds has the numbers from 0.
        tutorial: Figures to be shown beside ours.
        outcome: Accuracies that count as the tutorial's; the seed is chosen to have one.
        expect: When the lesson holds; None = nobody says.
    """

    name: Name | None = None
    lesson: Text = ""
    units: Widths = Field(examples=["units = [4, 4]"])
    activation: Annotated[tuple[str, ...], BeforeValidator(_activations)] = ("relu",)
    output: Annotated[str, BeforeValidator(one_of(OUTPUTS))] | None = None
    l1: Annotated[float, BeforeValidator(_penalty)] | None = None
    l2: Annotated[float, BeforeValidator(_penalty)] | None = None
    dropout: Fraction | None = None
    batch_normalization: Flag = False
    standardize: Flag = False
    optimizer: Annotated[str, BeforeValidator(one_of(OPTIMIZERS))] = "adam"
    learning_rate: Annotated[float | str, BeforeValidator(_rate)] | None = None
    sweep: RateSweepSettings | None = None
    epochs: Annotated[tuple[int, ...], BeforeValidator(_epochs)] = Field(examples=["epochs = 100"])
    batch_size: CountFrom1 = 32
    rows: Annotated[str, BeforeValidator(one_of(FIT_ROWS))] = "train"
    seed: Seed = 0
    tutorial: TutorialSettings | None = None
    outcome: Interval | None = None
    expect: ExpectSettings | None = None

    @property
    def activations(self) -> tuple[str, ...]:
        """Activation of each hidden layer."""
        one_for_all = len(self.activation) == 1
        return self.activation * len(self.units) if one_for_all else self.activation

    @property
    def schedule(self) -> RateSchedule | None:
        """How the learning rate grows with the epochs; None = it does not."""
        if self.sweep is None:
            return None
        return RateSchedule(self.sweep.start, self.sweep.stop, sum(self.epochs))

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        layers, stages = len(self.units), len(self.epochs)
        if len(self.activation) not in {1, layers}:
            allowed = f"one for all hidden layers, or a list of {layers}, one for each"
            raise impossible(self.activation, allowed, "activation")
        for key in ("loss", "accuracy"):
            figures = getattr(self.tutorial, key, None)
            if figures is not None and len(figures) not in {1, stages}:
                allowed = f"one number for the end, or a list of {stages}, one for each stage"
                raise impossible(figures, allowed, f"tutorial.{key}")
        if self.sweep is not None:
            self._check_sweep()
        if self.expect and (self.expect.learning_rate is not None) != (self.sweep is not None):
            allowed = (
                "learning_rate with a sweep" if self.sweep else "median, or accuracy and share"
            )
            raise impossible(self.expect.model_dump(exclude_none=True), allowed, "expect")
        return self

    def _check_sweep(self) -> None:
        if self.learning_rate is not None:
            raise impossible(self.learning_rate, "no such key beside a sweep", "learning_rate")
        try:
            assert self.schedule
        except InputError as error:
            raise wrong_keys([("sweep", str(error))]) from None
