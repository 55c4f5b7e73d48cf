"""Layers that can be stacked, each read into the links of a chain."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from trialstack.executors.stacked.reasons import Unstackable

ELEMENTWISE = frozenset(
    {
        "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu",
        "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "mish", "relu", "relu6", "selu",
        "sigmoid", "silu", "soft_shrink", "softplus", "softsign", "sparse_plus", "squareplus",
        "tanh", "tanh_shrink", "threshold",
    }
)  # fmt: skip
"""Keras' activations that treat every number by itself."""

ELEMENTWISE_LAYERS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.ELU)


@dataclass(frozen=True)
class Slot:
    """One variable of a layer.

    Attributes:
        name: `kernel`, `bias`, `gamma`, ...
        variable: Keras' own, for its initial value.
        trainable: Whether the optimizer changes it.
        l1: Factor of its L1 penalty.
        l2: Factor of its L2 penalty.
        padding: What its entries for units that a trial does not have are filled with.
    """

    name: str
    variable: Any
    trainable: bool = True
    l1: float = 0.0
    l2: float = 0.0
    padding: float = 0.0

    @functools.cached_property
    def shape(self) -> tuple[int, ...]:
        """As the trial's own model has it."""
        return tuple(int(size) for size in self.variable.shape)


@dataclass(frozen=True)
class Link:
    """One layer of a chain.

    Attributes:
        kind: `dense`, `batch_normalization`, `activation`, `dropout`, `noise` or `prelu`.
        settings: What all trials of a stack must have in common.
        slots: Its variables.
        apply: An elementwise function, for kinds that have one.
        rate: Of dropout; standard deviation of noise. It may differ from trial to trial.
        seed: State of the layer's seed generator, for kinds that draw random numbers.
    """

    kind: str
    settings: tuple[Any, ...] = ()
    slots: tuple[Slot, ...] = ()
    apply: Callable[[Any], Any] | None = None
    rate: float = 0.0
    seed: Any = None

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for links that can stand at the same place of a stack."""
        drawn = self.rate > 0 if self.kind in {"dropout", "noise"} else None
        return (self.kind, self.settings, tuple(slot.name for slot in self.slots), drawn)


def links_of(layer: Any) -> list[Link]:
    """What a layer is in a chain.

    Raises:
        Unstackable: It cannot be stacked, or not as it is set.
    """
    check_layer(layer)
    read = _READERS.get(type(layer))
    if read is None:
        raise Unstackable(f"a {type(layer).__name__} layer")
    return read(layer)


def check_layer(layer: Any) -> None:
    """Refuses what no layer of a stack may have.

    Raises:
        Unstackable: It has some of that.
    """
    if layer.dtype_policy.name != "float32":
        raise Unstackable(f"numbers of type {layer.dtype_policy.name}")
    if getattr(layer, "activity_regularizer", None) is not None:
        raise Unstackable("an activity regularizer")
    if not layer.trainable:
        raise Unstackable("a frozen layer")


def _dense(layer: Any) -> list[Link]:
    if getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False):
        raise Unstackable("quantized or low-rank weights")
    slots = [_slot("kernel", layer._kernel)]
    if layer.use_bias:
        slots.append(_slot("bias", layer.bias))
    return [Link("dense", slots=tuple(slots)), *_activation(layer.activation)]


def _slot(name: str, variable: Any) -> Slot:
    """What the variable says, and not the layer: Keras goes by it, and it may have been changed."""
    if not variable.trainable:
        raise Unstackable("a frozen weight")
    if variable.constraint is not None:
        raise Unstackable("a constraint on weights")
    regularizer = variable.regularizer
    if regularizer is None:
        return Slot(name, variable)
    if type(regularizer) not in {
        keras.regularizers.L1,
        keras.regularizers.L2,
        keras.regularizers.L1L2,
    }:
        raise Unstackable(f"a {type(regularizer).__name__} regularizer")
    l1, l2 = getattr(regularizer, "l1", 0.0), getattr(regularizer, "l2", 0.0)
    return Slot(name, variable, l1=float(l1), l2=float(l2))


def _activation(function: Any) -> list[Link]:
    name = getattr(function, "__name__", "")
    if name == "linear":
        return []
    known = getattr(keras.activations, name, None)
    if known is not function or name not in ELEMENTWISE | {"softmax"}:
        raise Unstackable(f"the activation {name or function!r}")
    return [Link("activation", (name,), apply=function)]


def _elementwise_layer(layer: Any) -> list[Link]:
    if getattr(layer, "threshold", 0.0) and layer.negative_slope:
        raise Unstackable("a ReLU layer that makes something out of nothing")
    return [Link("activation", (type(layer).__name__, settings_text(layer)), apply=layer.call)]


def _prelu(layer: Any) -> list[Link]:
    return [Link("prelu", (bool(layer.shared_axes),), (_slot("alpha", layer.alpha),))]


def _batch_normalization(layer: Any) -> list[Link]:
    if getattr(layer, "renorm", False):
        raise Unstackable("batch renormalisation")
    if layer.synchronized:
        raise Unstackable("synchronisation in batch normalisation")
    slots = []
    if layer.scale:
        slots.append(_slot("gamma", layer.gamma))
    if layer.center:
        slots.append(_slot("beta", layer.beta))
    slots.append(Slot("moving_mean", layer.moving_mean, trainable=False))
    slots.append(Slot("moving_variance", layer.moving_variance, trainable=False, padding=1.0))
    return [Link("batch_normalization", (layer.momentum, layer.epsilon), tuple(slots))]


def _dropout(layer: Any) -> list[Link]:
    if layer.noise_shape is not None:
        raise Unstackable("dropout with a noise shape")
    if layer.rate == 0:
        return []
    return [Link("dropout", rate=float(layer.rate), seed=layer.seed_generator.state)]


def _noise(layer: Any) -> list[Link]:
    if layer.stddev == 0:
        return []
    return [Link("noise", rate=float(layer.stddev), seed=layer.seed_generator.state)]


_READERS: dict[type, Callable[[Any], list[Link]]] = {
    keras.layers.Dense: _dense,
    keras.layers.Activation: lambda layer: _activation(layer.activation),
    keras.layers.PReLU: _prelu,
    keras.layers.BatchNormalization: _batch_normalization,
    keras.layers.Dropout: _dropout,
    keras.layers.GaussianNoise: _noise,
    **dict.fromkeys(ELEMENTWISE_LAYERS, _elementwise_layer),
}
"""Layers that can be stacked -> how they are read. A new kind is one function and one line."""


def settings_text(layer: Any) -> str:
    """A layer's settings as text, without its name."""
    config = {key: value for key, value in layer.get_config().items() if key != "name"}
    learnt = [weight.numpy().tolist() for weight in layer.weights]
    return json.dumps([type(layer).__name__, config, learnt], default=str, sort_keys=True)
