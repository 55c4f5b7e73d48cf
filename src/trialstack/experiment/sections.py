"""The `[baseline]` and `[search]` tables as frozen, validated values."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from trialstack.experiment.available import (
    ALGORITHMS,
    CLASS_WEIGHTS,
    DIRECTIONS,
    EXECUTORS,
    FINAL_EPOCHS,
    MEMBER_CHOICES,
    direction_of,
)
from trialstack.experiment.problems import impossible, wrong_keys
from trialstack.experiment.section import Section
from trialstack.experiment.values import (
    CountFrom0,
    CountFrom1,
    CountOrAuto,
    Flag,
    MetricName,
    PositiveNumber,
    Seed,
    Widths,
    integer,
    one_of,
)

MOST_MEMBERS = 100
MOST_SELECTED_FROM = 10
"""Of an ensemble, by greedy selection: a search keeps the weights of so many trials."""


class FinalSettings(Section):
    """What becomes of the best trials.

    Attributes:
        ensemble: So many of the best trials, at most a hundred, are fitted anew on all training
            rows, and the final model says what they say on average. 0 = the best trial alone.
        members: `"all"` of them, each as much as another, or those that are taken by `"greedy"`
            selection on the validation rows, as often as they are; that wants many such rows, and
            an `ensemble` of at most ten.
    """

    ensemble: Annotated[int, BeforeValidator(integer(0, MOST_MEMBERS))] = 0
    members: Annotated[str, BeforeValidator(one_of(MEMBER_CHOICES))] = "all"

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.members == "greedy" and self.ensemble > MOST_SELECTED_FROM:
            allowed = f'with members = "greedy", an integer from 0 to {MOST_SELECTED_FROM}'
            raise impossible(self.ensemble, allowed, "ensemble")
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
        class_weight: As in the hypermodel, for one that does not have it.
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
    class_weight: Annotated[str, BeforeValidator(one_of(CLASS_WEIGHTS))] | None = None

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
