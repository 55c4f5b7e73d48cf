"""What a Keras model is made of, if it is a chain of layers that can be stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from trialstack.executors.stacked.layers import Link, check_layer, links_of, settings_text
from trialstack.executors.stacked.reasons import Unstackable
from trialstack.preprocessing.encodings import is_encoding

PREPROCESSING = (keras.layers.Normalization, keras.layers.Rescaling)


@dataclass(frozen=True)
class Chain:
    """A model as a chain.

    Attributes:
        preprocessing: Layers at its start that have nothing to learn.
        links: The others.
        output: `sigmoid`, `softmax` or `values`: what the model's output is, and with the first
            two, what the loss takes its logits from.
        weights: The model's weights in `get_weights()` order: position of a link and of a slot in
            it, or the variable itself where no link has it.
    """

    preprocessing: tuple[Any, ...]
    links: tuple[Link, ...]
    output: str
    weights: tuple[Any, ...] = field(default=())

    @property
    def before(self) -> tuple[Any, ...]:
        """Equal for chains whose preprocessing does the same."""
        return tuple(
            id(layer) if is_encoding(layer) else settings_text(layer)
            for layer in self.preprocessing
        )

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for chains that are trained alike, whatever comes before their links."""
        return (tuple(link.key for link in self.links), self.output)

    def width(self, columns: int) -> int:
        """Numbers that come into the first link for a row of so many."""
        for layer in self.preprocessing[::-1]:
            if is_encoding(layer):
                return int(layer.output.shape[1])
        return columns


def chain_of(model: Any) -> Chain:
    """Reads a model.

    Raises:
        Unstackable: It is something else than a chain of known layers.
    """
    layers = _layers(model)
    preprocessing: list[Any] = []
    while layers and (isinstance(layers[0], PREPROCESSING) or is_encoding(layers[0])):
        check_layer(layers[0])
        preprocessing.append(layers.pop(0))
    links: list[Link] = []
    for layer in layers:
        links.extend(links_of(layer))
    output = "values"
    if links and links[-1].kind == "activation" and links[-1].settings[0] in {"sigmoid", "softmax"}:
        output = links.pop().settings[0]
    for link in links:
        if link.settings[:1] == ("softmax",):
            raise Unstackable("softmax before the last layer")
    if not any(link.slots for link in links):
        raise Unstackable("a model without weights")
    return Chain(tuple(preprocessing), tuple(links), output, _weights(model, links))


def _layers(model: Any) -> list[Any]:
    """The layers from input to output."""
    # A subclass may compute, or be trained, in another way.
    if type(model) not in {keras.Sequential, keras.src.models.functional.Functional}:
        raise Unstackable(f"a model of class {type(model).__name__}")
    if not getattr(model, "built", False) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise Unstackable("a model without a fixed input, or with several inputs or outputs")
    if len(model.inputs[0].shape) != 2:
        raise Unstackable("inputs that are not rows of numbers")
    graph = model._functional if isinstance(model, keras.Sequential) else model
    layers: list[Any] = []
    tensor = graph.outputs[0]
    while True:
        layer, index, _ = tensor._keras_history
        if isinstance(layer, keras.layers.InputLayer):
            return layers[::-1]
        sources = layer._inbound_nodes[index].input_tensors
        if not isinstance(layer, keras.Layer) or len(sources) != 1 or layer in layers:
            raise Unstackable("a model that is no chain of layers")
        layers.append(layer)
        tensor = sources[0]


def _weights(model: Any, links: Sequence[Link]) -> tuple[Any, ...]:
    where = {
        id(slot.variable): (i, j)
        for i, link in enumerate(links)
        for j, slot in enumerate(link.slots)
    }
    return tuple(where.get(id(variable), variable) for variable in model.weights)
