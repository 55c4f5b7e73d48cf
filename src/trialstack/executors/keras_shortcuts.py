"""Shorter ways to what Keras works out anew for every attribute of every layer.

A model of three layers is 600 assignments of attributes, 50 signatures of functions and 40
questions whether something is a tensor: half of the time that building it takes. Here each is
answered by what is known from the last time. Nothing about the model is different: whatever is not
known to be the usual case goes the usual way.
"""

from __future__ import annotations

import contextlib
import inspect
import types
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.tensorflow.core import Variable
from keras.src.backend.tensorflow.trackable import KerasAutoTrackable
from keras.src.layers import layer as layer_module
from keras.src.legacy.saving import serialization as legacy_module
from keras.src.ops import operation as operation_module
from keras.src.trainers import trainer as trainer_module
from keras.src.utils.tracking import is_tracking_enabled
from tensorflow.python.trackable.data_structures import NoDependency

from trialstack.executors.patch import Patch, Replacement

AutoTrackable = tf.__internal__.tracking.AutoTrackable
Layer = keras.layers.Layer

USUAL_SETTERS = (Layer, KerasAutoTrackable, AutoTrackable, object)
"""Classes whose `__setattr__` an ordinary layer or model has, first to last."""

TRACKED = (
    tf.__internal__.tracking.Trackable,  # layers, optimizers and variables among them
    keras.Variable,
    keras.metrics.Metric,
    keras.random.SeedGenerator,
    tuple,
    list,
    dict,
    set,
    NoDependency,
)
"""What `__setattr__` of a layer does more with than to keep it: in stores, in wrappers."""

ASKING_FOR_SIGNATURES = (layer_module, operation_module, trainer_module, legacy_module)
"""Modules of Keras; the last is what Keras Tuner copies hyperparameters by."""

CONTAINERS = frozenset({list, dict, set})
"""Types of which Keras' tracker makes one of its own."""

MOST_REMEMBERED = 1000
"""Answers. A `build` that defines classes asks about new ones every time."""


class _Remembered(dict[Any, Any]):
    """Answers by question, found once."""

    def __init__(self, find: Callable[[Any], Any]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, question: Any) -> Any:
        answer = self._find(question)
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        self[question] = answer
        return answer


def keras_shortcuts() -> contextlib.AbstractContextManager[None]:
    """Inside, Keras takes the shorter ways, in all threads."""
    return _PATCH.applied()


def _shortcuts() -> list[Replacement]:
    signatures = _Inspect()
    return [
        (Layer, "__setattr__", _attribute_setter(Layer.__setattr__)),
        *((module, "inspect", signatures) for module in ASKING_FOR_SIGNATURES),
        (tf, "is_tensor", _tensor_test(tf.is_tensor)),
        (Variable, "_convert_to_tensor", _converter(Variable._convert_to_tensor)),
    ]


_PATCH = Patch(_shortcuts)


def _attribute_setter(ordinary: Callable[..., None]) -> Callable[..., None]:
    """Of layers and models. Three trackers look at every value, few of which concern them."""
    usual = _Remembered(_is_usual_layer)
    untracked = _Remembered(lambda kind: not _may_be(kind, TRACKED))

    def set_attribute(self: Any, name: str, value: Any) -> None:
        kind = type(self)
        # A layer without its tracker is one that has still to be given it, by the usual way.
        if usual[kind] and "_tracker" in self.__dict__:
            of_class = getattr(kind, name, None)
            # A method may be hidden by an attribute; a property has a setter of its own.
            if of_class is None or type(of_class) is types.FunctionType:
                if untracked[type(value)]:
                    object.__setattr__(self, name, value)
                    return
                if type(value) in CONTAINERS and _set_container(self, name, value):
                    return
        ordinary(self, name, value)

    return set_attribute


