"""About how long a search takes, before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

from trialstack.experiment import Experiment
from trialstack.experiment.hypermodel import MLPSettings

OPERATIONS_A_BATCH_ROW = 40e6
"""What a core computes in a second, for each row of a batch: the larger a batch, the better it is
used. benchmarks/RESULTS.md: on two cores 7e9 in batches of 96 rows, and 25e9 in those of 256 ..."""

MOST_OPERATIONS = 12e9
"""... beyond which it was not seen to become faster."""

OPERATIONS_A_WEIGHT = 6
"""Forward, and backward to inputs and to weights, each a multiplication and an addition."""

SECONDS_A_STEP = 0.002
"""Of the baseline's and the final fit."""

SECONDS_A_MEMBER = 1.0
"""Of a model in the mean that the final model is: built, loaded, and its share of a larger file."""

SECONDS_BESIDE = 25.0
"""Starting TensorFlow, drawing, checking the model in a fresh process, registering it."""

SECONDS_A_MILLION_ROWS = 60.0
"""Reading them, checks, scores and their intervals, hashes."""

STOPPED = 0.3
"""Share of the epochs that trials come to on average, where many stop early."""

DOUBT = 1.5
"""By which other processors and other spaces were faster or slower."""

PIECES = 16
"""Features that the piecewise-linear encoding makes of a number; see
`trialstack.preprocessing.encodings`."""


def seconds_of_search(
    experiment: Experiment,
    *,
    features: int,
    numeric: int,
    classes: int,
    fit_rows: int,
    train_rows: int,
    rows: int,
) -> tuple[float, float] | None:
    """Between which times a search is likely to take on this machine, if nothing else runs there.

    Args:
        experiment: Whose search it is.
        features: That a network takes.
        numeric: How many of them are numbers, which an encoding is made of.
        classes: That there are.
        fit_rows: Rows that a trial is fitted on.
        train_rows: Rows that the final model is fitted on.
        rows: In all.

    Returns:
        Seconds, the fewest and the most; None for a hypermodel of the user's own, of which nothing
        is known.
    """
    space = experiment.hypermodel
    if not isinstance(space, MLPSettings):
        return None
    search = experiment.search
    members = experiment.final.ensemble if experiment.final is not None else 0
    a_core = min(OPERATIONS_A_BATCH_ROW * search.batch_size, MOST_OPERATIONS)
    rate = a_core * (os.cpu_count() or 1)
    epoch = _weights(space, features, numeric, classes) * OPERATIONS_A_WEIGHT / rate
    trials = epoch * fit_rows * search.epochs * search.max_trials
    fits = epoch * train_rows * search.epochs * members
    steps = SECONDS_A_STEP * search.epochs * (fit_rows + train_rows) / search.batch_size
    beside = SECONDS_BESIDE + SECONDS_A_MILLION_ROWS * rows / 1e6 + SECONDS_A_MEMBER * members
    stopped = 1.0 if search.patience is None else STOPPED
    least = beside + stopped * (trials + fits + steps) / DOUBT
    return least, beside + (trials + fits + steps) * DOUBT


def _weights(space: MLPSettings, features: int, numeric: int, classes: int) -> float:
    """Of a trial's network, on average over the space."""
    outputs = 1 if classes == 2 else classes
    widths = [(low + high) / 2 for low, high in space.widths]
    fewest, most = space.layers or (len(widths), len(widths))
    inputs = [
        features - numeric + numeric * (PIECES if name == "ple" else 1)
        for name in space.encoding or ("none",)
    ]
    sizes = [
        _size([first, *widths[:layers], outputs])
        for first in inputs
        for layers in range(fewest, most + 1)
    ]
    return sum(sizes) / len(sizes)


def _size(widths: Sequence[float]) -> float:
    return sum(before * width for before, width in pairwise(widths))
