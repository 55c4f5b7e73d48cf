"""All that decides how one trial is trained: its chain, optimizer, loss, metrics and `fit` call."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from trialstack.executors.batch_order import BATCH_SIZE, validation_border
from trialstack.executors.stacked.chain import Chain, chain_of
from trialstack.executors.stacked.metrics import StackedMetric, metrics_of
from trialstack.executors.stacked.reasons import Unstackable
from trialstack.preprocessing.encodings import is_encoding
from trialstack.trials import TrialSpec

OPTIMIZERS = frozenset(
    {"SGD", "Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Adagrad", "Adadelta", "Lion"}
)
"""Keras' optimizers whose update of a number depends on that number and its gradient alone."""

MOST_ENCODED = 16_000_000
"""Numbers of an encoded table that are kept (64 MB); a larger one is encoded batch by batch."""

OF_A_TRIAL = {"Adam": ("beta_1", "beta_2"), "AdamW": ("beta_1", "beta_2")}
"""Numbers of an optimizer, beside learning rate and weight decay, that may differ in a stack."""

UNUSED = ("clipnorm", "global_clipnorm", "loss_scale_factor", "gradient_accumulation_steps")
"""Settings of optimizers that couple weights with each other, or steps."""

LOSSES = {
    "BinaryCrossentropy": "binary",
    "CategoricalCrossentropy": "categorical",
    "SparseCategoricalCrossentropy": "sparse",
}
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
class Loss:
    """A cross-entropy.

    Attributes:
        kind: `binary`, `categorical` or `sparse`.
        from_logits: Whether the model's output is taken for logits.
        label_smoothing: As Keras has it.
    """

    kind: str
    from_logits: bool
    label_smoothing: float


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


@dataclass(frozen=True)
class TrialPlan:
    """One trial, read."""

    spec: TrialSpec
    model: Any
    chain: Chain
    optimizer: Any
    loss: Loss
    metrics: tuple[StackedMetric, ...]
    fit: Fit

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for trials that can share a stack."""
        return (self.chain.before, self.kind, self.fit.key)

    @property
    def encodes_at_once(self) -> bool:
        """Whether rows are encoded before training, and not, to save memory, batch by batch."""
        if not any(map(is_encoding, self.chain.preprocessing)):
            return True
        rows, columns = self.fit.x.shape
        return bool(rows * self.chain.width(columns) <= MOST_ENCODED)

    @property
    def rows_key(self) -> tuple[Any, ...]:
        """Equal for trials that are trained on the same tensors."""
        before = self.chain.before if self.encodes_at_once else ()
        return (before, self.loss.kind, self.fit.key)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for trials that one function can train: those of a stack, and of other rows."""
        return (
            () if self.encodes_at_once else self.chain.before,
            self.chain.kind,
            _optimizer_key(self.optimizer),
            self.loss,
            tuple(metric.key for metric in self.metrics),
        )

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(int(np.prod(slot.shape)) for link in self.chain.links for slot in link.slots)


def plan_of(spec: TrialSpec, model: Any, fit_arguments: Mapping[str, Any]) -> TrialPlan:
    """Reads a compiled model and the `fit` call that is to train it.

    Raises:
        Unstackable: Something about them needs `model.fit` itself.
    """
    chain = chain_of(model)
    _check_compiled(model)
    _check_optimizer(model.optimizer)
    loss = _loss_of(model.loss)
    fit = fit_of(fit_arguments)
    metrics = metrics_of(model, fit.y, chain.output)
    return TrialPlan(spec, model, chain, model.optimizer, loss, metrics, fit)


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


def _check_compiled(model: Any) -> None:
    if model.loss is None or isinstance(model.loss, dict | list | tuple):
        raise Unstackable("no loss, or several")
    if getattr(model, "_compile_config", None) is None:
        raise Unstackable("a model that is not compiled")
    compiled = model._compile_config.config
    if compiled.get("loss_weights") or compiled.get("weighted_metrics"):
        raise Unstackable("loss weights or weighted metrics")
    if model.run_eagerly or compiled.get("steps_per_execution", 1) != 1:
        raise Unstackable("eager execution, or several steps an execution")
    if type(model).train_step is not keras.Model.train_step or "fit" in vars(model):
        raise Unstackable("a train_step or fit of its own")


def _check_optimizer(optimizer: Any) -> None:
    name = type(optimizer).__name__
    if name not in OPTIMIZERS or not type(optimizer).__module__.startswith("keras."):
        raise Unstackable(f"the optimizer {name}")
    if any(getattr(optimizer, setting, None) for setting in UNUSED) or optimizer.use_ema:
        raise Unstackable(f"clipping by norm, accumulation or averaging in {name}")
    if not hasattr(optimizer._learning_rate, "shape"):
        raise Unstackable("a learning rate schedule")


def _optimizer_key(optimizer: Any) -> tuple[Any, ...]:
    own = {"name", "learning_rate", *OF_A_TRIAL.get(type(optimizer).__name__, ())}
    config = {k: v for k, v in _optimizer_config(optimizer).items() if k not in own}
    config["weight_decay"] = config.get("weight_decay") is not None
    return (type(optimizer).__name__, *sorted((k, repr(v)) for k, v in config.items()))


def _optimizer_config(optimizer: Any) -> dict[str, Any]:
    names = [n for n in inspect.signature(type(optimizer).__init__).parameters if n != "self"]
    return {name: getattr(optimizer, name) for name in names if hasattr(optimizer, name)}


def _loss_of(loss: Any) -> Loss:
    found = keras.losses.get(loss)
    if not isinstance(found, keras.losses.Loss):
        by_function = {
            keras.losses.binary_crossentropy: "binary",
            keras.losses.categorical_crossentropy: "categorical",
            keras.losses.sparse_categorical_crossentropy: "sparse",
        }
        if found not in by_function:
            raise Unstackable(f"the loss {getattr(found, '__name__', found)}")
        return Loss(by_function[found], False, 0.0)
    kind = LOSSES.get(type(found).__name__)
    if kind is None or found.reduction not in {"sum_over_batch_size", "auto"}:
        raise Unstackable(f"the loss {type(found).__name__} or its reduction")
    if getattr(found, "ignore_class", None) is not None or getattr(found, "axis", -1) != -1:
        raise Unstackable("a loss that ignores a class")
    return Loss(kind, bool(found.from_logits), float(getattr(found, "label_smoothing", 0.0)))


def _is_default(name: str, value: Any) -> bool:
    return value is None or (not isinstance(value, np.ndarray) and value is FIT_DEFAULTS.get(name))


def _check_arrays(x: Any, y: Any, weight: Any) -> None:
    for part in (x, y, *(() if weight is None else (weight,))):
        if not isinstance(part, np.ndarray) or part.dtype.kind not in "fiub":
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
    base = array if array.base is None else array.base
    if array.ndim == 1 and array.dtype == np.float32 and array.base is None:
        return (hash(array.tobytes()),)
    return (id(base), array.__array_interface__["data"][0])
