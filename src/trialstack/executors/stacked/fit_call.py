"""The arguments of a `fit` call, as far as they decide how a trial is trained."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from trialstack.datasets.chosen_rows import ChosenRows
from trialstack.executors.batch_order import BATCH_SIZE, validation_border
from trialstack.executors.stacked.reasons import Unstackable

CALLBACKS = frozenset(
    {"EarlyStopping", "ReduceLROnPlateau", "LearningRateScheduler", "TerminateOnNaN"}
)
FIT_ARGUMENTS = frozenset(
    {"x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split",
     "validation_data", "shuffle", "class_weight", "sample_weight", "validation_batch_size"}
)  # fmt: skip

FIT_DEFAULTS: Mapping[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(keras.Model.fit).parameters.items()
}


@dataclass(frozen=True)
class Fit:
    """The arguments of a `fit` call that matter.

    Attributes:
        x: Training rows, shape `(rows, features)`.
        y: Their targets.
        weight: Weight of each row's loss, shape `(rows,)`, or None.
        validation: Rows, targets and weights of the validation, or None.
        epochs: At most.
        batch_size: Rows of a training step.
        validation_batch_size: Rows of a validation step.
        shuffle: Whether rows come in the search's order, or in file order.
        callbacks: As they were given.
    """

    x: Any
    y: Any
    weight: Any
    validation: tuple[Any, Any, Any] | None
    epochs: int
    batch_size: int
    validation_batch_size: int
    shuffle: bool
    callbacks: tuple[Any, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for calls that can share a stack."""
        data = (self.x, self.y, self.weight, *(self.validation or ()))
        return (
            tuple(_array_key(part) for part in data),
            self.epochs,
            self.batch_size,
            self.validation_batch_size,
            self.shuffle,
        )


def fit_of(arguments: Mapping[str, Any]) -> Fit:
    """Reads the arguments of a `fit` call.

    Raises:
        Unstackable: Data other than arrays, other callbacks, or arguments that are not known.
    """
    given = {name: value for name, value in arguments.items() if not _is_default(name, value)}
    unknown = sorted(set(given) - FIT_ARGUMENTS)
    if unknown:
        raise Unstackable(f"the fit argument {unknown[0]}")
    callbacks = tuple(given.get("callbacks") or ())
    for callback in callbacks:
        kind = type(callback)
        if kind.__name__ not in CALLBACKS or not kind.__module__.startswith("keras."):
            raise Unstackable(f"a {kind.__name__} callback")
    x: Any = given.get("x")
    y: Any = given.get("y")
    weight = given.get("sample_weight")
    _check_arrays(x, y, weight)
    validation = given.get("validation_data")
    if validation is not None:
        validation = _validation(validation)
    elif given.get("validation_split"):
        border = validation_border(len(x), given["validation_split"])
        parts = [None if part is None else part[border:] for part in (x, y, weight)]
        validation = (parts[0], parts[1], parts[2])
        x, y = x[:border], y[:border]
        weight = None if weight is None else weight[:border]
    batch_size = int(given.get("batch_size") or BATCH_SIZE)
    return Fit(
        x,
        y,
        _row_weights(y, weight, given.get("class_weight")),
        validation,
        int(given.get("epochs", 1)),
        batch_size,
        int(given.get("validation_batch_size") or batch_size),
        bool(given.get("shuffle", True)),
        callbacks,
    )


def _is_default(name: str, value: Any) -> bool:
    return value is None or (not isinstance(value, np.ndarray) and value is FIT_DEFAULTS.get(name))


def _check_arrays(x: Any, y: Any, weight: Any) -> None:
    for part in (x, y, *(() if weight is None else (weight,))):
        if not isinstance(part, np.ndarray | ChosenRows) or part.dtype.kind not in "fiub":
            raise Unstackable("data that are not NumPy arrays of numbers")
    if x.ndim != 2 or len(x) != len(y) or y.ndim > 2:
        raise Unstackable("data that are not rows of numbers")


def _validation(validation: Any) -> tuple[Any, Any, Any]:
    if not isinstance(validation, tuple | list) or not 2 <= len(validation) <= 3:
        raise Unstackable("validation data that are not arrays")
    x, y, weight = (*validation, None)[:3]
    _check_arrays(x, y, weight)
    return x, y, weight


def _row_weights(y: Any, weight: Any, class_weight: Mapping[int, float] | None) -> Any:
    if not class_weight:
        return weight
    if weight is not None:
        raise Unstackable("class_weight and sample_weight at once")
    classes = y.argmax(axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)
    known = {int(label): float(factor) for label, factor in class_weight.items()}
    return np.array([known.get(int(label), 1.0) for label in classes], dtype=np.float32)


def _array_key(part: Any) -> Any:
    """Equal for equal arrays; the same object most of the time, so its identity goes first."""
    return None if part is None else (part.shape, str(part.dtype), _fingerprint(part))


def _fingerprint(array: Any) -> tuple[int, ...]:
    # Class weights make a new array for every trial; the rest is one object for all of them.
    if isinstance(array, ChosenRows):
        return (id(array.table), id(array.indices))
    base = array if array.base is None else array.base
    if array.ndim == 1 and array.dtype == np.float32 and array.base is None:
        return (hash(array.tobytes()),)
    return (id(base), array.__array_interface__["data"][0], *array.strides)
