"""About how long a search takes, before anything is trained.

Training steps are tried out on this machine; what surrounds them is taken from whole searches on a
machine of two cores, whose seconds the constants are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from trialstack.cores import count_cores
from trialstack.datasets.chosen_rows import MOST_COPIED
from trialstack.experiment import Experiment
from trialstack.experiment.hypermodel import MLPSettings
from trialstack.pipeline.step_time import Network, seconds_of_steps

TIMES_MEASURED = 3.0
"""What TensorFlow takes for a step, for each second of `seconds_of_steps`: the padding of stacks,
dropout, metrics and validation included. From 1.7 (wide layers) to 4 (narrow ones with dropout)."""

SECONDS_A_STEP = 0.001
"""Of a stack, or of `model.fit`, however small it is."""

SECONDS_A_KIND = 0.5
"""A function is traced for each kind of stack, one after the other."""

SECONDS_A_TRIAL = 0.05
"""Asked, built, drawn and written."""

SECONDS_A_FIT = 1.0
"""The same of a trial that goes to `model.fit`, where functions are traced for it alone."""

SECONDS_A_MEMBER = 1.0
"""Of a model in the mean that the final model is: built, loaded, and its share of a larger file."""

SECONDS_BESIDE = 22.0
"""Starting TensorFlow, drawing, checking the model in a fresh process, registering it."""

SECONDS_A_MILLION_CELLS = 2.0
"""Of the table: read, checked, hashed; scores, their intervals, pictures, importance of columns."""

SECONDS_A_MILLION_ENCODED = {"quantile": 0.7, "uniform": 0.7, "ple": 0.5}
"""Numbers, by encoding; of others, `SECONDS_A_MILLION_SCALED`."""

SECONDS_A_MILLION_SCALED = 0.1

DOUBT = 1.4
"""By which other processors and other spaces were faster or slower."""

PIECES = 16
"""Features that the piecewise-linear encoding makes of a number; see
`trialstack.preprocessing.encodings`."""


@dataclass(frozen=True)
class Sizes:
    """What a search is of.

    Attributes:
        features: That a network takes.
        numeric: How many of them are numbers, which an encoding is made of.
        classes: That there are.
        fit_rows: Rows that a trial is fitted on.
        train_rows: Rows that the final model is fitted on.
        rows: In all.
    """

    features: int
    numeric: int
    classes: int
    fit_rows: int
    train_rows: int
    rows: int

    @property
    def outputs(self) -> int:
        """Of a network."""
        return 1 if self.classes == 2 else self.classes


def seconds_of_search(
    experiment: Experiment,
    sizes: Sizes,
    measure: Callable[[Collection[Network], int], Mapping[Network, float]] = seconds_of_steps,
) -> tuple[float, float] | None:
    """Between which times a search is likely to take on this machine, if nothing else runs there.

    Args:
        experiment: Whose search it is.
        sizes: Of its data.
        measure: Gives the seconds of training steps; see `seconds_of_steps`.

    Returns:
        Seconds, the fewest and the most; None for a hypermodel of the user's own, of which nothing
        is known.
    """
    if not isinstance(experiment.hypermodel, MLPSettings):
        return None
    trials = networks_of(experiment.hypermodel, sizes)
    of_baseline = _network_of_baseline(experiment, sizes)
    times = measure({*trials, of_baseline}, experiment.search.batch_size)
    beside = SECONDS_BESIDE + SECONDS_A_MILLION_CELLS * sizes.rows * sizes.features / 1e6
    beside += _baseline(experiment, sizes, times[of_baseline])
    step = sum(times[network] for network in trials) / len(trials)
    trained = _Training(experiment, experiment.hypermodel, sizes, step)
    least = beside + trained.seconds(_fewest_epochs(experiment))
    return least / DOUBT, (beside + trained.seconds(experiment.search.epochs)) * DOUBT


def _network_of_baseline(experiment: Experiment, sizes: Sizes) -> Network:
    units = experiment.baseline.units if experiment.baseline is not None else ()
    return sizes.features, *units, sizes.outputs


def _baseline(experiment: Experiment, sizes: Sizes, step: float) -> float:
    if experiment.baseline is None:
        return 0.0
    steps = experiment.baseline.epochs * math.ceil(sizes.fit_rows / experiment.search.batch_size)
    return steps * (SECONDS_A_STEP + TIMES_MEASURED * step)


def _fewest_epochs(experiment: Experiment) -> int:
    """That trials are likely to make on average: where they stop early, their best is soon made."""
    epochs, patience = experiment.search.epochs, experiment.search.patience
    return epochs if patience is None else min(epochs, 2 * (patience + 1))


class _Training:
    """The trials and the final fit."""

    def __init__(
        self, experiment: Experiment, space: MLPSettings, sizes: Sizes, step: float
    ) -> None:
        self._search, self._sizes = experiment.search, sizes
        self._members = experiment.final.ensemble if experiment.final is not None else 0
        self._encodings = space.encoding or ("none",)
        self._step = TIMES_MEASURED * step  # of a trial, on one core
        of_other_layers = len(space.activation or "?") * len(space.batch_normalization or "?")
        self._kinds = len(networks_of(space, sizes)) * of_other_layers * len(space.optimizer or "?")

    def seconds(self, epochs: int) -> float:
        """If every trial makes so many epochs."""
        sizes, trials = self._sizes, self._search.max_trials
        if self._search.executor == "one-by-one":
            searched = trials * (SECONDS_A_FIT + self._fitted(sizes.fit_rows, epochs))
        else:
            searched = trials * SECONDS_A_TRIAL + self._stacked(trials, sizes.fit_rows, epochs)
        if not self._members:
            return searched + self._fitted(sizes.train_rows, epochs)
        final = self._stacked(self._members, sizes.train_rows, epochs)
        return searched + final + self._members * SECONDS_A_MEMBER

    def _stacked(self, trials: int, rows: int, epochs: int) -> float:
        kinds = min(self._kinds, trials)
        stacks = min(max(kinds, count_cores()), trials)
        steps = epochs * math.ceil(rows / self._search.batch_size)
        is_kept = rows * self._sizes.features <= MOST_COPIED
        passes = min(len(self._encodings), trials) if is_kept else epochs * stacks
        work = steps * (stacks * SECONDS_A_STEP + trials * self._step)
        work += passes * self._encoded(rows)
        return kinds * SECONDS_A_KIND + work / min(count_cores(), stacks)

    def _fitted(self, rows: int, epochs: int) -> float:
        """A `model.fit`, which encodes the rows in every epoch."""
        steps = epochs * math.ceil(rows / self._search.batch_size)
        return steps * (SECONDS_A_STEP + self._step) + epochs * self._encoded(rows)

    def _encoded(self, rows: int) -> float:
        costs = [
            SECONDS_A_MILLION_ENCODED.get(name, SECONDS_A_MILLION_SCALED)
            for name in self._encodings
        ]
        return rows * self._sizes.numeric / 1e6 * sum(costs) / len(costs)


def networks_of(space: MLPSettings, sizes: Sizes) -> list[Network]:
    """Widths of networks that stand for a space, from inputs to outputs, each equally likely."""
    widths = [round((low + high) / 2) for low, high in space.widths]
    fewest, most = space.layers or (len(widths), len(widths))
    inputs = [
        sizes.features - sizes.numeric + sizes.numeric * (PIECES if name == "ple" else 1)
        for name in space.encoding or ("none",)
    ]
    return [
        (first, *widths[:layers], sizes.outputs)
        for first in inputs
        for layers in range(fewest, most + 1)
    ]
