"""What the cores are busy with: one operation of TensorFlow, or one stack each."""

from __future__ import annotations

import os
from itertools import pairwise

from trialstack.experiment import Experiment, MLPSettings

INTRA_OP_THREADS = "TF_NUM_INTRAOP_THREADS"
"""Environment variable of TensorFlow: threads that share the work of one operation."""
SMALL_PRODUCT = 10_000_000
"""Multiplications of a training step's largest product that a second core would hardly shorten."""


def share_cores(experiment: Experiment) -> None:
    """Leaves the cores to stacks of small networks, one each, where a search is of such.

    It must be called before TensorFlow is imported, and holds for the whole process: so it is for
    commands, not for a library's functions. A user's own setting stays.

    Args:
        experiment: What is going to be searched.
    """
    settings, search = experiment.hypermodel, experiment.search
    if not isinstance(settings, MLPSettings) or search.executor == "one-by-one":
        return
    widths = [high for _, high in settings.widths]
    products = [before * after for before, after in pairwise(widths)]
    if search.batch_size * max([*products, *widths]) <= SMALL_PRODUCT:
        os.environ.setdefault(INTRA_OP_THREADS, "1")


def operations_take_one_thread() -> bool:
    """Whether TensorFlow is told, in whichever way, not to share an operation's work."""
    import tensorflow as tf

    told = os.environ.get(INTRA_OP_THREADS)
    return told == "1" or tf.config.threading.get_intra_op_parallelism_threads() == 1


def count_cores() -> int:
    """Cores that this process may use."""
    mine = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(mine(0)) if mine else os.cpu_count() or 1
