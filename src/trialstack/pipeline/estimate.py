"""About how long a search takes, before anything is trained."""

from __future__ import annotations

import os
from itertools import pairwise

from trialstack.experiment import Experiment
from trialstack.experiment.hypermodel import MLPSettings

OPERATIONS_A_SECOND = 4e9
"""Of one core, in stacks of small networks: benchmarks/many_rows.py and search_speed.py come to
8e9 to 9e9 on two."""

OPERATIONS_A_WEIGHT = 6
"""Forward, and backward to inputs and to weights, each a multiplication and an addition."""

SECONDS_A_STEP = 0.002
SECONDS_BESIDE = 25.0
"""Starting TensorFlow, drawing, checking the model in a fresh process, registering it."""


def most_seconds(
    experiment: Experiment, *, features: int, classes: int, fit_rows: int, train_rows: int
) -> float | None:
    """How long a search takes on this machine if no trial stops early; within a factor of three.

    Args:
        experiment: Whose search it is.
        features: That a network takes.
        classes: That there are.
        fit_rows: Rows that a trial is fitted on.
        train_rows: Rows that the final model is fitted on.

    Returns:
        Seconds; None for a hypermodel of the user's own, of which nothing is known.
    """
    if not isinstance(experiment.hypermodel, MLPSettings):
        return None
    search, cores = experiment.search, os.cpu_count() or 1
    mean = [(low + high) / 2 for low, high in experiment.hypermodel.widths]
    weights = _weights(features, mean, classes)
    work = weights * fit_rows * search.epochs * search.max_trials
    steps = search.epochs * (fit_rows + 2 * train_rows) / search.batch_size
    seconds = work * OPERATIONS_A_WEIGHT / (OPERATIONS_A_SECOND * cores)
    return SECONDS_BESIDE + seconds + steps * SECONDS_A_STEP


def _weights(features: int, widths: list[float], classes: int) -> float:
    outputs = 1 if classes == 2 else classes
    return sum(before * width for before, width in pairwise([features, *widths, outputs]))
