"""Keeps what TensorFlow has made ready to run, although every build of a model sets a seed.

Setting TensorFlow's seed, or clearing Keras' session, throws away the kernels of the whole process,
so that those of random operations start anew. The training functions of stacks go with them, and
TensorFlow optimizes each from its graph again when it is called next: that took a fifth of the
processor time of a search. Most builds compute nothing random but by Keras' initializers, which
keep no state in kernels; here the kernels are thrown away just before a build does.

Random operations that are called as `tf.raw_ops`, with seeds of their own, are not seen: built
twice in a process, these go on where the first build has left them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from tensorflow.python import pywrap_tfe
from tensorflow.python.eager.polymorphic_function.concrete_function import ConcreteFunction
from tensorflow.python.framework import random_seed

from trialstack.executors.patch import Patch, Replacement

_thread = threading.local()
"""`put_off`: what this thread has put off, while it does."""


@contextlib.contextmanager
def kept_kernels() -> Iterator[None]:
    """Kernels that this thread throws away in here are kept, until something random is computed."""
    before = getattr(_thread, "put_off", None)
    _thread.put_off = {}
    try:
        with kept_kernels_patch():
            yield
    finally:
        _thread.put_off = before


def kept_kernels_patch() -> contextlib.AbstractContextManager[None]:
    """Around many `kept_kernels`, which are quicker in here."""
    return _PATCH.applied()


def _replacements() -> list[Replacement]:
    clear = pywrap_tfe.TFE_ContextClearCaches
    seeds_of = random_seed.get_seed
    call_function = ConcreteFunction._call_flat

    def put_off(context: Any) -> None:
        waiting = getattr(_thread, "put_off", None)
        if waiting is None:
            clear(context)
        else:
            waiting["context"] = context

    def clear_if_put_off() -> None:
        waiting = getattr(_thread, "put_off", None)
        if waiting:
            clear(waiting.pop("context"))

    def get_seed(op_seed: Any) -> Any:
        """Asked by every random operation that keeps a state."""
        clear_if_put_off()
        return seeds_of(op_seed)

    def call_flat(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Such operations may also be within a function that was traced before."""
        clear_if_put_off()
        return call_function(self, *args, **kwargs)

    return [
        (pywrap_tfe, "TFE_ContextClearCaches", put_off),
        (random_seed, "get_seed", get_seed),
        (ConcreteFunction, "_call_flat", call_flat),
    ]


_PATCH = Patch(_replacements)
