"""Refuses models that need more than Keras itself to be loaded.

A registered model is loaded by people who have Keras but not the code it was written with, and in
Keras' safe mode, which runs no stored Python. So every object in its configuration, layers and
functions alike, must be one of Keras' own, and none may be a `Lambda`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trialstack.errors import ModelRefusedError

ADVICE = "build the model of stock layers (keras.layers) and Keras' own functions"


def stock_copy(model: Any) -> Any:
    """An uncompiled copy of a model that consists of stock Keras objects only, ready to be saved.

    The copy carries no optimizer state and no loss or metric, which a user may have written. Its
    weights are complete once it has been saved and loaded: `Normalization` computes what it works
    with only then.

    Args:
        model: A built Keras model.

    Raises:
        ModelRefusedError: A part of it is not Keras' own; the part is named.
    """
    import keras

    config = stock_config(model)
    try:
        copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
        copy.set_weights(model.get_weights())
    except Exception as error:
        raise ModelRefusedError(
            f"model {model.name!r}: cannot be made again from its configuration "
            f"({_first_line(error)}); {ADVICE}"
        ) from error
    return copy


def stock_config(model: Any) -> dict[str, Any]:
    """Keras' configuration of a model, without what `compile` added.

    Raises:
        ModelRefusedError: Something in it is not Keras' own.
    """
    import keras

    try:
        config: dict[str, Any] = keras.saving.serialize_keras_object(model)
    except Exception as error:
        raise ModelRefusedError(
            f"model {model.name!r}: Keras cannot describe it ({_first_line(error)}); {ADVICE}"
        ) from error
    config.pop("compile_config", None)
    for part in _objects(config):
        if part["class_name"] == "Lambda" or not _is_stock(part["module"]):
            raise ModelRefusedError(f"model {model.name!r}: {_describe(part)}; {ADVICE}")
    return config


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def _objects(config: Any) -> Iterator[Mapping[str, Any]]:
    """All serialized objects of a configuration, outermost first."""
    if isinstance(config, Mapping):
        if "class_name" in config and "module" in config:
            yield config
        for value in config.values():
            yield from _objects(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _objects(value)


def _is_stock(module: str | None) -> bool:
    return module is not None and (module == "keras" or module.startswith("keras."))


def _describe(part: Mapping[str, Any]) -> str:
    if part["class_name"] == "function":
        return f"function {part['config']!r} is not one of Keras' own, and cannot be stored"
    name = part["config"].get("name") if isinstance(part["config"], Mapping) else None
    what = f"layer {name!r} ({part['class_name']})" if name else f"class {part['class_name']}"
    if part["class_name"] == "Lambda":
        return f"{what} holds Python code, which cannot be stored safely"
    return f"{what} is not one of Keras' own, so nobody else could load it"
