"""How many trials of a kind fit into memory at once."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trialstack.datasets.chosen_rows import MOST_COPIED
from trialstack.executors.stacked.plan import TrialPlan

SHARE = 0.3
"""Of the machine's free memory that stacks may take."""
MOST = 1024
"""Trials at once, whatever the memory: beyond that a stack is no faster, and slower to report."""
COPIES_OF_WEIGHTS = 12
"""Weights, penalties, gradients, the optimizer's memory and its temporaries, best weights."""
COPIES_OF_ACTIVATIONS = 6
"""Values kept for the gradient, gradients, and temporaries of activations."""
COPIES_OF_PREDICTIONS = 8
"""Outputs on some rows as they are collected, sorted into thresholds and counted."""
VALIDATED_TOGETHER = 1024
"""Rows of the validation data that are evaluated at once, even if its batches are smaller."""
FLOAT = 4


def room_for(plan: TrialPlan, probe: NDArray[Any] | None) -> int:
    """Trials like this one that may be under way at a time, at least one.

    Those of a table that is large enough to be read in pieces take no more than it does: its steps
    keep the cores busy with few trials.

    Args:
        plan: Any trial of the search.
        probe: See `TrainingJob.probe`.
    """
    most, x = free_memory() * SHARE, plan.fit.x
    if x.size > MOST_COPIED:
        most = min(most, x.nbytes)
    return int(np.clip(most // bytes_of(plan, probe), 1, MOST))


def bytes_of(plan: TrialPlan, probe: NDArray[Any] | None) -> int:
    """Memory that a trial takes in a stack, estimated."""
    widths = [slot.shape[-1] for link in plan.chain.links for slot in link.slots[:1]]
    fit = plan.fit
    n_validation = len(fit.validation[0]) if fit.validation else 0
    validated = min(max(fit.validation_batch_size, VALIDATED_TOGETHER), n_validation)
    batch = max(fit.batch_size, validated)
    predictions = batch * plan.outputs * COPIES_OF_PREDICTIONS
    activations = batch * sum(widths) * COPIES_OF_ACTIVATIONS
    pictures = 0 if probe is None else len(probe) * max(widths, default=1) // 8
    return FLOAT * (plan.size * COPIES_OF_WEIGHTS + predictions + activations + pictures)


def free_memory() -> int:
    """Bytes that a process may still take."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return 2 << 30
