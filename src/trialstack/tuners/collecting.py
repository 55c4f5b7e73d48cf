"""Garbage collections that look at what a search makes, and not at all that was there before.

TensorFlow, Keras and MLflow are 400,000 objects that live as long as the process. A full collection
visits every one, which takes 0.3 s: Python makes one for every hundred models that are built, and
we after every tenth training by `model.fit`.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Iterator

_searches = itertools.count()


@contextlib.contextmanager
def collecting_apart() -> Iterator[None]:
    """Inside, cycles of objects that are there already wait; it may be entered again.

    What an earlier search of the process has left, its models among it, is collected first.
    """
    if gc.get_freeze_count():
        yield  # somebody has put objects aside already, and is going to take them back
        return
    if next(_searches):
        gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
