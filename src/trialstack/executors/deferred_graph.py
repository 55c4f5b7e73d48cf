"""Sequential models whose graph is drawn when somebody computes with it, or looks at it closely.

`keras.Sequential` makes a whole functional model of its layers, once for each `add`. It takes a
fifth of the time of a build, and what is asked of it before a training is no more than its inputs
and its outputs.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras.src.backend.common.name_scope import current_path
from keras.src.backend.common.remat import get_current_remat_mode
from keras.src.models import sequential as sequential_module
from keras.src.models.functional import Functional
from keras.src.utils.naming import auto_name

from trialstack.executors.patch import Patch

_thread = threading.local()
"""`undrawn`: the graphs put off by this thread, while it puts them off."""


class _Undrawn(Functional):
    """A functional model that has still to be initialized, and then is an ordinary one.

    It has been made by `Functional.__new__`; that it lacks an attribute says that somebody needs
    the rest.
    """

    def __getattr__(self, name: str) -> Any:
        draw(self)
        return getattr(self, name)

    @property
    def inputs(self) -> list[Any]:
        return keras.tree.flatten(vars(self)["_undrawn"].inputs)  # type: ignore[no-any-return]

    @property
    def outputs(self) -> list[Any]:
        return keras.tree.flatten(vars(self)["_undrawn"].outputs)  # type: ignore[no-any-return]

    def _maybe_initialize_trackable(self) -> None:
        """TensorFlow asks for it when a model is given its graph; drawing does it as well."""


class _Drawing:
    """What a graph is drawn from, and the settings of Keras that it would have taken over."""

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.name = auto_name("Functional")  # the number in it counts what was made before
        self.dtype_policy = keras.config.dtype_policy()
        self.parent_path = current_path()


@contextlib.contextmanager
def deferred_graphs() -> Iterator[list[Callable[[], None]]]:
    """Sequential models built in here by this thread have a graph that is drawn when needed.

    Yields:
        Functions that draw them, as the models are built.
    """
    before = getattr(_thread, "undrawn", None)
    _thread.undrawn = []
    try:
        with _PATCH.applied():
            yield _thread.undrawn
    finally:
        _thread.undrawn = before


def graphs_patch() -> contextlib.AbstractContextManager[None]:
    """Inside, `Sequential` asks whether to put its graph off; by itself this changes nothing."""
    return _PATCH.applied()


def draw(graph: Any) -> None:
    """Makes an ordinary functional model of one that has not been drawn; leaves others alone."""
    drawing = vars(graph).pop("_undrawn", None)
    if drawing is None:
        return
    object.__setattr__(graph, "__class__", Functional)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(drawing.dtype_policy)
    try:
        graph.__init__(drawing.inputs, drawing.outputs, name=drawing.name)
    finally:
        keras.config.set_dtype_policy(policy)
    graph._parent_path = drawing.parent_path
    graph._path = f"{drawing.parent_path}/{drawing.name}"


def _functional(inputs: Any, outputs: Any) -> Any:
    """What `Sequential` calls in place of `Functional`."""
    undrawn = getattr(_thread, "undrawn", None)
    if undrawn is None or get_current_remat_mode() is not None:
        return Functional(inputs, outputs)
    graph = Functional.__new__(Functional, inputs, outputs)
    vars(graph)["_undrawn"] = _Drawing(inputs, outputs)
    object.__setattr__(graph, "__class__", _Undrawn)
    undrawn.append(lambda: draw(graph))
    return graph


_PATCH = Patch(lambda: [(sequential_module, "Functional", _functional)])
