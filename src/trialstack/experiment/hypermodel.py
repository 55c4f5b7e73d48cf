"""The `[hypermodel]` table: the built-in search space, or a class of the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from trialstack.experiment.problems import impossible
from trialstack.experiment.section import Section
from trialstack.experiment.spaces import (
    Activations,
    ClassWeights,
    DropoutRate,
    Encodings,
    Flags,
    LayerWidths,
    LearningRate,
    NumberOfLayers,
    Optimizers,
    Penalty,
)
from trialstack.experiment.values import Flag, Table, Text


class MLPSettings(Section):
    """The search space of the built-in multilayer perceptron.

    Parts that are None are not searched and keep Keras' defaults.

    Attributes:
        units: Inclusive range of each hidden layer's width.
        layers: Inclusive range of the number of hidden layers; None = as many as `units` has.
        tapering: Whether each hidden layer is narrower than the one before.
        l1: L1 penalty of all kernels and biases.
        l2: L2 penalty of all kernels and biases.
        standardize: Whether inputs are scaled to mean 0 and variance 1 inside the model.
        activation: Of the hidden layers.
        dropout: Rate of dropout after each hidden layer.
        batch_normalization: Whether each hidden layer is normalised before its activation.
        optimizer: Keras' name of it.
        learning_rate: Of the optimizer.
        encoding: What is made of numbers, inside the model, instead of standardising them.
        class_weight: `"balanced"`: in the loss a row weighs the more, the rarer its class is.
    """

    type: Text = "mlp"
    units: LayerWidths = Field(examples=["units = [[25, 99], [20, 98]]"])
    layers: NumberOfLayers | None = None
    tapering: Flag = False
    l1: Penalty | None = None
    l2: Penalty | None = None
    standardize: Flag = True
    activation: Activations | None = None
    dropout: DropoutRate | None = None
    batch_normalization: Flags | None = None
    optimizer: Optimizers | None = None
    learning_rate: LearningRate | None = None
    encoding: Encodings | None = None
    class_weight: ClassWeights | None = None

    @property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """Inclusive range of the width of every hidden layer that a trial may have."""
        repeated = len(self.units) == 1 and self.layers is not None
        return self.units * self.layers[1] if repeated and self.layers else self.units

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.layers and len(self.units) not in {1, self.layers[1]}:
            allowed = f"one range for all layers, or {self.layers[1]}: as many as layers at most"
            raise impossible(self.units, allowed, "units")
        if not self.tapering:
            return self
        for number, ((before, _), (low, _)) in enumerate(pairwise(self.widths), start=2):
            if low >= before:
                allowed = (
                    f"with tapering, a lower bound of layer {number} below that of the layer "
                    f"before it ({before})"
                )
                raise impossible(self.units, allowed, "units")
        return self


CLASS_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class CustomSettings(Section):
    """A hypermodel class of the user's own.

    Attributes:
        type: `package.module:Class`.
        params: Keyword arguments of the class.
    """

    type: Text
    params: Table = Field(default_factory=dict)


def _check_type(table: Any) -> Any:
    """Before anything else is checked: the type decides which keys there are."""
    kind = _type_of(table)
    if kind == "mlp" or (isinstance(kind, str) and CLASS_NAME.fullmatch(kind)):
        return table
    allowed = "'mlp', or a class of yours as 'package.module:Class'"
    raise impossible(kind, allowed, "type")


def _kind_of_hypermodel(table: Any) -> str:
    return "mlp" if _type_of(table) == "mlp" else "custom"


def _type_of(table: Any) -> Any:
    """The type of a table that is to be validated, or of a model that is to be written."""
    if isinstance(table, Mapping):
        return table.get("type", "mlp")
    return getattr(table, "type", "mlp")


HypermodelSettings = Annotated[
    Annotated[MLPSettings, Tag("mlp")] | Annotated[CustomSettings, Tag("custom")],
    Discriminator(_kind_of_hypermodel),
    BeforeValidator(_check_type),
]