def _set_container(layer: Any, name: str, value: Any) -> bool:
    """Sets a list, a dictionary or a set; returns whether it was one of the two simple cases."""
    of_tensorflow = getattr(layer, "_self_setattr_tracking", True)
    if is_tracking_enabled():
        # Keras wraps it, and TensorFlow passes over what Keras has wrapped.
        value = layer._tracker.track(value)
        if of_tensorflow and hasattr(layer, "_tracked"):
            layer._tracked.append(name)
    elif of_tensorflow:
        return False
    object.__setattr__(layer, name, value)
    return True


def _is_usual_layer(kind: type) -> bool:
    setters = tuple(base for base in kind.__mro__ if "__setattr__" in vars(base))
    hooks = ("_setattr_hook", "_initialize_tracker", "__getattribute__")
    return (
        setters == USUAL_SETTERS
        and all(getattr(kind, hook) is getattr(Layer, hook) for hook in hooks)
        and not hasattr(kind, "__getattr__")
    )


def _may_be(kind: type, classes: tuple[type, ...]) -> bool:
    """Whether `isinstance` may say that objects of this type are of these classes."""
    # A proxy tells `isinstance` the class of what it stands for.
    proxy = any("__class__" in vars(base) for base in kind.__mro__[:-1])
    return proxy or issubclass(kind, classes)


class _Inspect:
    """The module `inspect` for parts of Keras that ask every layer for the same signatures."""

    def __init__(self) -> None:
        self._signatures = _Remembered(inspect.signature)
        self._signatures_of_methods = _Remembered(_signature_of_method)
        self._specifications = _Remembered(inspect.getfullargspec)

    def __getattr__(self, name: str) -> Any:
        return getattr(inspect, name)

    def signature(self, function: Any) -> inspect.Signature:
        """As `inspect.signature`: of a method, by the function behind it."""
        kind = type(function)
        if kind is types.FunctionType and "__wrapped__" in vars(function):
            # Keras wraps the `build` of every layer anew.
            wrapped = function.__wrapped__
            if type(wrapped) is not types.MethodType or hasattr(function, "__signature__"):
                return inspect.signature(function)
            kind, function = types.MethodType, wrapped
        if kind is types.MethodType and type(function.__func__) is types.FunctionType:
            return self._signatures_of_methods[function.__func__]  # type: ignore[no-any-return]
        if kind is types.FunctionType:
            return self._signatures[function]  # type: ignore[no-any-return]
        return inspect.signature(function)

    def getfullargspec(self, function: Any) -> inspect.FullArgSpec:
        """As `inspect.getfullargspec`."""
        if type(function) is types.MethodType:  # whose first argument it names, too
            function = function.__func__
        if type(function) is types.FunctionType:
            return self._specifications[function]  # type: ignore[no-any-return]
        return inspect.getfullargspec(function)


def _signature_of_method(function: types.FunctionType) -> inspect.Signature:
    return inspect.signature(types.MethodType(function, object()))


def _tensor_test(ordinary: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """`tf.is_tensor`: it looks for a protocol's methods, which takes long when there are none."""
    asked: set[type] = set()  # types of which something was asked about and was no tensor

    def is_tensor(x: Any) -> bool:
        kind = type(x)
        # Else it is one only by its class, or by an attribute that this very object has.
        if kind in asked and x.__class__ is kind and not hasattr(x, "is_tensor_like"):
            return False
        found = ordinary(x)
        if not found and len(asked) < MOST_REMEMBERED:
            asked.add(kind)
        return found

    return is_tensor


def _converter(ordinary: Callable[..., Any]) -> Callable[..., Any]:
    """Of initial values. Keras lets TensorFlow cast integers, an operation that it must load."""

    def convert(self: Any, value: Any, dtype: Any = None) -> Any:
        whole = type(dtype) is str and dtype in {"int", "int32", "int64"}
        if whole and type(value) is int and abs(value) < 2**31:
            return tf.constant(value, keras.backend.standardize_dtype(dtype))
        return ordinary(self, value, dtype)

    return convert
