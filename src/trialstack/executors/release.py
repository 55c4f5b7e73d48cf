"""Memory that TensorFlow keeps of models that are gone.

For every custom gradient of every graph that it traces (a cross-entropy has one) it registers a
function under a new name, for ever; the function holds the graph, and the graph its operations and
constants. Every model that is built and fitted so leaves megabytes behind, with plain Keras too.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from tensorflow.python.eager import context
from tensorflow.python.framework import ops

CUSTOM_GRADIENT = "CustomGradient-"
"""What TensorFlow's names for them begin with."""

COLLECTED_EVERY = 10
"""Trainings between two collections of garbage, which take a good part of a second."""


RARER = 10
"""How many times rarer garbage is looked for while stacks train."""


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Inside, Python looks for garbage less often.

    The thousands of objects of each trial's model would have it walk through all the others, a
    twentieth of a search's time, to find few that are garbage.
    """
    before = gc.get_threshold()
    gc.set_threshold(RARER * before[0], *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Releases:
    """Gives back what trainings have left, one after the other."""

    def __init__(self) -> None:
        self._trainings = 0

    @contextlib.contextmanager
    def after_training(self) -> Iterator[None]:
        """Around one training, while nothing else is traced.

        Its graphs can be run as before; only a gradient of one that had none yet could not be
        taken any more.
        """
        registered = getattr(ops.gradient_registry, "_registry", {})
        before = {*registered}
        try:
            yield
        finally:
            for name in registered.keys() - before:
                if name.startswith(CUSTOM_GRADIENT):
                    del registered[name]
            self._trainings += 1
            if self._trainings % COLLECTED_EVERY == 0:
                gc.collect()
                context.context().clear_kernel_cache()
