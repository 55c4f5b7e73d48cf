"""The `[dataset]`, `[baseline]` and `[search]` tables as frozen, validated values."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from trialstack.experiment.available import (
    ALGORITHMS,
    DIRECTIONS,
    EXECUTORS,
    FINAL_EPOCHS,
    SPLITS,
    VALIDATIONS,
    direction_of,
)
from trialstack.experiment.problems import impossible, wrong_keys
from trialstack.experiment.section import Section
from trialstack.experiment.sources import Source, check_parameters
from trialstack.experiment.values import (
    CountFrom0,
    CountFrom1,
    CountOrAuto,
    Flag,
    Fraction,
    MetricName,
    PositiveNumber,
    Seed,
    Table,
    Text,
    Widths,
    one_of,
)


def _default_test_size(so_far: dict[str, Any]) -> float:
    return 0.0 if so_far.get("split") == "none" else 0.25


class DatasetSettings(Section):
    """Which rows there are and who sees them.

    Attributes:
        source: Name of a built-in data set.
        target: Column that is predicted; only files have a choice.
        split: `"stratified"`: test rows drawn evenly over the classes; `"first"`: the last rows
            are the test rows; `"none"`: there are none.
        test_size: Part of all rows that is sealed until the end.
        validation: `"stratified"`, or `"last"`: the last training rows, as Keras'
            `validation_split` takes them.
        validation_size: Part of the training rows that trials are judged by; 0 = none.
        seed: Of both splits.
        params: Parameters of a generated data set, all of them once it is validated.
    """

    source: Source = Field(examples=['source = "breast_cancer"'])
    target: Text | None = None
    split: Annotated[str, BeforeValidator(one_of(SPLITS))] = "stratified"
    test_size: Fraction = Field(default_factory=_default_test_size)
    validation: Annotated[str, BeforeValidator(one_of(VALIDATIONS))] = "stratified"
    validation_size: Fraction = 0.25
    seed: Seed = 42
    params: Table = Field(default_factory=dict, validate_default=True)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.target is not None:
            allowed = "no such key: a built-in data set has its own target"
            raise impossible(self.target, allowed, "target")
        if self.split == "none" and self.test_size > 0:
            allowed = '0, or no such key, as split = "none" leaves no test rows'
            raise impossible(self.test_size, allowed, "test_size")
        if self.split != "none" and self.test_size == 0:
            allowed = 'a number above 0 and below 1 (no test rows: split = "none")'
            raise impossible(self.test_size, allowed, "test_size")
        # The model is frozen, and nobody has seen it yet: fill in the defaults of this source.
        self.__dict__["params"] = check_parameters(self.source, self.params)
        return self


class BaselineSettings(Section):
    """The fixed model that the winner is compared with; it is trained with the search's batches.

    Attributes:
        units: Width of each hidden layer.
        epochs: Epochs, all of which are run.
        standardize: As in the hypermodel.
        learning_rate: Of Adam.
    """

    units: Widths = Field(examples=["units = [100, 100]"])
    epochs: CountFrom1 = 50
    standardize: Flag = False
    learning_rate: PositiveNumber = 0.001


def _default_direction(so_far: dict[str, Any]) -> str:
    return direction_of(so_far.get("objective", "")) or ""


class SearchSettings(Section):
    """How hyperparameters are chosen and trials are trained.

    Attributes:
        algorithm: How the next hyperparameters are chosen.
        max_trials: Trials in all.
        objective: Metric that a trial's best epoch, and then the best trial, is chosen by.
        direction: Whether more of it is better (`"max"`) or less (`"min"`).
        epochs: Epochs of a trial at most.
        batch_size: Rows of a training step.
        patience: Epochs without improvement of the objective after which a trial stops; None = all
            epochs are run. (Keras' 0 does the same as 1, so it starts at 1.)
        final_epochs: Epochs of the final fit: `"best"` = up to the best trial's best epoch,
            `"run"` = as many as the best trial ran.
        executor: What trains the trials.
        parallel_trials: Trials that are asked for before results are told, or `"auto"`.
        seed: Of hyperparameters, initial weights and batches.
        max_retries: How often a failed trial is tried again.
    """

    algorithm: Annotated[str, BeforeValidator(one_of(ALGORITHMS))] = "random"
    max_trials: CountFrom1 = 100
    objective: MetricName = "val_auc"
    direction: Annotated[str, BeforeValidator(one_of(DIRECTIONS))] = Field(
        default_factory=_default_direction
    )
    epochs: CountFrom1 = 50
    batch_size: CountFrom1 = 32
    patience: CountFrom1 | None = None
    final_epochs: Annotated[str, BeforeValidator(one_of(FINAL_EPOCHS))] = "best"
    executor: Annotated[str, BeforeValidator(one_of(EXECUTORS))] = "auto"
    parallel_trials: CountOrAuto = "auto"
    seed: Seed = 42
    max_retries: CountFrom0 = 0

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        known = direction_of(self.objective)
        if not self.direction:
            text = f'it is missing; {self.objective!r} does not tell: add "max" or "min"'
            raise wrong_keys([("direction", text)])
        if known and self.direction != known:
            allowed = f"{known!r} for {self.objective!r}, or no such key"
            raise impossible(self.direction, allowed, "direction")
        return self
