"""The shorter ways lead to the same answers; `test_deferred` compares whole models."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.layers import layer as layer_module

from trialstack.executors import keras_shortcuts as shortcuts
from trialstack.executors.keras_shortcuts import keras_shortcuts


@pytest.fixture
def inside() -> Iterator[Any]:
    """The module `inspect` as a part of Keras sees it."""
    assert layer_module.inspect is inspect
    with keras_shortcuts():
        yield layer_module.inspect


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def plain(a: int, b: str = "b", *more: Any, c: float, **others: Any) -> None: ...


def signed(x: Any) -> None: ...


signed.__signature__ = inspect.signature(plain)  # type: ignore[attr-defined]


class Asked:
    def method(self, a: int, *, training: bool = False) -> None: ...

    @decorated
    def wrapped(self, a: int, b: int = 2) -> None: ...

    @classmethod
    def of_class(cls, a: int) -> None: ...

    @staticmethod
    def static(a: int) -> None: ...

    def __call__(self, z: int) -> None: ...


def bound_and_wrapped() -> Callable[..., Any]:
    return decorated(Asked().method)


FUNCTIONS: dict[str, Callable[[], Any]] = {
    "function": lambda: plain,
    "decorated function": lambda: decorated(plain),
    "twice decorated": lambda: decorated(decorated(plain)),
    "with a signature of its own": lambda: signed,
    "method": lambda: Asked().method,
    "decorated method": lambda: Asked().wrapped,
    "of a class": lambda: Asked.of_class,
    "static": lambda: Asked.static,
    "unbound": lambda: Asked.method,
    "as Keras wraps build": bound_and_wrapped,
    "wrapped around a decorated method": lambda: decorated(Asked().wrapped),
    "callable object": Asked,
    "class": lambda: Asked,
    "partial": lambda: functools.partial(plain, 1),
    "initializer": lambda: keras.layers.Dense.__init__,
    "build of a layer": lambda: keras.layers.Dense(2).build,
    "call of a layer": lambda: keras.layers.Dense(2).call,
}


class TestSignatures:
    @pytest.mark.parametrize("make", FUNCTIONS.values(), ids=FUNCTIONS)
    def test_as_inspect(self, make: Callable[[], Any], inside: Any) -> None:
        assert inside is not inspect
        for _ in range(3):
            assert inside.signature(make()) == inspect.signature(make())
            assert inside.getfullargspec(make()) == inspect.getfullargspec(make())

    def test_what_has_none(self, inside: Any) -> None:
        with pytest.raises(TypeError):
            inside.signature(3)

    def test_the_rest_of_the_module(self, inside: Any) -> None:
        assert inside.Parameter is inspect.Parameter


class TensorLike:
    def is_tensor_like(self) -> None: ...


class Bare:
    pass


def made_a_tensor() -> Bare:
    bare = Bare()
    bare.is_tensor_like = bare.__init__  # type: ignore[attr-defined, misc]
    return bare


class Proxy:
    """Says that it is what it stands for."""

    def __init__(self, target: Any) -> None:
        self._target = target

    @property
    def __class__(self) -> Any:
        return type(self._target)

    @__class__.setter
    def __class__(self, kind: type) -> None: ...


OBJECTS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "number": lambda: 1.5,
    "text": lambda: "zeros",
    "list of tensors": lambda: [tf.constant(1)],
    "array": lambda: np.zeros(2),
    "tensor": lambda: tf.constant(1),
    "sparse": lambda: tf.sparse.from_dense([1, 0]),
    "ragged": lambda: tf.ragged.constant([[1], []]),
    "variable": lambda: tf.Variable(1),
    "variable of Keras": lambda: keras.Variable(1.0),
    "symbolic": lambda: keras.KerasTensor((2,)),
    "initializer": keras.initializers.Zeros,
    "bare": Bare,
    "bare, but made one": made_a_tensor,
    "like one": TensorLike,
    "proxy of a number": lambda: Proxy(1),
    "proxy of a tensor": lambda: Proxy(tf.constant(1)),
}


def test_what_a_tensor_is() -> None:
    expected = {name: tf.is_tensor(make()) for name, make in OBJECTS.items()}
    assert 0 < sum(expected.values()) < len(expected)
    with keras_shortcuts():
        for _ in range(2):
            assert {name: tf.is_tensor(make()) for name, make in OBJECTS.items()} == expected


@pytest.mark.parametrize("dtype", ["int", "int32", "int64", "float32", "uint8", "bool", None])
@pytest.mark.parametrize("value", [0, 7, -3, True, 2.5, [1, 2], np.int64(4)])
def test_values_of_variables(value: Any, dtype: str | None) -> None:
    expected = keras.Variable(value, dtype=dtype)
    with keras_shortcuts():
        found = keras.Variable(value, dtype=dtype)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_a_number_that_needs_64_bits() -> None:
    with keras_shortcuts():
        assert int(keras.Variable(2**40, dtype="int64").numpy()) == 2**40


@pytest.mark.usefixtures("inside")
class TestAttributes:
    def test_a_property_keeps_its_setter(self) -> None:
        layer = keras.layers.Dense(2)
        layer.build((None, 3))
        layer.trainable = False
        assert not layer.trainable_weights
        with pytest.raises(AttributeError):
            layer.path = "elsewhere"

    def test_what_hangs_on_a_layer_is_found(self) -> None:
        layer = keras.layers.Layer()
        layer.parts = [keras.layers.Dense(1)]
        layer.parts.append(keras.layers.Dropout(0.5))
        layer.by_name = {"last": keras.layers.Dense(1)}
        layer.pair = (keras.layers.Dense(1), 3)
        assert len(layer._layers) == 4
        layer.weight = keras.Variable([1.0, 2.0])
        assert layer.weights == [layer.weight]

    def test_a_locked_layer_takes_no_more(self) -> None:
        layer = keras.layers.Dense(1)
        layer.build((None, 1))
        layer.note = "plain"
        with pytest.raises(ValueError, match="cannot add new elements of state"):
            layer.more = [keras.layers.Dense(1)]

    def test_an_unfinished_layer_says_so(self) -> None:
        class Forgetful(keras.layers.Layer):
            def __init__(self) -> None:
                self.units = 3

        with pytest.raises(RuntimeError, match="forgot to call"):
            Forgetful()(np.zeros((1, 1)))


def test_not_everything_is_remembered() -> None:
    found: list[int] = []
    remembered = shortcuts._Remembered(lambda number: found.append(number) or number)
    for number in [*range(shortcuts.MOST_REMEMBERED + 5), 3]:
        assert remembered[number] == number
    assert len(remembered) <= shortcuts.MOST_REMEMBERED
    assert found.count(3) == 2
    assert remembered[3] == 3
    assert found.count(3) == 2
