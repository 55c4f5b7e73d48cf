"""One Keras model that says what several say on average."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trialstack.preprocessing.encodings import is_encoding

if TYPE_CHECKING:
    import keras


def averaged_model(members: Sequence[keras.Model], times: Sequence[int]) -> keras.Model:
    """A model of stock layers whose output is the weighted mean of its members' outputs.

    What members make of numbers before their first layer is worked out once for all that make the
    same of them. With probabilities from all members, its output is between 0 and 1 exactly: a sum
    of whole multiples is never rounded to above the number that it is divided by.

    Shapes:
        As its members: input `(rows, features)`, output `(rows, outputs)`.

    Args:
        members: Trained, with inputs and outputs of the same shapes.
        times: How often each counts, from 1.

    Example:
        >>> import keras
        >>> def linear(kernel):
        ...     dense = keras.layers.Dense(1, kernel_initializer=kernel)
        ...     return keras.Sequential([keras.Input((2,)), dense])
        >>> model = averaged_model([linear("ones"), linear("zeros")], [1, 3])
        >>> float(model(keras.ops.array([[3.0, 1.0]]))[0, 0])
        1.0
    """
    import keras

    inputs = keras.Input(members[0].input_shape[1:], name="features")
    encoded: dict[Any, Any] = {}
    parts = []
    for number, (member, weight) in enumerate(zip(members, times, strict=True), start=1):
        encoding, network = _parts(member, number)
        if encoding is not None and encoding not in encoded:
            encoded[encoding] = encoding(inputs)
        said = network(inputs if encoding is None else encoded[encoding])
        parts.append(keras.layers.Rescaling(weight, name=f"member_{number}_times")(said))
    total = keras.layers.Add(name="sum")(parts) if len(parts) > 1 else parts[0]
    return keras.Model(inputs, total / float(sum(times)), name="ensemble")


def _parts(member: keras.Model, number: int) -> tuple[Any, keras.Model]:
    """A member's encoding, if it has one, and the rest of it under a name of its own."""
    import keras

    name = f"member_{number}"
    first = member.layers[0]
    if isinstance(member, keras.Sequential) and is_encoding(first):
        rest = [keras.Input(first.output_shape[1:]), *member.layers[1:]]
        return first, keras.Sequential(rest, name=name)
    inputs = keras.Input(member.input_shape[1:])
    return None, keras.Model(inputs, member(inputs), name=name)
