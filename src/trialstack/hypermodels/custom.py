"""A hypermodel class of the user's own, named in the experiment file as `package.module:Class`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from trialstack.errors import ExperimentError
from trialstack.hypermodels.modules import import_module, told


def load_hypermodel(
    name: str,
    *,
    offered: Mapping[str, Any],
    params: Mapping[str, Any],
    folder: Path,
    where: str = "experiment",
) -> keras_tuner.HyperModel:
    """An instance of the class.

    Args:
        name: `package.module:Class`. The module is looked for among the installed ones, then in
            the current directory, then in `folder`.
        offered: Arguments that the class gets if its signature names them: `n_features`,
            `n_classes`, `mean`, `variance`.
        params: Arguments from `[hypermodel.params]`, all of which it must take.
        folder: Of the experiment file.
        where: Start of an error line, such as the experiment file.

    Raises:
        ExperimentError: There is no such module or class, it is no `keras_tuner.HyperModel`, its
            arguments do not fit, or its code raises.
    """
    hypermodel_class = _find_class(name, folder, f"{where}: key 'hypermodel.type': {name!r}")
    start = f"{where}: key 'hypermodel.params': {name!r}"
    arguments = _arguments(hypermodel_class, offered, params, start)
    try:
        return hypermodel_class(**arguments)
    except Exception as error:
        raise ExperimentError(f"{start} raised {told(error)}") from error


def _find_class(name: str, folder: Path, start: str) -> type[keras_tuner.HyperModel]:
    module_name, _, class_name = name.partition(":")
    module = import_module(module_name, folder, start)
    found = getattr(module, class_name, None)
    if found is None:
        there = [
            attribute
            for attribute, value in vars(module).items()
            if inspect.isclass(value) and issubclass(value, keras_tuner.HyperModel)
        ]
        has = f"its hypermodels are: {', '.join(there)}" if there else "it has no hypermodel"
        raise ExperimentError(f"{start}: module {module_name!r} has no {class_name!r}; {has}")
    if not (inspect.isclass(found) and issubclass(found, keras_tuner.HyperModel)):
        raise ExperimentError(
            f"{start}: {class_name!r} is not a class derived from keras_tuner.HyperModel"
        )
    return found


def _arguments(
    hypermodel_class: type, offered: Mapping[str, Any], params: Mapping[str, Any], start: str
) -> dict[str, Any]:
    parameters = inspect.signature(hypermodel_class).parameters.values()
    named = {p.name: p for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = [key for key in params if key not in named and not takes_any]
    if unknown:
        raise ExperimentError(
            f"{start} takes no {unknown[0]!r}; it takes: {', '.join(named) or 'nothing'}"
        )
    arguments = {key: value for key, value in offered.items() if key in named} | dict(params)
    needed = [p.name for p in named.values() if p.default is p.empty and p.name not in arguments]
    if needed:
        raise ExperimentError(f"{start} needs {needed[0]!r}; add it to [hypermodel.params]")
    return arguments
