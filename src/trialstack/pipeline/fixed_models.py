"""A fixed model of a ladder with everything that its training needs: rows, seed, learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.base import moments
from trialstack.errors import ExperimentError
from trialstack.experiment import Ladder, ModelSettings
from trialstack.hypermodels.fixed import encode_targets, fixed_mlp
from trialstack.pipeline.data import Data, Rows
from trialstack.pipeline.fitted import as_probabilities
from trialstack.trials import TrialSpec

LOSS_CLIP = 1e-7
"""Keras clips what it takes for a probability this far away from 0 and 1 in a cross-entropy."""


@dataclass(frozen=True, eq=False)
class FixedModel:
    """One model of a ladder.

    Attributes:
        settings: Its `[[model]]` table.
        order: Its position, as text that sorts.
        order_seed: Of the order of rows, and of all initial weights of the ladder.
        n_features: Number of input columns.
        n_classes: Number of classes.
        train: What it is fitted on.
        validation: What its validation metrics come from; None = none.
        judged: Indices, in the data set, of the rows that it is judged by.
        judged_rows: Those rows.
        on_all_rows: Whether it is fitted on them too; they are all rows then, else the test rows.
        learning_rate: A number; None = the optimizer's default.
    """

    settings: ModelSettings
    order: str
    order_seed: int
    n_features: int
    n_classes: int
    train: Rows
    validation: Rows | None
    judged: NDArray[np.int64]
    judged_rows: Rows
    on_all_rows: bool
    learning_rate: float | None = None

    @classmethod
    def of(cls, ladder: Ladder, settings: ModelSettings, data: Data) -> FixedModel:
        """A model of a ladder, without a learning rate that is to come from a sweep.

        Raises:
            ExperimentError: Its output layer does not fit the number of classes.
        """
        _check_output(ladder, settings, data.dataset.n_classes)
        everything = np.arange(len(data.dataset.y))
        on_all = settings.rows == "all" or data.test is None
        judged = everything if on_all else data.split.test
        rate = settings.learning_rate
        return cls(
            settings,
            ladder.order_of(settings),
            ladder.seed,
            data.X.shape[1],
            data.dataset.n_classes,
            data.rows(everything) if on_all else data.fit,
            None if on_all else data.validation,
            judged,
            data.rows(judged),
            on_all,
            rate if isinstance(rate, float) else None,
        )

    @property
    def name(self) -> str:
        """Of its run."""
        return str(self.settings.name)

    @property
    def judged_by(self) -> str:
        """Which rows it is judged by, in words."""
        return "rows it was fitted on" if self.on_all_rows else "test rows"

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return sum(self.settings.epochs)

    def spec(self, seed: int) -> TrialSpec:
        """Its training from the seed of a number."""
        return TrialSpec(f"{self.name}/{seed}", seed, {}, (self.order_seed, seed))

    def encode(self, y: NDArray[np.int64]) -> NDArray[np.float32]:
        """Class indices as the model wants them."""
        return encode_targets(y, self.n_classes)

    @cached_property
    def targets(self) -> NDArray[np.float32]:
        """Of `train`, as the model wants them."""
        return self.encode(self.train.y)

    @cached_property
    def _moments(self) -> Mapping[str, Any]:
        mean, variance = moments(self.train.X) if self.settings.standardize else (None, None)
        return {"mean": mean, "variance": variance}

    def build(self) -> Any:
        """The compiled model; its initial weights come from the global random state."""
        settings = self.settings
        network = fixed_mlp(
            settings.units,
            self.n_features,
            self.n_classes,
            **self._moments,
            activation=settings.activations,
            output_activation=settings.output,
            l1=settings.l1,
            l2=settings.l2,
            dropout=settings.dropout,
            batch_normalization=settings.batch_normalization,
            optimizer=settings.optimizer,
            learning_rate=self.learning_rate,
        )
        if self.validation is None:
            # A whole epoch a call, which takes half the time and has the same numbers. It must be
            # exactly one: the batches go on without end.
            network.steps_per_execution = -(-len(self.train) // settings.batch_size)
        return network

    def probabilities(self, outputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of each class, shape `(rows, classes)`, from the model's outputs.

        What a linear output says is taken for a probability, as the loss does.
        """
        if self.settings.output == "linear":
            outputs = np.clip(outputs.astype(np.float64), LOSS_CLIP, 1 - LOSS_CLIP)
        return as_probabilities(outputs)


def _check_output(ladder: Ladder, settings: ModelSettings, n_classes: int) -> None:
    allowed = ("sigmoid", "linear") if n_classes == 2 else ("softmax",)
    if settings.output is None or settings.output in allowed:
        return
    key = f"model[{int(ladder.order_of(settings))}].output"
    raise ExperimentError(
        f"{ladder.place_of(key)}: key {key!r}: {settings.output!r} came; allowed with "
        f"{n_classes} classes: {', '.join(allowed)}"
    )
